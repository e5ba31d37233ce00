"""
One factor as a portfolio: decided at a close, executed at a later bar, after costs.

Weights come from `positions`, prices from `returns`; `metrics` summarizes the returns.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import positions
from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH, ranks
from alpha_pipeline.backtesting.bars import BacktestConfig, Bars
from alpha_pipeline.backtesting.returns import bar_returns, fill_prices
from alpha_pipeline.errors import DataError
from alpha_pipeline.kernels import holdings as portfolio
from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS, exchange_days
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array, Flags, Integers, Times

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class BacktestResult:
    """
    A traded factor, from its first execution on.

    Args:
        weights: (bars, symbols), held from the fill of a bar to that of the next.
        gross: (bars,), fraction per bar before costs.
        net: (bars,), fraction per bar after costs.
        turnover: (bars,), half the sum of absolute weight changes against drifted weights.
        first: position in the panel of the first bar counted.
    """

    weights: Array
    gross: Array
    net: Array
    turnover: Array
    first: int


def backtest(values: Array, bars: Bars) -> BacktestResult:
    """
    Trade a factor.

    Args:
        values: (bars, symbols), any unit; high is bought.
        bars: prices on the same grid, costs and payments.

    Returns:
        Returns from fill price to fill price; warm-up and the last, unfinished bar are left out. Empty when the factor
        never holds anything. A symbol without a price at the execution bar is not traded there.

    Raises:
        DataError: the shapes differ.
    """
    return trade(values, ExecutionBars.of(bars), funding=bars.funding)


def hold(weights: Array, decided: Integers, execution: "ExecutionBars") -> BacktestResult:
    """
    Hold given weights: each row from `delay_bars` after its decision to those of the next.

    Args:
        weights: (decisions, symbols), signed shares of the equity; NaN keeps what is held.
        decided: (decisions,), increasing positions of the decision bars.
        execution: prices and costs of the bars; its decisions are not used.

    Returns:
        As `backtest`, from the first execution on: the first entry pays.

    Raises:
        DataError: the shapes differ.
    """
    if weights.shape != (len(decided), execution.returns.shape[1]):
        raise DataError(f"weights have shape {weights.shape}, expected {(len(decided), execution.returns.shape[1])}")
    bars = len(execution.returns)
    decision, filled = np.full(bars, -1), decided + execution.config.delay_bars
    decision[filled[filled < bars]] = np.flatnonzero(filled < bars)
    empty = np.empty((0, 0))
    held, out = np.empty(execution.returns.shape), np.empty((bars, 4))
    portfolio.hold(
        np.ascontiguousarray(weights, dtype=float) if len(weights) else np.zeros((1, weights.shape[1])),
        empty,
        0.0,
        0,
        0.0,
        0.0,
        decision,
        execution.tradable,
        execution.returns,
        empty,
        execution.impact,
        (execution.config.fee_bps + execution.config.slippage_bps) / 10_000,
        execution.config.borrow_bps_per_year / 10_000 / execution.periods_per_year,
        held,
        out,
    )
    return _counted(held, out)


@dataclass(frozen=True)
class ExecutionBars:
    """
    Execution of any factor on the same bars: prices and costs, computed once.

    Args:
        config: legs, costs, rebalancing.
        periods_per_year: bars per year, for the borrow cost.
        decided: (bars,), at which closes the book is decided.
        tradable: (bars, symbols), whether there is a price to trade at.
        returns: (bars, symbols), fraction from the fill of a bar to that of the next; NaN where a symbol is not there.
        impact: (bars, symbols), of a trade of the whole equity; without rows when switched off.
    """

    config: BacktestConfig
    periods_per_year: float
    decided: Flags
    tradable: Flags
    returns: Array
    impact: Array

    @classmethod
    def of(cls, bars: Bars) -> "ExecutionBars":
        """Execution of any factor on these bars."""
        panel, config = bars.panel, bars.config
        return cls(
            config,
            bars.market.periods_per_year,
            decision_bars(panel.timestamps, config.rebalance_bars, bars.market),
            np.isfinite(fill_prices(panel, config.fill)),
            bar_returns(panel, config.fill, config.delisting_return),
            _impact_rates(panel, config),
        )

    def later(self) -> "ExecutionBars":
        """The same with every trade a bar later."""
        return replace(self, config=replace(self.config, delay_bars=self.config.delay_bars + 1))


def trade(
    values: Array,
    execution: ExecutionBars,
    fractions: Array | None = None,
    direction: float = 1.0,
    funding: Array | None = None,
    keep_weights: bool = True,
) -> BacktestResult:
    """
    Trade a factor on bars that were read before; as `backtest` in all else.

    Args:
        values: (bars, symbols), any unit; high is bought.
        execution: of the same bars.
        fractions: `ranks(values)` where the caller has them already.
        direction: -1 to trade the negative of the values.
        funding: as in `backtest`.
        keep_weights: whether the result has its weights; without rows if not, which saves as much memory as the values.

    Raises:
        DataError: the shapes differ.
    """
    if values.shape != execution.returns.shape:
        raise DataError(f"values have shape {values.shape}, the panel {execution.returns.shape}; they must agree")
    config, bars = execution.config, len(values)
    decided = np.flatnonzero(execution.decided[: -config.delay_bars])
    decision = np.full(bars, -1)
    legs = config.mode == "quantile"
    decision[decided + config.delay_bars] = decided if legs else np.arange(len(decided))
    held, out = np.empty(values.shape if keep_weights else (0, values.shape[1])), np.empty((bars, 4))
    # A cap holds the part of a larger book that it holds of a book of gross 1: `_targets` says the same of other modes.
    cap = config.gross * min(1.0, config.max_weight / config.gross)
    portfolio.hold(
        np.empty((0, 0)) if legs else _targets(values, fractions, decided, direction, config),
        (ranks(values) if fractions is None else fractions) if legs else np.empty((0, 0)),
        config.quantile,
        MINIMUM_BREADTH,
        direction * 0.5 * config.gross,
        cap,
        decision,
        execution.tradable,
        execution.returns,
        np.empty((0, 0)) if funding is None else np.ascontiguousarray(np.nan_to_num(funding)),
        execution.impact,
        (config.fee_bps + config.slippage_bps) / 10_000,
        config.borrow_bps_per_year / 10_000 / execution.periods_per_year,
        held,
        out,
    )
    return _counted(held, out)


def _counted(held: Array, out: Array) -> BacktestResult:
    """The bars from the first execution on, without the last, unfinished one."""
    invested = np.flatnonzero(out[:, portfolio.EXPOSURE])
    counted = slice(int(invested[0]) if len(invested) else len(out), -1)
    gross, net, turnover = (out[counted, k] for k in (portfolio.GROSS, portfolio.NET, portfolio.TURNOVER))
    return BacktestResult(held[counted], gross, net, turnover, counted.start)


def decision_bars(timestamps: Times, rebalance_bars: int, market: Market) -> Flags:
    """
    Closes at which the book is decided: the last bar of each period of `rebalance_bars` bars.

    Periods are anchored to the calendar, so that the same dates decide wherever the panel starts: every 24th hour is
    midnight UTC, every fifth session the last of its week. Bars by the clock are numbered from 1970; sessions of an
    exchange by weekdays, from Monday 5 January 1970, and bars within them from the first of their day. A missing bar is
    replaced by the one before it.

    Returns:
        (bars,) of bool.
    """
    if rebalance_bars == 1 or len(timestamps) < 2:
        return np.ones(len(timestamps), dtype=bool)
    spacing = np.median(np.diff(timestamps)).astype("timedelta64[us]")
    closing = (timestamps - np.timedelta64(1, "us")).astype("datetime64[us]")
    if DAY <= spacing < 2 * DAY and market.calendar != ALWAYS:
        number = np.busday_count("1970-01-05", closing.astype("datetime64[D]"))
    elif spacing < DAY and market.calendar not in (ALWAYS, WEEKDAYS):
        number = _numbers_in_sessions(timestamps, market)
    else:
        number = closing.astype(np.int64) // spacing.astype(np.int64)
    period = np.append(number, number[-1] + 1) // rebalance_bars
    result: Flags = period[1:] != period[:-1]
    return result


def _numbers_in_sessions(timestamps: Times, market: Market) -> Integers:
    """(bars,): number of each bar, weekdays times the bars of a session plus the place within its day."""
    days = exchange_days(market.calendar, pd.DatetimeIndex(timestamps).tz_localize("UTC"))
    per_session = max(1, round(market.bars_per_session))
    starts = np.flatnonzero(np.append(True, days[1:] != days[:-1]))
    place = np.arange(len(days)) - np.repeat(starts, np.diff(np.append(starts, len(days))))
    number: Integers = np.busday_count("1970-01-05", days) * per_session + np.minimum(place, per_session - 1)
    return number


def trades(result: BacktestResult, panel: Panel, config: BacktestConfig) -> pd.DataFrame:
    """
    Every order of a backtest.

    Returns:
        Columns timestamp (close of the execution bar, UTC), symbol, side (BUY or SELL), weight_change (signed, of the
        equity), price, notional (quote currency, from `capital` compounded after costs), cost_bps (fee and slippage).
    """
    stop = result.first + len(result.net)
    returns = bar_returns(panel, config.fill, config.delisting_return)[result.first : stop]
    prices = fill_prices(panel, config.fill)[result.first : stop]
    drifted = np.zeros_like(result.weights)
    grown = np.nan_to_num(result.weights * (1 + returns)) / np.maximum(1 + result.net, 1e-12)[:, None]
    drifted[1:] = np.where(np.isfinite(returns), grown, 0.0)[:-1]
    change = np.where(result.turnover[:, None] > 0, result.weights - drifted, 0.0)
    rows, columns = np.nonzero(np.abs(change) > 1e-12)
    equity = config.capital * np.concatenate([[1.0], np.cumprod(1 + result.net)])[:-1]
    size = change[rows, columns]
    return pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex(panel.timestamps[result.first + rows]).tz_localize("UTC"),
            "symbol": [panel.symbols[c] for c in columns],
            "side": np.where(size > 0, "BUY", "SELL"),
            "weight_change": size,
            "price": prices[rows, columns],
            "notional": size * equity[rows],
            "cost_bps": np.full(len(size), config.fee_bps + config.slippage_bps),
        }
    )


def _targets(
    values: Array, fractions: Array | None, decided: Integers, direction: float, config: BacktestConfig
) -> Array:
    """(decisions, symbols): what to hold after each, in modes whose book is not made bar by bar."""
    if config.gross != 1.0:  # a book of gross 1 under a cap as much lower, made larger
        plain = replace(config, gross=1.0, max_weight=min(1.0, config.max_weight / config.gross))
        return config.gross * _targets(values, fractions, decided, direction, plain)
    if config.mode == "time_series":
        return positions.time_series_weights(direction * values, config.window_bars, config.max_weight)[decided]
    rows = slice(len(decided)) if len(decided) and decided[-1] == len(decided) - 1 else decided
    picked = ranks(values[rows]) if fractions is None else fractions[rows]
    if config.mode == "long_only":
        if direction < 0:  # the other books are the mirror image of their negative's
            picked = 1 + 1 / np.maximum(np.isfinite(picked).sum(axis=1, keepdims=True), 1) - picked
        return positions.long_only_weights(picked, config.quantile, config.max_weight)
    weights = positions.rank_weights(picked, config.max_weight)
    return np.negative(weights, out=weights) if direction < 0 else weights


def _impact_rates(panel: Panel, config: BacktestConfig) -> Array:
    """(bars, symbols): impact of a trade of the whole equity, by the 20 days before it; no rows if switched off."""
    if config.impact == 0:
        return np.empty((0, 0))
    if "volume" not in panel.fields:
        raise DataError(f"impact needs the field 'volume'; the panel has {sorted(panel.fields)}")
    per_day = max(1, round(DAY / np.median(np.diff(panel.timestamps))))
    close = pd.DataFrame(panel["close"]).ffill()
    money = (close * panel["volume"]).shift(1).rolling(20 * per_day, min_periods=per_day).mean() * per_day
    daily = close.pct_change().shift(1).rolling(20 * per_day, min_periods=per_day).std() * np.sqrt(per_day)
    rates = config.impact * daily * np.sqrt(config.capital / money.where(money > 0))
    return np.ascontiguousarray(rates.fillna(0.0).to_numpy())
