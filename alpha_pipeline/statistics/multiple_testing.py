"""Many tests at once: how small a p-value must be when everything tried is counted."""

import math
from typing import Literal

import numpy as np

from alpha_pipeline.typing import Array


def p_values(t_stats: Array) -> Array:
    """(n,): two-sided p-values of t-statistics by the normal distribution; NaN stays NaN."""
    return np.array([two_sided(t) for t in t_stats])


def two_sided(t: float) -> float:
    """Chance of a t of this size or more on either side, by the normal distribution; NaN for NaN."""
    return 2 * one_sided(abs(t))


def one_sided(t: float) -> float:
    """Chance of this t or more, by the normal distribution; NaN for NaN."""
    return 0.5 * math.erfc(t / math.sqrt(2))


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
    penalty = _harmonic(n) if dependence == "any" else 1.0
    stepped = p[order] * n / places * penalty
    out[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return out


class Tests:
    """
    P-values of trials as they come: what each newcomer is worth among all before it.

    A trial is judged once, when it comes; later ones do not change its verdict.
    """

    def __init__(self) -> None:
        self._sorted = np.empty(64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, p: float) -> None:
        """Count a p-value; NaN (tried, but not measurable) is not counted."""
        if not np.isfinite(p):
            return
        if self._count == len(self._sorted):
            self._sorted = np.concatenate([self._sorted, np.empty(self._count)])
        place = int(np.searchsorted(self._sorted[: self._count], p, side="right"))
        self._sorted[place + 1 : self._count + 1] = self._sorted[place : self._count].copy()
        self._sorted[place] = p
        self._count += 1

    def adjusted(self, p: float, dependence: Literal["independent", "any"] = "any") -> float:
        """What `adjusted_p_values` gives a newcomer among those counted and itself; NaN for NaN."""
        if not np.isfinite(p):
            return np.nan
        n = self._count + 1
        place = int(np.searchsorted(self._sorted[: self._count], p, side="right"))
        above = np.concatenate([[p], self._sorted[place : self._count]])
        penalty = _harmonic(n) if dependence == "any" else 1.0
        return float(min(1.0, np.min(above / np.arange(place + 1, n + 1)) * n * penalty))


def _harmonic(n: int) -> float:
    return float(np.sum(1 / np.arange(1, n + 1)))
