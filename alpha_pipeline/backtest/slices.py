"""Where a factor earns: by year, by regime, by kind of symbol, before and after its writer stopped reading."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from alpha_pipeline.backtest import metrics
from alpha_pipeline.backtest.information import rank_ic
from alpha_pipeline.backtest.portfolio import BacktestConfig, backtest
from alpha_pipeline.backtest.regimes import regimes
from alpha_pipeline.backtest.returns import forward_returns
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Array, Panel
from alpha_pipeline.statistics import mean_test, overlap_lags

# Each group of symbols is ranked within itself; fewer leave no legs.
SYMBOLS_A_GROUP = 3
# What a year of it would be, extrapolated from less, is noise.
LEAST_DAYS = 20
DAY_SECONDS = 86_400
WHOLE = ("all", "all bars")


def sliced(
    values: Array,
    panel: Panel,
    market: Market,
    config: BacktestConfig | None = None,
    funding: Array | None = None,
    cutoff: pd.Timestamp | None = None,
    start: int = 0,
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

    Returns:
        Columns `kind` (all, year, trend, risk, liquidity, cutoff, symbols), `slice`, `bars` (of returns), `rank_ic`,
        `t_stat`, `annual_return` and `sharpe` (after costs; annualised by the calendar), `max_drawdown`. A bar belongs
        to the regime known at its close. The symbols are halved by the money traded before `start`, or in the first
        half of the bars where there is nothing before it. NaN where undefined, and on parts of less than 20 days.
    """
    config = config or BacktestConfig.of(market)
    words = regimes(panel, market).iloc[start:].reset_index(drop=True)
    known, panel, values = panel, panel.rows(start, None), values[start:]
    paid = None if funding is None else funding[start:]
    net, ic = _series(values, panel, market, config, paid)
    closes = pd.DatetimeIndex(panel.timestamps).tz_localize("UTC")
    masks = [(*WHOLE, np.ones(len(closes), dtype=bool)), *_years(closes)]
    for kind in map(str, words):
        masks += [(kind, str(word), (words[kind] == word).to_numpy()) for word in sorted(set(words[kind]) - {""})]
    if cutoff is not None:
        after = np.asarray(closes > cutoff)
        masks += [("cutoff", "before the model's cutoff", ~after), ("cutoff", "after the model's cutoff", after)]
    rows = [_row(kind, name, net[mask], ic[mask], market) for kind, name, mask in masks]
    for name, members in _halves(known, start):
        alone = np.where(members, values, np.nan)
        part_net, part_ic = _series(alone, panel, market, config, paid)
        rows.append(_row("symbols", name, part_net, part_ic, market))
    return pd.DataFrame(rows)


def _series(
    values: Array, panel: Panel, market: Market, config: BacktestConfig, funding: Array | None
) -> tuple[Array, Array]:
    """(bars,) net returns, NaN before the first execution and in the last, unfinished bar; (bars,) rank ICs."""
    result = backtest(values, panel, config, market.periods_per_year, funding)
    net = np.full(len(values), np.nan)
    net[result.first : result.first + len(result.net)] = result.net
    labels = forward_returns(panel, market.horizon_bars, config.delay_bars, config.fill)
    return net, rank_ic(values, labels)


def _row(kind: str, name: str, net: Array, ic: Array, market: Market) -> dict[str, object]:
    earned, year = net[np.isfinite(net)], market.periods_per_year
    if len(earned) * market.bar_length.total_seconds() < LEAST_DAYS * DAY_SECONDS:
        blank = dict.fromkeys(("rank_ic", "t_stat", "annual_return", "sharpe", "max_drawdown"), np.nan)
        return {"kind": kind, "slice": name, "bars": len(earned), **blank}
    test = mean_test(ic, overlap_lags(market.horizon_bars))
    return {
        "kind": kind,
        "slice": name,
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
