"""
One factor as a long-short portfolio: decided at a close, executed at the next bar, after costs.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtest.positions import quantile_weights
from alpha_pipeline.backtest.returns import bar_returns
from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.kernels import portfolio
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Array, Panel


@dataclass(frozen=True)
class BacktestConfig:
    """
    How a factor is traded.

    Args:
        fee_bps: fee per unit of turnover (a weight bought or sold).
        slippage_bps: half spread and slippage per unit of turnover.
        borrow_bps_per_year: cost of a short position.
        rebalance_bars: bars between decisions.
        quantile: share of the symbols in each leg.
        max_weight: cap of a single weight's size.
    """

    fee_bps: float
    slippage_bps: float
    borrow_bps_per_year: float
    rebalance_bars: int
    quantile: float = 0.2
    max_weight: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.quantile <= 0.5 or self.rebalance_bars < 1 or not 0 < self.max_weight <= 1:
            raise SettingError(f"quantile in (0, 0.5], rebalance_bars >= 1, max_weight in (0, 1] expected; found {self}")

    @classmethod
    def of(cls, market: Market) -> "BacktestConfig":
        """The market's costs, rebalanced once per horizon."""
        return cls(market.fee_bps, market.slippage_bps, market.borrow_bps_per_year, market.horizon_bars)


@dataclass(frozen=True)
class BacktestResult:
    """
    A traded factor, from its first execution on.

    Args:
        gross: (bars,), fraction per bar before costs.
        net: (bars,), fraction per bar after costs.
        turnover: (bars,), half the sum of absolute weight changes against drifted weights.
        first: position in the panel of the first bar counted.
    """

    gross: Array
    net: Array
    turnover: Array
    first: int


def backtest(values: Array, panel: Panel, config: BacktestConfig, periods_per_year: float) -> BacktestResult:
    """
    Trade a factor.

    Args:
        values: (bars, symbols), any unit; high is bought.
        panel: prices on the same grid.
        config: legs, costs, rebalancing.
        periods_per_year: bars per year, for the borrow cost.

    Returns:
        Returns from fill price to fill price; warm-up and the last, unfinished bar are left out. Empty when the factor
        never has enough symbols.

    Raises:
        DataError: the shapes differ.
    """
    if values.shape != panel.shape:
        raise DataError(f"values have shape {values.shape}, the panel {panel.shape}; they must agree")
    decided = quantile_weights(values, config.quantile, config.max_weight)
    targets = np.zeros_like(decided)
    targets[1:] = decided[:-1]
    trade = np.zeros(len(targets), dtype=bool)
    trade[1:] = (np.arange(len(targets) - 1) % config.rebalance_bars) == config.rebalance_bars - 1
    cost_rate = (config.fee_bps + config.slippage_bps) / 10_000
    borrow_rate = config.borrow_bps_per_year / 10_000 / periods_per_year
    out = np.empty((len(targets), 3))
    portfolio.hold(targets, trade, bar_returns(panel), cost_rate, borrow_rate, out)
    invested = np.flatnonzero(trade & (np.abs(targets).sum(axis=1) > 0))
    first = int(invested[0]) if len(invested) else len(out)
    counted = out[first:-1]
    return BacktestResult(
        counted[:, portfolio.GROSS], counted[:, portfolio.NET], counted[:, portfolio.TURNOVER], first
    )
