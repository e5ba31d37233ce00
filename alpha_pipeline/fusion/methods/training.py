"""
Shared parts of the learned methods: usable samples, walk-forward splits, scaling, attribution, single-threaded sums.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array, Integers, Times

# Bars of decision below which nothing is fitted.
FEWEST_BARS = 60
# Periods of the walk-forward splits; each but the first is predicted from those before it.
PERIODS = 5
# Gains are in squared standard deviations; smaller ones count as 0.
ROUNDING = 1e-9


@dataclass(frozen=True)
class RankScaler:
    """
    Scale predictions to values by their rank among past predictions.

    Args:
        sizes: (past,) sorted absolute past predictions without zeros; empty for an unfitted method.
    """

    sizes: Array

    @classmethod
    def of(cls, predicted: Array) -> "RankScaler":
        """Of (rows,) past predictions, in any unit."""
        return cls(np.sort(np.abs(predicted[predicted != 0])))

    def value(self, predicted: Array) -> Array:
        """(rows,) in (-1, 1): sign times the share of smaller past predictions, ties by half; 0 for 0."""
        size = np.abs(predicted)
        below = np.searchsorted(self.sizes, size, "left") + np.searchsorted(self.sizes, size, "right")
        return np.asarray(np.sign(predicted) * below / (2 * (len(self.sizes) + 1)))


def usable(past: LabeledSignals) -> LabeledSignals:
    """Samples with a finite move and an active source; none of them below `FEWEST_BARS` bars."""
    samples = past.take(np.isfinite(past.move) & past.signals.active.any(axis=1))
    return samples if len(np.unique(samples.decided_at)) >= FEWEST_BARS else samples.take(np.arange(0))


def splits(past: LabeledSignals, periods: int = PERIODS) -> list[tuple[Integers, Integers]]:
    """
    Walk-forward splits into train and test samples.

    Returns:
        Per period but the first, positions of the samples whose outcome was known at its start and of those decided in
        it; samples decided before but known later are in neither (purged).
    """
    decided = past.decided_at
    bars = np.array_split(np.unique(decided), periods)
    pairs = [
        (np.flatnonzero(past.known_at <= period[0]), np.flatnonzero((decided >= period[0]) & (decided <= period[-1])))
        for period in bars[1:]
        if len(period)
    ]
    return [pair for pair in pairs if len(pair[0])]


def bar_weights(bars: Times) -> Array:
    """(rows,) weights with a sum of 1, the same for every bar of decision."""
    _, of_bar, rows = np.unique(bars, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / rows[of_bar] / len(rows))


def variance_gain(move: Array, predicted: Array, weight: Array) -> float:
    """
    Variance explained by a prediction, in excess of a constant.

    Args:
        move: (rows,) outcomes.
        predicted: (rows,) in the same unit.
        weight: (rows,) with a sum of 1.

    Returns:
        Reduction of the variance about the mean; negative for a worse prediction, 0 for a constant one.
    """
    before, after = (x - (weight * x).sum() for x in (move, move - predicted))
    return float((weight * (before**2 - after**2)).sum())


def occlusion_attribution(value: Callable[[SignalMatrix], Array], now: SignalMatrix) -> FusedValues:
    """
    A value and its attribution, by dropping one source at a time.

    The rest that single drops leave unexplained (interactions) is allocated in proportion to the effects.

    Args:
        value: gives (rows,) values of signals, each row independently.
        now: the signals.
    """
    values, active = value(now), now.active
    effect = np.zeros(active.shape)
    for column in np.flatnonzero(active.any(axis=0)):
        rows = np.flatnonzero(active[:, column])
        effect[rows, column] = values[rows] - value(now.take(rows).drop_sources([now.sources[column]]))
    size = np.abs(effect)
    size[size.sum(axis=1) == 0] = 1.0
    size = np.where(active, size, 0.0)
    total = size.sum(axis=1, keepdims=True)
    rest = (values - effect.sum(axis=1))[:, None]
    return FusedValues(values, effect + rest * size / np.where(total > 0, total, 1.0))


def one_thread() -> threadpool_limits:
    """A context with one thread, so that the order of sums and their bits are reproducible."""
    return threadpool_limits(limits=1)


def argbest(gains: Sequence[float]) -> int | None:
    """Position of the largest gain, the first of equals; None when none is positive."""
    position = int(np.argmax(gains))
    return position if gains[position] > ROUNDING else None
