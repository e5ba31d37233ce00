"""
Standard error of a mean rank IC before anything is measured, and power as a sentence.
"""

import numpy as np

from alpha_pipeline.tables import STATED_RANK_IC
from alpha_pipeline.typing import Array

# Symbols that a rank correlation needs.
FEWEST_SYMBOLS = 3
LOW_POWER = 0.5


def rank_ic_error(forward_ranks: Array, horizon_bars: int) -> float:
    """
    Standard error of the mean rank IC of a factor that keeps its ranks for as long as a label spans.

    Args:
        forward_ranks: (bars, symbols), ranks of the forward returns; NaN where there is none.
        horizon_bars: bars that a label spans; neighbouring labels share all but one of them.

    Returns:
        The root of the mean of 1 / (n - 1) over the bars, n symbols each, times the horizon, over the bars; NaN without
        a bar of enough symbols.

    Source: variance of the rank correlation of independent rankings, 1 / (n - 1): Kendall and Gibbons (1990).
    """
    breadth = np.isfinite(forward_ranks).sum(axis=1)
    breadth = breadth[breadth >= FEWEST_SYMBOLS]
    if not len(breadth):
        return np.nan
    return float(np.sqrt(np.mean(1 / (breadth - 1)) * horizon_bars / len(breadth)))


def power_text(power: float) -> str:
    """One line about the power of a run date, a probability; empty for NaN."""
    if not np.isfinite(power):
        return ""
    low = "; it needs more symbols or a longer history" if power < LOW_POWER else ""
    return f"power: a true rank IC of {STATED_RANK_IC} would be found with probability {power:.2f} on these bars{low}"
