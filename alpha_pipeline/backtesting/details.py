"""Detailed measures of an active factor: trades, capacity, market exposure, monotonicity of its quantiles."""

from dataclasses import asdict, dataclass

import numpy as np

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.bar_ranks import rank_correlations, ranks
from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.information import quantile_returns
from alpha_pipeline.backtesting.portfolio import BacktestResult
from alpha_pipeline.backtesting.returns import bar_returns, last_known
from alpha_pipeline.backtesting.traded_factor import TradedFactor
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

# A trade is a fill of this share of the money traded in a day; larger ones move the price.
PARTICIPATION = 0.01
CAPACITY_TRADES = 0.95
VOLUME_DAYS = 20


@dataclass(frozen=True)
class DetailedMeasures:
    """
    Measures beyond those of `measures.Measures`, after costs; NaN where undefined.

    Args:
        total_return: compounded, fraction.
        ic_positive: share of bars with a rank IC above zero.
        monotonicity: rank correlation of a quantile's number with its mean return.
        drawdown_bars: longest drawdown.
        profit_factor: gains over losses.
        trade_win_rate: share of positions, entry to exit or flip, with a gain before costs.
        beta: to the equal-weighted market.
        capacity: quote currency, as `capacity` returns it; NaN without volume.
    """

    total_return: float
    ic_positive: float
    monotonicity: float
    drawdown_bars: float
    profit_factor: float
    trade_win_rate: float
    beta: float
    capacity: float

    def to_row(self) -> dict[str, float]:
        """Columns of `tables.METRICS`."""
        return asdict(self)


def detailed_measures(values: Array, bars: Bars) -> DetailedMeasures:
    """
    Measure a factor in detail.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        bars: on the same grid.

    Raises:
        DataError: the shapes differ.
    """
    traded = TradedFactor.of(values, bars)
    result, config = traded.result, bars.config
    returns = np.nan_to_num(bar_returns(bars.panel, config.fill, config.delisting_return)[traded.held])
    ic = traded.rank_ic[np.isfinite(traded.rank_ic)]
    return DetailedMeasures(
        total_return=metrics.total_return(result.net),
        ic_positive=float((ic > 0).mean()) if len(ic) else np.nan,
        monotonicity=monotonicity(quantile_returns(values, traded.labels)),
        drawdown_bars=metrics.drawdown_bars(result.net),
        profit_factor=metrics.profit_factor(result.net),
        trade_win_rate=trade_win_rate(result.weights, returns),
        beta=beta(result.net, returns.mean(axis=1)) if len(returns) else np.nan,
        capacity=capacity(result, bars.panel, bars.market),
    )


def monotonicity(quantiles: Array) -> float:
    """Rank correlation of the number of a quantile with its mean return, in [-1, 1]; NaN when one is missing."""
    if not np.isfinite(quantiles).all():
        return np.nan
    order = np.arange(len(quantiles), dtype=float)[None, :]
    return float(rank_correlations(ranks(quantiles[None, :]), ranks(order))[0])


def trade_win_rate(weights: Array, returns: Array) -> float:
    """
    Share of positions that earned, before costs.

    Args:
        weights: (bars, symbols), held over each bar.
        returns: (bars, symbols), of each bar.

    Returns:
        A position lasts while its sign stays; NaN when nothing was ever held.
    """
    side = np.sign(weights).T.reshape(-1)
    earned = (weights * returns).T.reshape(-1)
    if not side.any():
        return np.nan
    begins = np.flatnonzero(np.concatenate([[True], side[1:] != side[:-1]]) | _first_of_each(weights.shape))
    sums = np.add.reduceat(earned, begins)[side[begins] != 0]
    return float((sums > 0).mean())


def beta(net: Array, market_returns: Array) -> float:
    """Slope of the net returns on those of the market; NaN without spread."""
    spread = float(np.var(market_returns))
    if not (spread > 0 and len(net) > 1):
        return np.nan
    return float(np.mean((net - net.mean()) * (market_returns - market_returns.mean())) / spread)


def capacity(result: BacktestResult, panel: Panel, market: Market) -> float:
    """Capital, in quote currency, up to which 95 % of the trades stay below 1 % of a symbol's daily money traded."""
    if "volume" not in panel.fields or not len(result.net):
        return np.nan
    per_day = round(market.bars_per_day)
    money = np.nan_to_num(last_known(panel["close"]) * panel["volume"])
    window = min(VOLUME_DAYS * per_day, len(money))
    total = np.concatenate([np.zeros((1, money.shape[1])), np.cumsum(money, axis=0)])
    daily = np.full(money.shape, np.nan)
    daily[window - 1 :] = (total[window:] - total[:-window]) / window * per_day
    daily = daily[result.first : result.first + len(result.net)]
    change = np.abs(np.diff(result.weights, axis=0, prepend=np.zeros((1, result.weights.shape[1]))))
    traded = (change > 1e-12) & (result.turnover[:, None] > 0) & np.isfinite(daily)
    rooms = PARTICIPATION * daily[traded] / change[traded]
    return float(np.quantile(rooms, 1 - CAPACITY_TRADES)) if len(rooms) else np.nan


def _first_of_each(shape: tuple[int, ...]) -> Array:
    """(bars x symbols,), symbol by symbol: True where a symbol begins."""
    starts = np.zeros(shape[0] * shape[1], dtype=bool)
    starts[:: shape[0]] = True
    return starts
