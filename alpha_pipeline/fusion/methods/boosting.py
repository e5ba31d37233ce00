"""
Boosted trees: sources that matter only together, or only when strong.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import (
    RankScaler,
    best,
    gain,
    occlusion_attribution,
    one_thread,
    splits,
    usable,
)
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

TREES = 60
RATE = 0.05
LEAVES = 8
# Share of the rows a leaf needs: a leaf is a claim about the market, not about a few days.
LEAF_SHARE = 0.01
FEWEST_IN_LEAF = 20


@dataclass(frozen=True)
class Trees:
    """
    A fitted forest, None when nothing was learned.

    Args:
        model: predicts a move from pushes, NaN where a source is silent.
        heard: positions of the sources it was grown on.
        scale: makes values of predictions.
    """

    model: HistGradientBoostingRegressor | None
    heard: Array
    scale: RankScaler

    def combine(self, now: SignalMatrix) -> FusedValues:
        return occlusion_attribution(self._value, now)

    def _value(self, said: SignalMatrix) -> Array:
        if self.model is None or not len(said):
            return np.zeros(len(said))
        with one_thread():
            predicted = _odd(self.model.predict, _pushes(said, self.heard))
        return self.scale.value(np.where(said.spoke[:, self.heard].any(axis=1), predicted, 0.0))


@dataclass(frozen=True)
class Boosting:
    """
    Small regularised trees on pushes; how many is chosen by the last stretch of the past, none if it gains nothing.

    Every lesson is learned with its mirror (all sources and the outcome turned round, the drift taken off before), and
    the prediction is (f(x) - f(-x)) / 2: who says sell where another says buy is answered with sell. So neither a
    market that rose nor a source that always says the same can be taken for skill.
    """

    name: str = "boosting"
    meaning: str = "small boosted trees, odd in the sources; hears sources that matter only together"

    def fit(self, past: LabeledSignals) -> Trees:
        known = usable(past)
        with one_thread():
            trees = _count(known) if len(known) else 0
            if not trees:
                return Trees(None, np.arange(0), RankScaler(np.empty(0)))
            heard = _heard(known.said)
            model = _grown(known, heard, trees)
            return Trees(model, heard, RankScaler.of(_odd(model.predict, _pushes(known.said, heard))))


def _grown(past: LabeledSignals, heard: Array, trees: int) -> HistGradientBoostingRegressor:
    x, y = _pushes(past.said, heard), past.move - past.move.mean()
    model = HistGradientBoostingRegressor(
        max_iter=trees,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=max(FEWEST_IN_LEAF, int(2 * len(y) * LEAF_SHARE)),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(np.concatenate([x, -x]), np.concatenate([y, -y]))


def _count(past: LabeledSignals) -> int:
    """Trees that predicted the last stretch of the past best; 0 when none did better than the mean before it."""
    pairs = splits(past)
    if not pairs:
        return 0
    taught, tried = past.pick(pairs[-1][0]), past.pick(pairs[-1][1])
    heard = _heard(taught.said)
    x, model = _pushes(tried.said, heard), _grown(taught, heard, TREES)
    stages = zip(model.staged_predict(x), model.staged_predict(-x), strict=True)
    found = best([gain(tried.move, (up - down) / 2, tried.decided_at) for up, down in stages])
    return 0 if found is None else found + 1


def _heard(said: SignalMatrix) -> Array:
    """Positions of the sources that ever spoke; a column without a number cannot be cut into bins."""
    return np.flatnonzero(said.spoke.any(axis=0))


def _pushes(said: SignalMatrix, heard: Array) -> Array:
    """(rows, heard) value times confidence; NaN where silent."""
    return (said.value * said.confidence)[:, heard]


def _odd(predict: Callable[[Array], Array], x: Array) -> Array:
    return (predict(x) - predict(-x)) / 2
