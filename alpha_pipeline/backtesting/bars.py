"""
The bars a factor is measured on: prices, market, how it is traded and what holders pay.

Execution and costs are in `portfolio`.
"""

from dataclasses import dataclass
from typing import Literal

from alpha_pipeline.backtesting.returns import Fill, forward_returns
from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

Mode = Literal["quantile", "rank", "long_only", "time_series"]
MODES = ("quantile", "rank", "long_only", "time_series")
MOST_BARS = 10**9


@dataclass(frozen=True)
class BacktestConfig:
    """
    How a factor is traded.

    Args:
        fee_bps: fee per unit of weight bought or sold.
        slippage_bps: half spread and slippage per unit of weight bought or sold.
        borrow_bps_per_year: cost of a short position.
        rebalance_bars: bars between decisions.
        quantile: share of the symbols in each leg.
        max_weight: cap of a single weight's size.
        gross: sum of the sizes of all weights aimed at, before the cap.
        mode: quantile (long top, short bottom), rank, long_only, or time_series (each symbol against its own past).
        fill: price of the execution bar.
        delay_bars: bars between decision and execution.
        window_bars: bars of the rolling z-score of mode time_series.
        capital: quote currency; sizes the trades of the ledger and their impact.
        impact: market impact in daily standard deviations at a trade of one day's volume; grows with its square root.
        delisting_return: earned after the last price of a symbol that ends before the panel does.
    """

    fee_bps: float
    slippage_bps: float
    borrow_bps_per_year: float
    rebalance_bars: int
    quantile: float = 0.2
    max_weight: float = 0.5
    mode: Mode = "quantile"
    fill: Fill = "open"
    delay_bars: int = 1
    window_bars: int = 60
    capital: float = 100_000.0
    impact: float = 0.0
    delisting_return: float = 0.0
    gross: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.quantile <= 0.5 or self.rebalance_bars < 1 or not 0 < self.max_weight <= 1:
            raise SettingError(
                f"quantile in (0, 0.5], rebalance_bars >= 1, max_weight in (0, 1] expected; found {self}"
            )
        if not 0 < self.gross < float("inf"):
            raise SettingError(f"gross above 0 expected; found {self}")
        if self.mode not in MODES or self.fill not in ("open", "close"):
            raise SettingError(f"mode one of {MODES} and fill 'open' or 'close' expected; found {self}")
        if self.delay_bars < 1 or self.window_bars < 2 or self.capital <= 0 or self.delisting_return < -1:
            raise SettingError(
                f"delay_bars >= 1, window_bars >= 2, capital > 0, delisting_return >= -1 expected; found {self}"
            )
        if not all(
            0 <= x < float("inf") for x in (self.fee_bps, self.slippage_bps, self.borrow_bps_per_year, self.impact)
        ):
            raise SettingError(f"costs must be finite and not negative; found {self}")
        if max(self.rebalance_bars, self.window_bars, self.delay_bars) > MOST_BARS:
            raise SettingError(f"at most {MOST_BARS:,} bars expected; found {self}")

    @classmethod
    def of(cls, market: Market) -> "BacktestConfig":
        """The market's costs and portfolio."""
        book = market.portfolio
        return cls(
            market.fee_bps, market.slippage_bps, market.borrow_bps_per_year, market.rebalance_bars,
            book.quantile, book.max_weight, book.mode, capital=market.capital, impact=market.impact, gross=book.gross,
        )  # fmt: skip


@dataclass(frozen=True)
class Bars:
    """
    Bars of one market with everything a backtest needs besides the factor.

    Args:
        panel: prices.
        market: calendar, horizon and costs.
        config: how factors are traded.
        funding: (bars, symbols), payments of `funding.funding_payments`; None where nothing is paid.
    """

    panel: Panel
    market: Market
    config: BacktestConfig
    funding: Array | None = None

    @classmethod
    def of(
        cls, panel: Panel, market: Market, config: BacktestConfig | None = None, funding: Array | None = None
    ) -> "Bars":
        """Bars traded as configured, by default with the costs and the horizon of the market."""
        return cls(panel, market, config or BacktestConfig.of(market), funding)

    def rows(self, start: int | None, stop: int | None) -> "Bars":
        """The bars [start, stop), Python slice rules; views, nothing is copied."""
        funding = None if self.funding is None else self.funding[start:stop]
        return Bars(self.panel.rows(start, stop), self.market, self.config, funding)

    def forward_returns(self) -> Array:
        """(bars, symbols): forward returns over the horizon of the market, filled as configured."""
        return forward_returns(self.panel, self.market.horizon_bars, self.config.delay_bars, self.config.fill)
