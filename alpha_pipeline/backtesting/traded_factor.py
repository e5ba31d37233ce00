"""A factor traded once, bar by bar: the basis of breakdowns, studies and cross-validation."""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.backtesting.portfolio import BacktestResult, backtest
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class TradedFactor:
    """
    A factor with its backtest and its forward returns.

    Args:
        bars: on which it was traded.
        result: of the backtest.
        labels: (bars, symbols), forward returns over the market's horizon.
        rank_ic: (bars,), with the labels; NaN where undefined.
    """

    bars: Bars
    result: BacktestResult
    labels: Array
    rank_ic: Array

    @classmethod
    def of(cls, values: Array, bars: Bars) -> "TradedFactor":
        """
        Trade a factor.

        Args:
            values: (bars, symbols), any unit; high is expected to earn.
            bars: on the same grid.

        Raises:
            DataError: the shapes differ.
        """
        labels = bars.forward_returns()
        return cls(bars, backtest(values, bars), labels, rank_ic(values, labels))

    @property
    def held(self) -> slice:
        """The bars that have a return."""
        return slice(self.result.first, self.result.first + len(self.result.net))

    @property
    def net(self) -> Array:
        """(bars,), after costs; NaN before the first execution and in the last, unfinished bar."""
        net = np.full(len(self.rank_ic), np.nan)
        net[self.held] = self.result.net
        return net
