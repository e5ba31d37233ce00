"""
What factors active showed since they entered, and how fast they fade.

Only bars after the run date of entry count, and only those whose outcome the run date knows; what follows is `life`'s.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import (
    BacktestConfig,
    EvaluationBars,
    forward_returns,
    funding_payments,
    rank_ic,
    scored,
    split,
)
from alpha_pipeline.backtesting.ranks import rank_correlations, ranks
from alpha_pipeline.backtesting.splits import HISTORY_BARS
from alpha_pipeline.factors.values import evaluate_all, library_nodes
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import mean_test, overlap_lags
from alpha_pipeline.typing import Array

DAY = pd.Timedelta(days=1)
# Live bars reach this far back; the days before them only warm factors up.
WINDOW_DAYS = 182
LOOKBACK_DAYS = WINDOW_DAYS + 98
# A t below this is no rank IC to speak of, and half of nothing has no date.
SIGNIFICANT = 2.0
BLANK = {
    "live_bars": 0, "live_rank_ic": np.nan, "live_t_stat": np.nan, "live_net_t_stat": np.nan, "live_turnover": np.nan,
    "live_break_even_bps": np.nan, "live_half_life_days": np.nan,
}  # fmt: skip


def live_measures(
    library: pd.DataFrame, panel: Panel, market: Market, funding: pd.DataFrame | None = None
) -> pd.DataFrame:
    """
    What each factor active showed on the bars since it entered, `WINDOW_DAYS` back at most.

    Args:
        library: rows of `tables.LIBRARY` of one run date; retired factors are left out.
        panel: bars of the market; those after the run date are not looked at.
        market: horizon and costs.
        funding: rows of `tables.RAW_FUNDING`; what was not known by the run date does not count, nothing is paid by
            default.

    Returns:
        Index factor_id; the columns `live_...` of `tables.LIBRARY`, in the direction of the factor's weight (a
        reference as it is written). `live_bars` counts bars with a rank IC, each with an outcome known by the run date;
        NaN where there is nothing to measure. The same for a run date lived alone and for one of many: no bar before the
        window and its warm-up is looked at.
    """
    active = library[library["status"] != "retired"]
    if active.empty:
        return pd.DataFrame(columns=list(BLANK), index=pd.Index([], name="factor_id"))
    end = active["run_date"].iloc[0] + DAY
    recent = panel.after(end - LOOKBACK_DAYS * DAY).until(end)
    recent = replace(recent, origin=0)  # where a window's blocks begin depends on no bar that others may have
    values = evaluate_all(library_nodes(active, market), recent)
    paid = None
    if funding is not None and len(funding):
        known = funding[funding["available_at"] <= end]
        paid = funding_payments(known, recent, BacktestConfig.of(market).fill)
    stretches: dict[int, EvaluationBars] = {}
    rows = {}
    for factor in active.to_dict("records"):
        name, entered = str(factor["factor_id"]), factor["since"] + DAY
        first = recent.closed_by(max(entered, end - WINDOW_DAYS * DAY))
        if recent.shape[0] - first <= market.horizon_bars + 1:
            rows[name] = dict(BLANK)
            continue
        if first not in stretches:
            later = None if paid is None else paid[first:]
            stretches[first] = EvaluationBars.of(recent.rows(first, None), market, funding=later)
        ages = (recent.timestamps[first:] - np.datetime64(entered.tz_localize(None), "us")) / np.timedelta64(1, "D")
        direction = -1.0 if factor["weight"] < 0 else 1.0
        rows[name] = _measured(values[name][first:], stretches[first], direction, factor["expected_rank_ic"], ages)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("factor_id")


def half_lives(library: pd.DataFrame, panel: Panel, market: Market) -> pd.Series:
    """
    The half-life of each factor on the bars the judge had: train and validation.

    Args:
        library: rows of `tables.LIBRARY` of one run date; retired factors are left out.
        panel: bars of the market; those after the run date, and the sealed ones before it, are not looked at.
        market: horizon.

    Returns:
        By factor_id, of `half_life_days`.

    Raises:
        DataError: too few bars to split.
    """
    active = library[library["status"] != "retired"]
    if active.empty:
        return pd.Series(dtype=float)
    known = panel.until(active["run_date"].iloc[0] + DAY)
    known = known.rows(-min(known.shape[0], HISTORY_BARS), None)
    seen = known.rows(0, split(known.shape[0], market.horizon_bars).valid[1])
    values = evaluate_all(library_nodes(active, market), seen)
    return pd.Series({name: half_life_days(array, seen, market) for name, array in values.items()}, dtype=float)


def half_life_days(values: Array, panel: Panel, market: Market) -> float:
    """
    How old values may be before they say half as much.

    Args:
        values: (bars, symbols), any unit and direction.
        panel: prices on the same grid.
        market: horizon.

    Returns:
        Age at which the mean rank IC of old values with the forward returns over the market's horizon first falls to
        half of that of fresh ones, measured at ages of 1, 2, 4, ... bars, on a straight line between the two around it;
        bars over bars per day, so sessions where a session has one bar. NaN where fresh values have no rank IC with a t
        of 2, and where half is not reached within 20 horizons (at least 64 bars) or a quarter of the bars.

    Raises:
        DataError: the shapes differ.
    """
    farthest = min(max(64, 20 * market.horizon_bars), len(values) // 4)
    ages = [0, *(2**k for k in range(farthest.bit_length()) if 2**k <= farthest)]
    found = np.array([rank_ic(values, forward_returns(panel, market.horizon_bars, 1 + age)) for age in ages])
    found = found[:, np.isfinite(found).all(axis=0)]
    fresh = mean_test(found[0], overlap_lags(market.horizon_bars))
    if not abs(fresh.t_stat) >= SIGNIFICANT:
        return np.nan
    left = found.mean(axis=1) / fresh.mean
    fallen = np.flatnonzero(left <= 0.5)
    if not len(fallen):
        return np.nan
    after, before = fallen[0], fallen[0] - 1
    bars = np.interp(0.5, [left[after], left[before]], [ages[after], ages[before]])
    return float(bars / market.bars_per_day)


def fading_days(rank_ics: Array, ages: Array, expected: float, lags: int) -> float:
    """
    Days after entry at which the live rank IC has fallen to half of what was expected.

    Args:
        rank_ics: (bars,), live, in the direction the factor is traded; NaN are left out.
        ages: (bars,), days since entry.
        expected: rank IC on entry.
        lags: autocovariances counted in the test of the decline.

    Returns:
        Where the straight line from `expected` on entry through the live rank ICs (least squares) reaches half of
        `expected`; NaN unless it falls with a Newey-West t of 2, or where nothing was expected.
    """
    known = np.isfinite(rank_ics)
    missed, age = rank_ics[known] - expected, ages[known]
    slope = mean_test(missed * age, lags)
    if not (expected > 0 and slope.t_stat <= -SIGNIFICANT):
        return np.nan
    return float(-0.5 * expected / (slope.mean / np.mean(age**2)))


def _measured(
    values: Array, stretch: EvaluationBars, direction: float, expected: float, ages: Array
) -> dict[str, float]:
    lags = overlap_lags(stretch.market.horizon_bars)
    fractions = ranks(values)
    earned = direction * rank_correlations(fractions, stretch.forward_ranks)
    found, net = scored(values, stretch, False, direction, fractions)
    return {
        "live_bars": int(np.isfinite(earned).sum()),
        "live_rank_ic": direction * found["rank_ic"],
        "live_t_stat": direction * found["t_stat"],
        "live_net_t_stat": mean_test(net, lags).t_stat,
        "live_turnover": found["turnover"],
        "live_break_even_bps": found["break_even_bps"],
        "live_half_life_days": fading_days(earned, ages, expected, lags),
    }
