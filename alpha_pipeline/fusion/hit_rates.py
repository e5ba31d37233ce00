"""
Shares of right signs where decisions of one bar move together, and how far confidences lie from them.
"""

from typing import NamedTuple

import numpy as np

from alpha_pipeline.kernels import portable
from alpha_pipeline.typing import Array

WIDTH = 1.96
# Of the buckets that claims are put in; 0.5 is an edge, and a bucket of its own for "nothing is known".
EDGES = (0.0, 0.4, 0.45, 0.475, 0.5, 0.525, 0.55, 0.6, 0.7, 1.0)


class Bucket(NamedTuple):
    """
    Decisions of like confidence.

    Args:
        confidence: mean of what was claimed.
        hit_rate: how often the sign was right.
        low, high: 95 % interval of it, by bars; None below two bars.
        decisions: rows.
        bars: bars of decision.
    """

    confidence: float
    hit_rate: float
    low: float | None
    high: float | None
    decisions: int
    bars: int


def share(hit: Array, bars: Array) -> tuple[float, float, float]:
    """
    Mean with a 95 % interval whose error is that between bars.

    Args:
        hit: (rows,) 0 or 1.
        bars: (rows,) bars of decision.

    Returns:
        Share, low and high within [0, 1]; NaN without rows, an interval of NaN below two bars.

    Source: Liang and Zeger (1986).
    """
    if not len(hit):
        return np.nan, np.nan, np.nan
    mean = float(hit.mean())
    of_bar = np.unique(bars, return_inverse=True)[1]
    sums = np.bincount(of_bar, hit - mean)
    n = len(sums)
    if n < 2:
        return mean, np.nan, np.nan
    half = WIDTH * float(np.sqrt(np.sum(sums * sums) * n / (n - 1))) / len(hit)
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def error(confidence: Array, hit: Array) -> tuple[float, float, float]:
    """
    Brier score, log loss and expected calibration error.

    Args:
        confidence: (rows,) claimed share of right signs.
        hit: (rows,) 0 or 1.

    Returns:
        Mean squared distance; mean of -log of what was claimed for what happened; mean distance of claim and share over
        the buckets of `reliability`, weighted by rows. NaN without rows.

    Source: Brier (1950); Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks (2017).
    """
    if not len(hit):
        return np.nan, np.nan, np.nan
    claimed = np.clip(np.where(hit > 0, confidence, 1 - confidence), 1e-12, 1.0)
    place = _place(confidence)
    apart = np.abs(np.bincount(place, hit - confidence))
    return float(((confidence - hit) ** 2).mean()), float(-portable.log(claimed).mean()), float(apart.sum() / len(hit))


def reliability(confidence: Array, hit: Array, bars: Array) -> list[Bucket]:
    """Claim beside share, for each bucket that has rows, lowest claim first; arguments as in `share` and `error`."""
    place = _place(confidence)
    found = []
    low: float | None
    high: float | None
    for i in np.unique(place):
        mine = place == i
        mean, low, high = share(hit[mine], bars[mine])
        if np.isnan(low):
            low = high = None
        claimed, known = float(confidence[mine].mean()), len(np.unique(bars[mine]))
        found.append(Bucket(claimed, mean, low, high, int(mine.sum()), known))
    return found


def _place(confidence: Array) -> Array:
    """(rows,) number of the bucket: two for each edge, the edge itself being one, so that 0.5 stands alone."""
    return np.searchsorted(EDGES, confidence, side="left") + np.searchsorted(EDGES, confidence, side="right")
