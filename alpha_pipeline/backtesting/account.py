"""
An account that trades one factor over a segment of bars: equity, orders, costs in money, and its measures.

`portfolio.trade` holds and pays for the book; `splits` cuts the segments.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH
from alpha_pipeline.backtesting.bars import BacktestConfig, Bars
from alpha_pipeline.backtesting.information import predictive_correlation, rank_ic
from alpha_pipeline.backtesting.portfolio import BacktestResult, ExecutionBars, trade, trades
from alpha_pipeline.backtesting.splits import Segment, first_recent, market_split
from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.statistics import sharpe_error, sharpe_moments
from alpha_pipeline.typing import Array, Times


@dataclass(frozen=True)
class AccountMeasures:
    """
    Measures of an account: fractions, ratios per year, money in the quote currency; NaN where undefined.

    Args:
        carry: borrow and funding.
        ruined: 1 when the equity was lost, else 0; the annual return of a ruined account is -100 %.
    """

    bars: int
    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    sharpe_error: float
    sharpe_gross: float
    sortino: float
    calmar: float
    max_drawdown: float
    win_rate: float
    profit_factor: float
    turnover: float
    capital: float
    final_equity: float
    profit: float
    fees: float
    carry: float
    orders: int
    hold_return: float
    ic: float
    ruined: int

    def to_row(self) -> dict[str, float]:
        """The measures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Account:
    """
    An account that traded one factor.

    Args:
        closes: (bars,) UTC closes of the bars held, from the first entry on; ruin is the last.
        gross: (bars,), fraction per bar before costs.
        net: (bars,), fraction per bar after costs.
        equity: (bars + 1,), quote currency: the capital, then after each bar.
        orders: as `portfolio.trades` returns them, with `cost`, quote currency, of fee and slippage.
        measures: of returns, money and orders.
    """

    closes: pd.DatetimeIndex
    gross: Array
    net: Array
    equity: Array
    orders: pd.DataFrame
    measures: AccountMeasures


def segment_tail(timestamps: Times, market: Market, name: str, length: int) -> Segment:
    """
    The last bars of a segment of the history, split as on a run date.

    Args:
        timestamps: (bars,) closes up to the last run date.
        market: gives the horizon and the split.
        name: "train", "valid" or "sealed"; bars older than those split belong to train.
        length: number of bars, at least 1; fewer when the segment has no more.

    Raises:
        DataError: too few bars to split, or a length below 1.
    """
    if length < 1:
        raise DataError(f"a segment needs at least 1 bar; found {length}")
    before = first_recent(timestamps, market)
    cut = market_split(timestamps[before:], market)
    first, last = cut.open_test() if name == "sealed" else {"train": cut.train, "valid": cut.valid}[name]
    earliest = 0 if name == "train" else before + first
    return Segment(max(earliest, before + last - length), before + last)


def simulate_account(values: Array, bars: Bars, window: Segment) -> Account:
    """
    Trade a factor over the bars of a window; those before it are the warm-up.

    Args:
        values: (bars, symbols), any unit; high is bought.
        bars: on the same grid.
        window: nothing after it is read.

    Returns:
        From the first entry inside the window on, which pays its costs. What is held at the end is valued, not sold;
        ruin ends the account. With fewer symbols than a cross-section needs, `ic` is the correlation over time,
        averaged over the symbols; else the mean rank IC over the bars. Empty series and NaN when nothing was held.

    Raises:
        DataError: the shapes differ.
    """
    (start, stop), config, market = window, bars.config, bars.market
    warm = max(0, start - config.window_bars - config.rebalance_bars - config.delay_bars)
    piece, inside = bars.rows(warm, stop), slice(start - warm, None)
    execution = ExecutionBars.of(piece)
    tradable = execution.tradable.copy()
    tradable[: inside.start] = False  # before the window a book may be decided, never bought
    traded = trade(values[warm:stop], replace(execution, tradable=tradable), funding=piece.funding)
    result = _until_ruin(traded, (config.fee_bps + config.slippage_bps) / 10_000)
    held = slice(result.first, result.first + len(result.net))
    equity = config.capital * np.cumprod(np.concatenate([[1.0], 1 + result.net]))
    orders = trades(result, piece.panel, config)
    orders = orders.assign(cost=orders["notional"].abs() * orders["cost_bps"] / 10_000)
    hold_return = metrics.total_return(_equal_weighted(execution.returns[held]))
    ic = _information(values[start:stop], piece.rows(inside.start, None))
    measures = _measures(result, equity, orders, market, config, hold_return, ic)
    closes = pd.DatetimeIndex(piece.panel.timestamps[held]).tz_localize("UTC")
    return Account(closes, result.gross, result.net, equity, orders, measures)


def bars_of_days(days: float, market: Market) -> int:
    """Number of bars in `days` days of trading: sessions of an exchange, days of 24 hours otherwise."""
    return max(1, round(days * market.bars_per_session))


def _until_ruin(result: BacktestResult, cost_rate: float) -> BacktestResult:
    """The result up to the bar that loses the equity; what that bar lost beyond the equity was never charged."""
    lost = np.flatnonzero(result.net <= -1.0)
    if not len(lost):
        return result
    stop = int(lost[0]) + 1
    gross, turnover = result.gross[:stop].copy(), result.turnover[:stop]
    gross[-1] = max(gross[-1], -1.0 + 2 * turnover[-1] * cost_rate)
    return replace(result, weights=result.weights[:stop], gross=gross, net=result.net[:stop], turnover=turnover)


def _measures(
    result: BacktestResult, equity: Array, orders: pd.DataFrame, market: Market, config: BacktestConfig,
    hold_return: float, ic: float,
) -> AccountMeasures:  # fmt: skip
    net, per_year = result.net, market.periods_per_year
    per_bar, skewness, kurtosis, bars = sharpe_moments(net)
    ruined = bool(len(net) and net[-1] <= -1.0)
    depth = metrics.max_drawdown(net)
    annual_return = -1.0 if ruined else metrics.annual_return(net, per_year)
    costs = float(((result.gross - net) * equity[:-1]).sum())
    fees = float(orders["cost"].sum())
    return AccountMeasures(
        bars=len(net),
        total_return=metrics.total_return(net),
        annual_return=annual_return,
        volatility=metrics.volatility(net, per_year),
        sharpe=metrics.sharpe(net, per_year),
        sharpe_error=sharpe_error(per_bar, bars, skewness, kurtosis) * np.sqrt(per_year),
        sharpe_gross=metrics.sharpe(result.gross, per_year),
        sortino=metrics.sortino(net, per_year),
        calmar=annual_return / -depth if depth < 0 else np.nan,
        max_drawdown=depth,
        win_rate=metrics.win_rate(net),
        profit_factor=metrics.profit_factor(net),
        turnover=float(result.turnover.mean()) * market.bars_per_session if len(net) else np.nan,
        capital=config.capital,
        final_equity=float(equity[-1]),
        profit=float(equity[-1] - config.capital),
        fees=fees,
        carry=costs - fees if abs(costs - fees) > 1e-9 * config.capital else 0.0,
        orders=len(orders),
        hold_return=hold_return,
        ic=ic,
        ruined=int(ruined),
    )


def _equal_weighted(returns: Array) -> Array:
    """(bars,): mean return of the symbols present; 0 where there is none."""
    present = np.isfinite(returns)
    result: Array = np.where(present, returns, 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return result


def _information(values: Array, window: Bars) -> float:
    narrow = len(window.panel.symbols) < MINIMUM_BREADTH
    ic = (predictive_correlation if narrow else rank_ic)(values, window.forward_returns())
    return float(np.nanmean(ic)) if np.isfinite(ic).any() else np.nan
