"""Where a factor earns: by year, by regime, by kind of symbol, before and after its writer stopped reading."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.portfolio import BacktestConfig
from alpha_pipeline.backtesting.regimes import regimes
from alpha_pipeline.backtesting.traded_factor import Outcome
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import mean_test, overlap_lags
from alpha_pipeline.typing import Array

# Each group of symbols is ranked within itself; fewer leave no legs.
SYMBOLS_A_GROUP = 3
# What a year of it would be, extrapolated from less, is noise.
LEAST_DAYS = 20
WHOLE = ("all", "all bars")


def subsample_breakdown(
    values: Array,
    panel: Panel,
    market: Market,
    config: BacktestConfig | None = None,
    funding: Array | None = None,
    cutoff: pd.Timestamp | None = None,
    start: int = 0,
    whole: Outcome | None = None,
) -> pd.DataFrame:
    """
    The measures of one factor on parts of the bars, and on parts of the symbols.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        panel: prices on the same grid.
        market: calendar, horizon and costs.
        config: how it is traded; the market's way by default.
        funding: payments of `funding.funding_payments`; none by default.
        cutoff: until when the model that wrote it had read; None when nobody did or it is not known.
        start: first bar that is measured; those before it only say what kind of market it was.
        whole: what came of the factor from `start` on, where the caller has it already.

    Returns:
        Columns `kind` (all, year, trend, risk, liquidity, cutoff, symbols), `subsample`, `bars` (of returns),
        `rank_ic`, `t_stat`, `annual_return` and `sharpe` (after costs; annualised by the calendar), `max_drawdown`.
        A bar belongs to the regime known at its close. The symbols are halved by the money traded before `start`, or in the first
        half of the bars where there is nothing before it. NaN where undefined, and on parts of less than 20 days.
    """
    words = regimes(panel, market).iloc[start:].reset_index(drop=True)
    known, panel, values = panel, panel.rows(start, None), values[start:]
    paid = None if funding is None else funding[start:]
    whole = whole or Outcome.of(values, panel, market, config, paid)
    net, ic = whole.net, whole.rank_ic
    closes = pd.DatetimeIndex(panel.timestamps).tz_localize("UTC")
    masks = [(*WHOLE, np.ones(len(closes), dtype=bool)), *_years(closes)]
    for kind in map(str, words):
        masks += [(kind, str(word), (words[kind] == word).to_numpy()) for word in sorted(set(words[kind]) - {""})]
    if cutoff is not None:
        after = np.asarray(closes > cutoff)
        masks += [("cutoff", "before the model's cutoff", ~after), ("cutoff", "after the model's cutoff", after)]
    rows = [_row(kind, name, net[mask], ic[mask], market) for kind, name, mask in masks]
    for name, members in _halves(known, start):
        part = Outcome.of(np.where(members, values, np.nan), panel, market, config, paid)
        rows.append(_row("symbols", name, part.net, part.rank_ic, market))
    return pd.DataFrame(rows)


def long_enough(bars: int, market: Market) -> bool:
    """Whether there are bars enough to speak of a year of them."""
    return bool(bars * market.bar_length >= pd.Timedelta(days=LEAST_DAYS))


def subsample_measures(kind: str, name: str, outcome: Outcome, mask: Array, market: Market) -> dict[str, object]:
    """One row of `subsample_breakdown`: what a factor did on the (bars,) of a mask."""
    return _row(kind, name, outcome.net[mask], outcome.rank_ic[mask], market)


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


def _years(closes: pd.DatetimeIndex) -> list[tuple[str, str, Array]]:
    years = closes.year.to_numpy()
    return [("year", str(year), years == year) for year in np.unique(years)]


def _halves(known: Panel, start: int) -> Iterator[tuple[str, Array]]:
    """Names and members of the two halves of the symbols by money traded; none without volume or with few symbols."""
    if "volume" not in known.fields or known.shape[1] < 2 * SYMBOLS_A_GROUP:
        return
    before = known.rows(0, start or known.shape[0] // 2)
    money = np.nan_to_num(before["close"] * before["volume"]).sum(axis=0)
    much = np.argsort(np.argsort(-money, kind="stable")) < len(money) / 2
    yield "more traded half", much
    yield "less traded half", ~much
