"""Measures of one factor on one segment of bars."""

from dataclasses import asdict, dataclass

import numpy as np

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.bar_ranks import rank_correlations, ranks
from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.portfolio import ExecutionBars, trade
from alpha_pipeline.market.markets import Market
from alpha_pipeline.statistics import mean_test, overlap_lags, probabilistic_sharpe, sharpe_moments
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class Measures:
    """
    Measures of one factor, after costs: the columns of `tables.METRICS` that need no other factor; NaN where undefined.

    Args:
        sharpe_per_bar: not annualised; with `skewness` and `kurtosis` (raw) for the deflated Sharpe ratio.
    """

    bars: int
    rank_ic: float
    icir: float
    t_stat: float
    annual_return: float
    volatility: float
    sharpe: float
    sharpe_gross: float
    sharpe_delayed: float
    sortino: float
    calmar: float
    max_drawdown: float
    win_rate: float
    turnover: float
    break_even_bps: float
    probabilistic_sharpe: float
    sharpe_per_bar: float
    skewness: float
    kurtosis: float

    def to_row(self) -> dict[str, float]:
        """The measures by name."""
        return asdict(self)


@dataclass(frozen=True)
class EvaluationBars:
    """
    Bars on which factors are measured, with all that does not depend on the factor.

    Args:
        market: calendar, horizon and costs.
        execution: prices and costs of trades on these bars.
        forward_ranks: (bars, symbols), ranks of the forward returns within each bar; NaN where there is no return.
        funding: (bars, symbols), what holders pay; None where nothing is paid.
    """

    market: Market
    execution: ExecutionBars
    forward_ranks: Array
    funding: Array | None = None

    @classmethod
    def of(cls, bars: Bars) -> "EvaluationBars":
        """Prepare bars; labels never reach beyond their panel."""
        return cls(bars.market, ExecutionBars.of(bars), ranks(bars.forward_returns()), bars.funding)


def measure_factor(
    values: Array,
    bars: EvaluationBars,
    delayed: bool = True,
    direction: float | None = 1.0,
    fractions: Array | None = None,
) -> Measures:
    """Measures of one factor, after costs; arguments as `measures_and_returns`."""
    return measures_and_returns(values, bars, delayed, direction, fractions)[0]


def measures_and_returns(
    values: Array,
    bars: EvaluationBars,
    delayed: bool = True,
    direction: float | None = 1.0,
    fractions: Array | None = None,
) -> tuple[Measures, Array]:
    """
    Measures of one factor, after costs, and its net returns.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        bars: the same bars.
        delayed: also trade a bar later, for `sharpe_delayed`; NaN without.
        direction: -1 to trade the negative of the values, None for the sign of their mean rank IC; the rank ICs stay as
            they are.
        fractions: `ranks(values)` where the caller has them already.

    Returns:
        The measures, and (bars held,) net returns, fraction per bar.

    Raises:
        DataError: the shapes differ.
    """
    market, execution = bars.market, bars.execution
    fractions = ranks(values) if fractions is None else fractions
    ic = rank_correlations(fractions, bars.forward_ranks)
    test = mean_test(ic, lags=overlap_lags(market.horizon_bars))
    if direction is None:
        direction = -1.0 if test.mean < 0 else 1.0
    result = trade(values, execution, fractions, direction, bars.funding, keep_weights=False)
    later = np.empty(0)
    if delayed:
        later = trade(values, execution.later(), fractions, direction, bars.funding, keep_weights=False).net
    per_year = market.periods_per_year
    per_bar, skewness, kurtosis, observations = sharpe_moments(result.net)
    spread = float(np.nanstd(ic, ddof=1)) if test.observations > 1 else np.nan
    measures = Measures(
        bars=len(result.net),
        rank_ic=test.mean,
        icir=test.mean / spread if spread > 0 else np.nan,
        t_stat=test.t_stat,
        annual_return=metrics.annual_return(result.net, per_year),
        volatility=metrics.volatility(result.net, per_year),
        sharpe=metrics.sharpe(result.net, per_year),
        sharpe_gross=metrics.sharpe(result.gross, per_year),
        sharpe_delayed=metrics.sharpe(later, per_year),
        sortino=metrics.sortino(result.net, per_year),
        calmar=metrics.calmar(result.net, per_year),
        max_drawdown=metrics.max_drawdown(result.net),
        win_rate=metrics.win_rate(result.net),
        turnover=float(result.turnover.mean()) * market.bars_per_session if len(result.net) else np.nan,
        break_even_bps=metrics.break_even_bps(result.gross, result.turnover),
        probabilistic_sharpe=probabilistic_sharpe(per_bar, observations, skewness, kurtosis),
        sharpe_per_bar=per_bar,
        skewness=skewness,
        kurtosis=kurtosis,
    )
    return measures, result.net
