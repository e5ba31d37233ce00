"""
Hit rates with clustered confidence intervals, and calibration of stated confidences.
"""

from typing import NamedTuple

import numpy as np

from alpha_pipeline.kernels import portable
from alpha_pipeline.typing import Array, Integers

Z_95 = 1.96
# Bins of confidence; an edge is a bin of its own, so that 0.5 (uncalibrated) is not pooled with its neighbours.
EDGES = (0.0, 0.4, 0.45, 0.475, 0.5, 0.525, 0.55, 0.6, 0.7, 1.0)


class Bucket(NamedTuple):
    """
    Decisions of similar confidence.

    Args:
        confidence: mean stated confidence.
        hit_rate: share with the right sign.
        low, high: 95 % confidence interval of the hit rate, clustered by bar; NaN below two bars.
        decisions: rows.
        bars: bars of decision.
    """

    confidence: float
    hit_rate: float
    low: float
    high: float
    decisions: int
    bars: int

    @classmethod
    def of(cls, confidence: Array, hit: Array, bars: Array) -> "Bucket":
        """All rows in one bucket; NaN without rows. Arguments as in `hit_rate_interval`."""
        stated = float(np.mean(confidence)) if len(hit) else np.nan
        return cls(stated, *hit_rate_interval(hit, bars), len(hit), len(np.unique(bars)))


def hit_rate_interval(hit: Array, bars: Array) -> tuple[float, float, float]:
    """
    Hit rate with a 95 % confidence interval, standard error clustered by bar.

    Args:
        hit: (rows,) 0 or 1.
        bars: (rows,) bars of decision; decisions of one bar are correlated.

    Returns:
        Rate, low and high within [0, 1]; NaN without rows, an interval of NaN below two bars.

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
    half = Z_95 * float(np.sqrt(np.sum(sums * sums) * n / (n - 1))) / len(hit)
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def calibration_error(confidence: Array, hit: Array) -> tuple[float, float, float]:
    """
    Brier score, log loss and expected calibration error.

    Args:
        confidence: (rows,) stated probability of the right sign.
        hit: (rows,) 0 or 1.

    Returns:
        Mean squared difference; mean negative log likelihood; mean absolute difference of confidence and hit rate over
        the bins of `reliability_bins`, weighted by rows. NaN without rows.

    Source: Brier (1950); Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks (2017).
    """
    if not len(hit):
        return np.nan, np.nan, np.nan
    likelihood = np.clip(np.where(hit > 0, confidence, 1 - confidence), 1e-12, 1.0)
    gaps = np.abs(np.bincount(_bins(confidence), hit - confidence))
    return (
        float(((confidence - hit) ** 2).mean()),
        float(-portable.log(likelihood).mean()),
        float(gaps.sum() / len(hit)),
    )


def reliability_bins(confidence: Array, hit: Array, bars: Array) -> list[Bucket]:
    """Confidence and hit rate of each bin that has rows, lowest confidence first."""
    bins = _bins(confidence)
    return [Bucket.of(confidence[rows], hit[rows], bars[rows]) for rows in (bins == i for i in np.unique(bins))]


def _bins(confidence: Array) -> Integers:
    """(rows,) number of the bin: two for each edge, the edge itself being one."""
    return np.searchsorted(EDGES, confidence, side="left") + np.searchsorted(EDGES, confidence, side="right")
