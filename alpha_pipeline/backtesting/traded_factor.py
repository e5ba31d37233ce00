"""What came of trading a factor on a stretch of bars, kept bar by bar: all closer looks start from it."""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.backtesting.portfolio import BacktestConfig, BacktestResult, backtest
from alpha_pipeline.backtesting.returns import forward_returns
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class Outcome:
    """
    A factor traded once.

    Args:
        config: how.
        result: of the backtest.
        labels: (bars, symbols), forward returns over the market's horizon.
        rank_ic: (bars,), with the labels; NaN where undefined.
    """

    config: BacktestConfig
    result: BacktestResult
    labels: Array
    rank_ic: Array

    @classmethod
    def of(
        cls,
        values: Array,
        panel: Panel,
        market: Market,
        config: BacktestConfig | None = None,
        funding: Array | None = None,
    ) -> "Outcome":
        """
        Trade a factor.

        Args:
            values: (bars, symbols), any unit; high is expected to earn.
            panel: prices on the same grid.
            market: calendar, horizon and costs.
            config: how it is traded; the market's way by default.
            funding: payments of `funding.funding_payments`; none by default.

        Raises:
            DataError: the shapes differ.
        """
        config = config or BacktestConfig.of(market)
        result = backtest(values, panel, config, market.periods_per_year, funding)
        labels = forward_returns(panel, market.horizon_bars, config.delay_bars, config.fill)
        return cls(config, result, labels, rank_ic(values, labels))

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
