"""Everything measured about one factor on one stretch of bars."""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.portfolio import BacktestConfig, ExecutionBars, trade
from alpha_pipeline.backtesting.ranks import rank_correlations, ranks
from alpha_pipeline.backtesting.returns import forward_returns
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import mean_test, overlap_lags, probabilistic_sharpe, sharpe_moments
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class EvaluationBars:
    """
    Bars on which factors are measured, with all that does not depend on the factor.

    Args:
        market: calendar, horizon and costs.
        tape: what a portfolio meets on these bars.
        forward_ranks: (bars, symbols), ranks of the forward returns within each bar; NaN where there is no return.
        funding: (bars, symbols), what holders pay; None where nothing is paid.
    """

    market: Market
    tape: ExecutionBars
    forward_ranks: Array
    funding: Array | None = None

    @classmethod
    def of(
        cls, panel: Panel, market: Market, config: BacktestConfig | None = None, funding: Array | None = None
    ) -> "EvaluationBars":
        """
        Prepare the bars of a panel.

        Args:
            panel: prices; labels never reach beyond it.
            market: calendar, horizon and costs.
            config: how factors are traded; the market's way by default.
            funding: payments of `funding.funding_payments`; none by default.
        """
        config = config or BacktestConfig.of(market)
        labels = forward_returns(panel, market.horizon_bars, config.delay_bars, config.fill)
        return cls(market, ExecutionBars.of(panel, config, market.periods_per_year), ranks(labels), funding)


def score(
    values: Array,
    stretch: EvaluationBars,
    delayed: bool = True,
    direction: float | None = 1.0,
    fractions: Array | None = None,
) -> dict[str, float]:
    """Measures of one factor, after costs: those of `scored`."""
    return scored(values, stretch, delayed, direction, fractions)[0]


def scored(
    values: Array,
    stretch: EvaluationBars,
    delayed: bool = True,
    direction: float | None = 1.0,
    fractions: Array | None = None,
) -> tuple[dict[str, float], Array]:
    """
    Measures of one factor, after costs, and its net returns.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        stretch: the same bars.
        delayed: also trade a bar later, for `sharpe_delayed`; NaN without.
        direction: -1 to trade the negative of the values, None for the sign of their mean rank IC; the rank ICs stay as
            they are.
        fractions: `ranks(values)` where the caller has them already.

    Returns:
        The measured columns of `tables.METRICS` (without the deflated Sharpe ratio, which needs the ledger), and
        `sharpe_per_bar`, `skewness`, `kurtosis` for it; NaN where undefined. And (bars held,) net returns, fraction per
        bar.

    Raises:
        DataError: the shapes differ.
    """
    market, tape = stretch.market, stretch.tape
    fractions = ranks(values) if fractions is None else fractions
    ic = rank_correlations(fractions, stretch.forward_ranks)
    test = mean_test(ic, lags=overlap_lags(market.horizon_bars))
    if direction is None:
        direction = -1.0 if test.mean < 0 else 1.0
    result = trade(values, tape, fractions, direction, stretch.funding, keep_weights=False)
    later = np.empty(0)
    if delayed:
        later = trade(values, tape.later(), fractions, direction, stretch.funding, keep_weights=False).net
    per_year = market.periods_per_year
    per_bar, skewness, kurtosis, bars = sharpe_moments(result.net)
    spread = float(np.nanstd(ic, ddof=1)) if test.observations > 1 else np.nan
    measures = {
        "bars": len(result.net),
        "rank_ic": test.mean,
        "icir": test.mean / spread if spread > 0 else np.nan,
        "t_stat": test.t_stat,
        "annual_return": metrics.annual_return(result.net, per_year),
        "volatility": metrics.volatility(result.net, per_year),
        "sharpe": metrics.sharpe(result.net, per_year),
        "sharpe_gross": metrics.sharpe(result.gross, per_year),
        "sharpe_delayed": metrics.sharpe(later, per_year),
        "sortino": metrics.sortino(result.net, per_year),
        "calmar": metrics.calmar(result.net, per_year),
        "max_drawdown": metrics.max_drawdown(result.net),
        "win_rate": metrics.win_rate(result.net),
        "turnover": float(result.turnover.mean()) * market.bars_per_day if len(result.net) else np.nan,
        "break_even_bps": metrics.break_even_bps(result.gross, result.turnover),
        "probabilistic_sharpe": probabilistic_sharpe(per_bar, bars, skewness, kurtosis),
        "sharpe_per_bar": per_bar,
        "skewness": skewness,
        "kurtosis": kurtosis,
    }
    return measures, result.net
