"""
A capital that follows one factor over a stretch of bars: equity, orders, costs in money, and what is measured of it.

The book is held and paid for by `portfolio.trade`; which bars may be looked at is `splits`' business.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.information import predictive_correlation, rank_ic
from alpha_pipeline.backtesting.portfolio import BacktestConfig, BacktestResult, ExecutionBars, trade, trades
from alpha_pipeline.backtesting.ranks import MINIMUM_BREADTH
from alpha_pipeline.backtesting.returns import forward_returns
from alpha_pipeline.backtesting.splits import HISTORY_BARS, Segment, split
from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import sharpe_error, sharpe_moments
from alpha_pipeline.typing import Array

STRETCHES = ("train", "valid", "sealed")


@dataclass(frozen=True)
class Account:
    """
    What became of a capital.

    Args:
        closes: (bars,) UTC closes of the bars held, from the first entry on.
        gross: (bars,), fraction per bar before costs.
        net: (bars,), fraction per bar after costs.
        equity: (bars + 1,), quote currency: the capital, then after each bar.
        orders: as `portfolio.trades` gives them, with `cost`, quote currency, of fee and slippage.
        measures: by name; fractions, ratios per year, and `profit`, `fees`, `carry` (borrow and funding) and
            `final_equity` in the quote currency. NaN where undefined.
    """

    closes: pd.DatetimeIndex
    gross: Array
    net: Array
    equity: Array
    orders: pd.DataFrame
    measures: dict[str, float]


def stretch(bars: int, market: Market, name: str, wanted_bars: int) -> Segment:
    """
    The last bars of a part of the history, cut where the run dates cut it.

    Args:
        bars: bars of the panel, up to the last run date.
        market: gives the horizon.
        name: "train", "valid" or "sealed"; bars older than the run dates look at belong to train.
        wanted_bars: how many, at least 1; fewer when the part has no more.

    Raises:
        DataError: too few bars to split, or none wanted.
    """
    if wanted_bars < 1:
        raise DataError(f"{wanted_bars} bars are no stretch; expected at least 1")
    before = max(0, bars - HISTORY_BARS)
    cut = split(bars - before, market.horizon_bars)
    first, last = cut.open_test() if name == "sealed" else {"train": cut.train, "valid": cut.valid}[name]
    earliest = 0 if name == "train" else before + first
    return max(earliest, before + last - wanted_bars), before + last


def account(
    values: Array, panel: Panel, market: Market, config: BacktestConfig, window: Segment, funding: Array | None = None
) -> Account:
    """
    Follow a factor over the bars of a window; those before it only warm up.

    Args:
        values: (bars, symbols), any unit; high is bought.
        panel: prices on the same grid.
        market: calendar, horizon and costs.
        config: how it is traded.
        window: [start, stop) of the panel; nothing after it is read.
        funding: payments of `funding.funding_payments`; none by default.

    Returns:
        From the first entry inside the window on, which pays its costs like any other. What is held at the end is
        valued, not sold. With fewer symbols than a cross-section needs, `ic` is the correlation over time, averaged
        over the symbols; else the mean rank IC over the bars. Empty series and NaN when nothing was held.

    Raises:
        DataError: the shapes differ.
    """
    start, stop = window
    warm = max(0, start - config.window_bars - config.rebalance_bars - config.delay_bars)
    piece, inside = panel.rows(warm, stop), slice(start - warm, None)
    tape = ExecutionBars.of(piece, config, market.periods_per_year)
    tradable = tape.tradable.copy()
    tradable[: inside.start] = False  # before the window a book may be decided, never bought
    paid = None if funding is None else funding[warm:stop]
    result = trade(values[warm:stop], replace(tape, tradable=tradable), funding=paid)
    held = slice(result.first, result.first + len(result.net))
    equity = config.capital * np.cumprod(np.concatenate([[1.0], 1 + result.net]))
    orders = trades(result, piece, config)
    orders = orders.assign(cost=orders["notional"].abs() * orders["cost_bps"] / 10_000)
    measures = _measures(result, market) | _money(result, equity, orders, config)
    measures["hold_return"] = metrics.total_return(_holding(tape.returns[held]))
    measures["ic"] = _information(values[start:stop], piece.rows(inside.start, None), market, config)
    closes = pd.DatetimeIndex(piece.timestamps[held]).tz_localize("UTC")
    return Account(closes, result.gross, result.net, equity, orders, measures)


def bars_of_days(days: float, panel: Panel) -> int:
    """How many bars the last `days` days of trading take: a daily market has one a session."""
    typical = np.median(np.diff(panel.timestamps)) if panel.shape[0] > 1 else np.timedelta64(1, "D")
    return max(1, round(days * max(1.0, float(np.timedelta64(1, "D") / typical))))


def _measures(result: BacktestResult, market: Market) -> dict[str, float]:
    net, per_year = result.net, market.periods_per_year
    per_bar, skewness, kurtosis, bars = sharpe_moments(net)
    return {
        "bars": len(net),
        "total_return": metrics.total_return(net),
        "annual_return": metrics.annual_return(net, per_year),
        "volatility": metrics.volatility(net, per_year),
        "sharpe": metrics.sharpe(net, per_year),
        "sharpe_error": sharpe_error(per_bar, bars, skewness, kurtosis) * np.sqrt(per_year),
        "sharpe_gross": metrics.sharpe(result.gross, per_year),
        "sortino": metrics.sortino(net, per_year),
        "calmar": metrics.calmar(net, per_year),
        "max_drawdown": metrics.max_drawdown(net),
        "win_rate": metrics.win_rate(net),
        "profit_factor": metrics.profit_factor(net),
        "turnover": float(result.turnover.mean()) * market.bars_per_day if len(net) else np.nan,
    }


def _money(result: BacktestResult, equity: Array, orders: pd.DataFrame, config: BacktestConfig) -> dict[str, float]:
    costs = float(((result.gross - result.net) * equity[:-1]).sum())
    fees = float(orders["cost"].sum())
    return {
        "capital": config.capital,
        "final_equity": float(equity[-1]),
        "profit": float(equity[-1] - config.capital),
        "fees": fees,
        "carry": costs - fees if abs(costs - fees) > 1e-9 * config.capital else 0.0,
        "orders": len(orders),
    }


def _holding(returns: Array) -> Array:
    """(bars,): an equal part in every symbol that is there; 0 where none is."""
    there = np.isfinite(returns)
    return np.where(there, returns, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def _information(values: Array, window: Panel, market: Market, config: BacktestConfig) -> float:
    labels = forward_returns(window, market.horizon_bars, config.delay_bars, config.fill)
    narrow = len(window.symbols) < MINIMUM_BREADTH
    found = (predictive_correlation if narrow else rank_ic)(values, labels)
    return float(np.nanmean(found)) if np.isfinite(found).any() else np.nan
