"""Many tests at once: how small a p-value must be when everything tried is counted."""

from typing import Literal

import numpy as np

from alpha_pipeline.panel import Array
from alpha_pipeline.statistics.sharpe import NORMAL


def p_values(t_stats: Array) -> Array:
    """(n,): two-sided p-values of t-statistics by the normal distribution; NaN stays NaN."""
    return np.array([2 * NORMAL.cdf(-abs(t)) if np.isfinite(t) else np.nan for t in t_stats])


def adjusted_p_values(p: Array, dependence: Literal["independent", "any"] = "any") -> Array:
    """
    P-values adjusted so that rejecting those below q keeps the false discovery rate below q.

    Args:
        p: (n,), p-values of everything tried; NaN (tried, but not measurable) is not counted.
        dependence: "independent" (or positively dependent) tests, or "any".

    Returns:
        (n,), adjusted upwards, at most 1; NaN stays NaN.

    Source: Benjamini and Hochberg (1995); for any dependence Benjamini and Yekutieli (2001).
    """
    out = np.full(len(p), np.nan)
    measured = np.flatnonzero(np.isfinite(p))
    n = len(measured)
    if n == 0:
        return out
    order = measured[np.argsort(p[measured])]
    places = np.arange(1, n + 1)
    penalty = float(np.sum(1 / places)) if dependence == "any" else 1.0
    stepped = p[order] * n / places * penalty
    out[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return out
