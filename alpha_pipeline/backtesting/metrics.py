"""Metrics of a return series, annualised by the calendar; NaN when undefined."""

import numpy as np

from alpha_pipeline.typing import Array


def total_return(returns: Array) -> float:
    """Compounded over all bars, as a fraction; NaN without bars."""
    return float(np.prod(1 + returns) - 1) if len(returns) else np.nan


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
    return float(_drawdowns(returns).min()) if len(returns) else np.nan


def drawdown_bars(returns: Array) -> float:
    """Longest run of bars below an earlier peak of the equity; NaN without bars."""
    if not len(returns):
        return np.nan
    at_peak = np.flatnonzero(np.concatenate([_drawdowns(returns) >= 0, [True]]))
    return float(np.diff(at_peak).max() - 1)


def calmar(returns: Array, periods_per_year: float) -> float:
    """Annual return over the size of the deepest drawdown; NaN without one."""
    depth = max_drawdown(returns)
    return annual_return(returns, periods_per_year) / -depth if depth < 0 else np.nan


def win_rate(returns: Array) -> float:
    """Share of gains among the bars that moved; NaN when none did."""
    moved = returns[returns != 0]
    return float((moved > 0).mean()) if len(moved) else np.nan


def profit_factor(returns: Array) -> float:
    """Sum of gains over sum of losses; NaN without a loss."""
    lost = -float(returns[returns < 0].sum())
    return float(returns[returns > 0].sum()) / lost if lost > 0 else np.nan


def break_even_bps(gross: Array, turnover: Array) -> float:
    """Cost per unit of weight bought or sold at which the mean return is zero; NaN without a trade."""
    sold_and_bought = 2 * float(turnover.sum())
    return float(gross.sum()) / sold_and_bought * 10_000 if sold_and_bought > 0 else np.nan


def _drawdowns(returns: Array) -> Array:
    equity = np.concatenate([[1.0], np.cumprod(1 + returns)])
    return equity / np.maximum.accumulate(equity) - 1
