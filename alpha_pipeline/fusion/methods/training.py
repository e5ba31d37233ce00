"""
What learned methods share: lessons as matrices, a past split in order of time, predictions made values, one thread.

What is learned, and how, is each method's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

# Bars of decision below which nothing is learned.
FEWEST_BARS = 60
# Stretches of time the past is cut into; each but the first is predicted from those before it.
STRETCHES = 5
# Gains are squares of moves in sigmas; what is smaller is none.
ROUNDING = 1e-9


@dataclass(frozen=True)
class RankScaler:
    """
    The scale on which predictions become values: how many of the past ones were smaller.

    Args:
        sizes: (past,) sorted sizes of past predictions, those of 0 left out; empty when nothing was learned.
    """

    sizes: Array

    @classmethod
    def of(cls, predicted: Array) -> "RankScaler":
        """Of (rows,) past predictions, in any unit."""
        return cls(np.sort(np.abs(predicted[predicted != 0])))

    def value(self, predicted: Array) -> Array:
        """(rows,) in (-1, 1): sign times the share of past sizes below, ties by half; 0 where nothing is predicted."""
        size = np.abs(predicted)
        below = np.searchsorted(self.sizes, size, "left") + np.searchsorted(self.sizes, size, "right")
        return np.sign(predicted) * below / (2 * (len(self.sizes) + 1))


def usable(past: LabeledSignals) -> LabeledSignals:
    """Lessons that one can learn from: a finite move, and somebody spoke; none of them below `FEWEST_BARS` bars."""
    kept = past.pick(np.isfinite(past.move) & past.said.spoke.any(axis=1))
    return kept if len(np.unique(kept.decided_at)) >= FEWEST_BARS else kept.pick(np.arange(0))


def splits(past: LabeledSignals, stretches: int = STRETCHES) -> list[tuple[Array, Array]]:
    """
    Pasts and what followed them, never the other way round.

    Returns:
        Per stretch but the first, positions of the lessons whose outcome was known as it began, and of those decided in
        it: what was decided before but known later is in neither.
    """
    decided = past.decided_at
    parts = np.array_split(np.unique(decided), stretches)
    pairs = [
        (np.flatnonzero(past.known_at <= part[0]), np.flatnonzero((decided >= part[0]) & (decided <= part[-1])))
        for part in parts[1:]
        if len(part)
    ]
    return [pair for pair in pairs if len(pair[0])]


def gain(move: Array, predicted: Array, bars: Array) -> float:
    """
    By how much a prediction was better than none, beyond a drift that both may have.

    Args:
        move: (rows,) what happened.
        predicted: (rows,) in the same unit.
        bars: (rows,) bar of decision; rows of a bar move together, so each bar counts once.

    Returns:
        Fall of the variance about the mean, by bars; negative when it was worse, 0 for the same prediction everywhere.
    """
    _, of_bar, rows = np.unique(bars, return_inverse=True, return_counts=True)
    weight = 1.0 / rows[of_bar] / len(rows)
    before, after = (x - (weight * x).sum() for x in (move, move - predicted))
    return float((weight * (before**2 - after**2)).sum())


def occlusion_attribution(value: Callable[[SignalMatrix], Array], now: SignalMatrix) -> FusedValues:
    """
    A value and what each source made of it, found by silencing the sources in turn.

    What silencing one after another leaves unexplained, since sources act together, is shared in proportion to the
    effects.

    Args:
        value: gives (rows,) values of signals, each row for itself.
        now: the signals.
    """
    whole, spoke = value(now), now.spoke
    effect = np.zeros(spoke.shape)
    for column in np.flatnonzero(spoke.any(axis=0)):
        rows = np.flatnonzero(spoke[:, column])
        effect[rows, column] = whole[rows] - value(now.pick(rows).without([now.sources[column]]))
    size = np.abs(effect)
    size[size.sum(axis=1) == 0] = 1.0
    size = np.where(spoke, size, 0.0)
    total = size.sum(axis=1, keepdims=True)
    rest = (whole - effect.sum(axis=1))[:, None]
    return FusedValues(whole, effect + rest * size / np.where(total > 0, total, 1.0))


def one_thread() -> threadpool_limits:
    """A context in which sums are taken in one order, whatever else the machine does."""
    return threadpool_limits(limits=1)


def best(gains: Sequence[float]) -> int | None:
    """Position of the largest gain, the first of equals; None when nothing gained: then nothing is the best to say."""
    found = int(np.argmax(gains))
    return found if gains[found] > ROUNDING else None
