"""
Slopes of the outcome on what each source pushed for: what `ridge` and `elastic_net` share.

The market's drift is fitted beside the slopes and then left out: that prices rose is no source's skill.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import RankScaler, best, gain, one_thread, splits, usable
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array


class Regression(Protocol):
    """A scikit-learn estimator with an intercept."""

    coef_: Array

    def fit(self, x: Array, y: Array) -> object: ...

    def predict(self, x: Array) -> Array: ...


@dataclass(frozen=True)
class Slopes:
    """
    A fitted linear method.

    Args:
        slopes: (sources,) expected moves per unit of push; all 0 when nothing was learned.
        scale: makes a value of the sum.
    """

    slopes: Array
    scale: RankScaler

    def combine(self, now: SignalMatrix) -> FusedValues:
        part = now.push * self.slopes
        predicted = part.sum(axis=1)
        value = self.scale.value(predicted)
        return FusedValues(value, part * (value / np.where(predicted == 0, 1.0, predicted))[:, None])


def fit_slopes(past: LabeledSignals, candidates: Sequence[Callable[[int], Regression]]) -> Slopes:
    """
    Learn `past.move` from `past.said.push`, with the penalty that predicted later stretches of the past best.

    Args:
        past: known lessons.
        candidates: regressions by penalty, each made for a number of rows.

    Returns:
        Slopes of 0, so value 0, with too few lessons, or where no penalty predicted better than the mean did.
    """
    known = usable(past)
    x, scale = _standardised(known)
    y = known.move
    with one_thread():
        found = best([_worth(known, x, y, make) for make in candidates]) if len(known) else None
        if found is None:
            return Slopes(np.zeros(x.shape[1]), RankScaler(np.empty(0)))
        model = candidates[found](len(y))
        model.fit(x, y)
    slopes = model.coef_ / scale
    return Slopes(slopes, RankScaler.of((known.said.push * slopes).sum(axis=1)))


def _standardised(past: LabeledSignals) -> tuple[Array, Array]:
    """(rows, sources) pushes over (sources,) root mean squares of them where the source spoke; 1 where it never did."""
    push, spoke = past.said.push, past.said.spoke.sum(axis=0)
    scale = np.sqrt((push**2).sum(axis=0) / np.maximum(spoke, 1))
    scale = np.where(scale > 0, scale, 1.0)
    return push / scale, scale


def _worth(past: LabeledSignals, x: Array, y: Array, make: Callable[[int], Regression]) -> float:
    """Mean gain of one penalty over stretches of the past, each predicted from those before; 0 without any."""
    gains = []
    for taught, tried in splits(past):
        model = make(len(taught))
        model.fit(x[taught], y[taught])
        gains.append(gain(y[tried], model.predict(x[tried]), past.decided_at[tried]))
    return float(np.mean(gains)) if gains else 0.0
