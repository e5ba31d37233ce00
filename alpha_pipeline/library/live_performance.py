"""
Live performance of the active factors and the half-lives of their signals.

Only bars after the run date of entry count whose forward return is known by the run date; status changes are in
`lifecycle`.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import (
    BacktestConfig,
    Bars,
    EvaluationBars,
    forward_returns,
    funding_payments,
    measures_and_returns,
    rank_ic,
)
from alpha_pipeline.backtesting.bar_ranks import rank_correlations, ranks
from alpha_pipeline.backtesting.splits import market_split, recent_history
from alpha_pipeline.factors.values import evaluate_all, library_nodes
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import mean_test, overlap_lags
from alpha_pipeline.typing import Array

DAY = pd.Timedelta(days=1)
# Longest live window; the days before it are warm-up.
WINDOW_DAYS = 182
LOOKBACK_DAYS = WINDOW_DAYS + 98
# A half-life needs a significant rank IC.
SIGNIFICANT = 2.0
NO_LIVE_MEASURES = {
    "live_bars": 0, "live_rank_ic": np.nan, "live_t_stat": np.nan, "live_net_t_stat": np.nan, "live_turnover": np.nan,
    "live_break_even_bps": np.nan, "live_half_life_days": np.nan,
}  # fmt: skip


def live_measures(
    library: pd.DataFrame, panel: Panel, market: Market, funding: pd.DataFrame | None = None
) -> pd.DataFrame:
    """
    Live measures of each active factor on the bars since it entered, the last `WINDOW_DAYS` at most.

    Args:
        library: rows of `tables.LIBRARY` of one run date; retired factors are left out.
        panel: bars of the market; bars after the run date are not used.
        market: horizon and costs.
        funding: rows of `tables.RAW_FUNDING`; rows not available by the run date are ignored; none by default.

    Returns:
        Index factor_id; the columns `live_...` of `tables.LIBRARY`, in the direction of the factor's weight (of a
        reference: as written). `live_bars` counts bars with a rank IC whose forward return is known by the run date;
        NaN without any. Bars before the window and its warm-up are not used, so a run date has the same measures in a
        run of its own and in a run of many.
    """
    active = library[library["status"] != "retired"]
    if active.empty:
        return pd.DataFrame(columns=list(NO_LIVE_MEASURES), index=pd.Index([], name="factor_id"))
    end = active["run_date"].iloc[0] + DAY
    recent = panel.after(end - LOOKBACK_DAYS * DAY).until(end)
    recent = replace(recent, origin=0)  # blocks of a window start at the first bar of this panel
    values = evaluate_all(library_nodes(active, market), recent)
    payments = None
    if funding is not None and len(funding):
        available = funding[funding["available_at"] <= end]
        payments = funding_payments(available, recent, BacktestConfig.of(market).fill)
    bars_from: dict[int, EvaluationBars] = {}
    rows = {}
    for factor in active.to_dict("records"):
        name, entered = str(factor["factor_id"]), factor["since"] + DAY
        first = recent.closed_by(max(entered, end - WINDOW_DAYS * DAY))
        if recent.shape[0] - first <= market.horizon_bars + 1:
            rows[name] = dict(NO_LIVE_MEASURES)
            continue
        if first not in bars_from:
            later = None if payments is None else payments[first:]
            bars_from[first] = EvaluationBars.of(Bars.of(recent.rows(first, None), market, funding=later))
        ages = (recent.timestamps[first:] - np.datetime64(entered.tz_localize(None), "us")) / np.timedelta64(1, "D")
        direction = -1.0 if factor["weight"] < 0 else 1.0
        rows[name] = _measures(values[name][first:], bars_from[first], direction, factor["expected_rank_ic"], ages)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("factor_id")


def half_lives(library: pd.DataFrame, panel: Panel, market: Market) -> pd.Series:
    """
    Half-life of each factor on train and validation.

    Args:
        library: rows of `tables.LIBRARY` of one run date; retired factors are left out.
        panel: bars of the market; bars after the run date and the holdout before it are not used.
        market: horizon.

    Returns:
        `half_life_days` by factor_id.

    Raises:
        DataError: too few bars to split.
    """
    active = library[library["status"] != "retired"]
    if active.empty:
        return pd.Series(dtype=float)
    history = panel.until(active["run_date"].iloc[0] + DAY)
    history = recent_history(history, market)
    in_sample = history.rows(0, market_split(history.timestamps, market).valid.stop)
    values = evaluate_all(library_nodes(active, market), in_sample)
    return pd.Series({name: half_life_days(array, in_sample, market) for name, array in values.items()}, dtype=float)


def half_life_days(values: Array, panel: Panel, market: Market) -> float:
    """
    Signal half-life: the age at which values have half of their predictive power.

    Args:
        values: (bars, symbols), any unit and direction.
        panel: prices on the same grid.
        market: horizon.

    Returns:
        Age at which the mean rank IC of lagged values with the forward returns over the market's horizon first falls
        to half of that without a lag, measured at lags of 1, 2, 4, ... bars and interpolated linearly; in bars over
        bars per day, so sessions where a session has one bar. NaN where the rank IC without a lag has a t below 2, and
        where half is not reached within 20 horizons (at least 64 bars) or a quarter of the bars.

    Raises:
        DataError: the shapes differ.
    """
    farthest = min(max(64, 20 * market.horizon_bars), len(values) // 4)
    ages = [0, *(2**k for k in range(farthest.bit_length()) if 2**k <= farthest)]
    rank_ics = np.array([rank_ic(values, forward_returns(panel, market.horizon_bars, 1 + age)) for age in ages])
    rank_ics = rank_ics[:, np.isfinite(rank_ics).all(axis=0)]
    fresh = mean_test(rank_ics[0], overlap_lags(market.horizon_bars))
    if not abs(fresh.t_stat) >= SIGNIFICANT:
        return np.nan
    shares = rank_ics.mean(axis=1) / fresh.mean
    below_half = np.flatnonzero(shares <= 0.5)
    if not len(below_half):
        return np.nan
    after, before = below_half[0], below_half[0] - 1
    bars = np.interp(0.5, [shares[after], shares[before]], [ages[after], ages[before]])
    return float(bars / market.bars_per_day)


def decline_half_life_days(rank_ics: Array, ages: Array, expected: float, lags: int) -> float:
    """
    Days after entry at which the live rank IC has declined to half of the expected one.

    Args:
        rank_ics: (bars,), live, in the direction the factor is traded; NaN are ignored.
        ages: (bars,), days since entry.
        expected: rank IC on entry.
        lags: autocovariances counted in the test of the decline.

    Returns:
        Where the least-squares line through (0, `expected`) and the live rank ICs reaches half of `expected`; NaN
        unless it declines with a Newey-West t of 2, or without a positive expected rank IC.
    """
    is_valid = np.isfinite(rank_ics)
    shortfall, age = rank_ics[is_valid] - expected, ages[is_valid]
    slope = mean_test(shortfall * age, lags)
    if not (expected > 0 and slope.t_stat <= -SIGNIFICANT):
        return np.nan
    return float(-0.5 * expected / (slope.mean / np.mean(age**2)))


def _measures(values: Array, bars: EvaluationBars, direction: float, expected: float, ages: Array) -> dict[str, float]:
    lags = overlap_lags(bars.market.horizon_bars)
    fractions = ranks(values)
    rank_ics = direction * rank_correlations(fractions, bars.forward_ranks)
    measures, net = measures_and_returns(values, bars, False, direction, fractions)
    return {
        "live_bars": int(np.isfinite(rank_ics).sum()),
        "live_rank_ic": direction * measures.rank_ic,
        "live_t_stat": direction * measures.t_stat,
        "live_net_t_stat": mean_test(net, lags).t_stat,
        "live_turnover": measures.turnover,
        "live_break_even_bps": measures.break_even_bps,
        "live_half_life_days": decline_half_life_days(rank_ics, ages, expected, lags),
    }
