"""Subsample breakdown of a factor: by year, regime, liquidity of the symbols, and training cutoff of its model."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.market_regimes import regimes
from alpha_pipeline.backtesting.traded_factor import TradedFactor
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import mean_test, overlap_lags
from alpha_pipeline.typing import Array, Flags

# Each group of symbols is ranked within itself; fewer leave no legs.
SYMBOLS_A_GROUP = 3
# Annualised figures of fewer days are noise.
LEAST_DAYS = 20
ALL_BARS = ("all", "all bars")


def subsample_breakdown(
    values: Array, bars: Bars, cutoff: pd.Timestamp | None = None, start: int = 0, traded: TradedFactor | None = None
) -> pd.DataFrame:
    """
    Measures of one factor on subsamples of the bars and of the symbols.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        bars: on the same grid.
        cutoff: end of the training data of the model that wrote the factor; None without a model or if unknown.
        start: first bar that is measured; those before it only determine the regimes.
        traded: the factor traded from `start` on, where the caller has it already.

    Returns:
        Columns `kind` (all, year, trend, risk, liquidity, cutoff, symbols), `subsample`, `bars` (of returns),
        `rank_ic`, `t_stat`, `annual_return` and `sharpe` (after costs; annualised by the calendar), `max_drawdown`.
        A bar belongs to the regime at its close. The symbols are halved by the money traded before `start`, or in the
        first half of the bars when `start` is 0. NaN where undefined, and on subsamples of less than 20 days.
    """
    market, words = bars.market, regimes(bars.panel, bars.market).iloc[start:].reset_index(drop=True)
    recent, values = bars.rows(start, None), values[start:]
    traded = traded or TradedFactor.of(values, recent)
    closes = pd.DatetimeIndex(recent.panel.timestamps).tz_localize("UTC")
    masks = [(*ALL_BARS, np.ones(len(closes), dtype=bool)), *_years(closes)]
    for kind in map(str, words):
        masks += [(kind, str(word), (words[kind] == word).to_numpy()) for word in sorted(set(words[kind]) - {""})]
    if cutoff is not None:
        after = np.asarray(closes > cutoff)
        masks += [("cutoff", "before the model's cutoff", ~after), ("cutoff", "after the model's cutoff", after)]
    rows = [subsample_measures(kind, name, traded, mask, market) for kind, name, mask in masks]
    for name, members in _halves(bars.panel, start):
        part = TradedFactor.of(np.where(members, values, np.nan), recent)
        rows.append(_row("symbols", name, part.net, part.rank_ic, market))
    return pd.DataFrame(rows)


def long_enough(bars: int, market: Market) -> bool:
    """Whether the bars are enough to annualise."""
    return bool(bars * market.bar_length >= pd.Timedelta(days=LEAST_DAYS))


def subsample_measures(kind: str, name: str, traded: TradedFactor, mask: Array, market: Market) -> dict[str, object]:
    """One row of `subsample_breakdown`, of the (bars,) of a mask."""
    return _row(kind, name, traded.net[mask], traded.rank_ic[mask], market)


def _row(kind: str, name: str, net: Array, ic: Array, market: Market) -> dict[str, object]:
    earned, year = net[np.isfinite(net)], market.periods_per_year
    if not long_enough(len(earned), market):
        blank = dict.fromkeys(("rank_ic", "t_stat", "annual_return", "sharpe", "max_drawdown"), np.nan)
        return {"kind": kind, "subsample": name, "bars": len(earned), **blank}
    test = mean_test(ic, overlap_lags(market.horizon_bars))
    return {
        "kind": kind,
        "subsample": name,
        "bars": len(earned),
        "rank_ic": test.mean,
        "t_stat": test.t_stat,
        "annual_return": metrics.annual_return(earned, year),
        "sharpe": metrics.sharpe(earned, year),
        "max_drawdown": metrics.max_drawdown(earned),
    }


def _years(closes: pd.DatetimeIndex) -> list[tuple[str, str, Flags]]:
    years = closes.year.to_numpy()
    return [("year", str(year), years == year) for year in np.unique(years)]


def _halves(panel: Panel, start: int) -> Iterator[tuple[str, Flags]]:
    """Names and members of the two halves of the symbols by money traded; none without volume or with few symbols."""
    if "volume" not in panel.fields or panel.shape[1] < 2 * SYMBOLS_A_GROUP:
        return
    before = panel.rows(0, start or panel.shape[0] // 2)
    money = np.nan_to_num(before["close"] * before["volume"]).sum(axis=0)
    much = np.argsort(np.argsort(-money, kind="stable")) < len(money) / 2
    yield "more traded half", much
    yield "less traded half", ~much
