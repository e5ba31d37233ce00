"""Everything measured about one factor on one stretch of bars."""

from dataclasses import replace

import numpy as np

from alpha_pipeline.backtest import metrics
from alpha_pipeline.backtest.information import rank_ic
from alpha_pipeline.backtest.portfolio import BacktestConfig, backtest
from alpha_pipeline.backtest.returns import forward_returns
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Array, Panel
from alpha_pipeline.statistics import mean_test, overlap_lags, probabilistic_sharpe, sharpe_moments

DAY_SECONDS = 86_400


def score(values: Array, panel: Panel, market: Market, config: BacktestConfig | None = None) -> dict[str, float]:
    """
    Measures of one factor, after costs.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        panel: prices on the same grid; labels never reach beyond it.
        market: calendar, horizon and costs.
        config: how it is traded; the market's way by default.

    Returns:
        The measured columns of `tables.METRICS` (without the deflated Sharpe ratio, which needs the ledger), and
        `sharpe_per_bar`, `skewness`, `kurtosis` for it. NaN where undefined.
    """
    config = config or BacktestConfig.of(market)
    ic = rank_ic(values, forward_returns(panel, market.horizon_bars, config.delay_bars, config.fill))
    test = mean_test(ic, lags=overlap_lags(market.horizon_bars))
    result = backtest(values, panel, config, market.periods_per_year)
    later = backtest(values, panel, replace(config, delay_bars=config.delay_bars + 1), market.periods_per_year)
    per_year = market.periods_per_year
    per_bar, skewness, kurtosis, bars = sharpe_moments(result.net)
    bars_per_day = max(1.0, DAY_SECONDS / market.bar_length.total_seconds())
    spread = float(np.nanstd(ic, ddof=1)) if test.observations > 1 else np.nan
    return {
        "bars": len(result.net),
        "rank_ic": test.mean,
        "icir": test.mean / spread if spread > 0 else np.nan,
        "t_stat": test.t_stat,
        "annual_return": metrics.annual_return(result.net, per_year),
        "volatility": metrics.volatility(result.net, per_year),
        "sharpe": metrics.sharpe(result.net, per_year),
        "sharpe_gross": metrics.sharpe(result.gross, per_year),
        "sharpe_delayed": metrics.sharpe(later.net, per_year),
        "sortino": metrics.sortino(result.net, per_year),
        "calmar": metrics.calmar(result.net, per_year),
        "max_drawdown": metrics.max_drawdown(result.net),
        "win_rate": metrics.win_rate(result.net),
        "turnover": float(result.turnover.mean()) * bars_per_day if len(result.net) else np.nan,
        "break_even_bps": metrics.break_even_bps(result.gross, result.turnover),
        "probabilistic_sharpe": probabilistic_sharpe(per_bar, bars, skewness, kurtosis),
        "sharpe_per_bar": per_bar,
        "skewness": skewness,
        "kurtosis": kurtosis,
    }
