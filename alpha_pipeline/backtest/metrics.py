"""
What a series of returns amounts to, annualised by the calendar; NaN when undefined.
"""

import numpy as np

from alpha_pipeline.panel import Array


def annual_return(returns: Array, periods_per_year: float) -> float:
    """Arithmetic mean per bar times the bars of a year, as a fraction; NaN without bars."""
    return float(np.mean(returns) * periods_per_year) if len(returns) else np.nan


def volatility(returns: Array, periods_per_year: float) -> float:
    """Sample standard deviation per bar times the root of the bars of a year; NaN below two bars."""
    return float(np.std(returns, ddof=1) * np.sqrt(periods_per_year)) if len(returns) > 1 else np.nan


def sharpe(returns: Array, periods_per_year: float) -> float:
    """Mean over standard deviation, annualised; NaN without spread."""
    spread = volatility(returns, periods_per_year)
    return annual_return(returns, periods_per_year) / spread if spread > 1e-12 else np.nan


def sortino(returns: Array, periods_per_year: float) -> float:
    """Mean over the root mean square of the negative returns, over all bars, annualised; NaN without a loss."""
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2))) if len(returns) else np.nan
    return float(np.mean(returns) / downside * np.sqrt(periods_per_year)) if downside > 0 else np.nan


def max_drawdown(returns: Array) -> float:
    """Deepest fall of the compounded equity below its peak, starting capital included; 0 or negative."""
    if not len(returns):
        return np.nan
    equity = np.concatenate([[1.0], np.cumprod(1 + returns)])
    return float((equity / np.maximum.accumulate(equity) - 1).min())


def calmar(returns: Array, periods_per_year: float) -> float:
    """Annual return over the size of the deepest drawdown; NaN without one."""
    depth = max_drawdown(returns)
    return annual_return(returns, periods_per_year) / -depth if depth < 0 else np.nan
