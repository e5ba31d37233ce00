"""
Gradient-boosted trees: interactions of sources and nonlinear responses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import (
    RankScaler,
    argbest,
    bar_weights,
    occlusion_attribution,
    one_thread,
    splits,
    usable,
    variance_gain,
)
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array, Integers

if TYPE_CHECKING:  # scikit-learn takes seconds to import
    from sklearn.ensemble import HistGradientBoostingRegressor

TREES = 60
RATE = 0.05
LEAVES = 8
# Least share of the rows in a leaf: a leaf of a few days would fit noise.
LEAF_SHARE = 0.01
FEWEST_IN_LEAF = 20


@dataclass(frozen=True)
class Trees:
    """
    Fitted trees.

    Args:
        model: predicts a move from weighted signals, NaN where a source is inactive; None for no trees.
        columns: positions of the sources it was fitted on.
        scale: maps predictions to values.
    """

    model: "HistGradientBoostingRegressor | None"
    columns: Integers
    scale: RankScaler

    def combine(self, now: SignalMatrix) -> FusedValues:
        return occlusion_attribution(self._value, now)

    def _value(self, signals: SignalMatrix) -> Array:
        if self.model is None or not len(signals):
            return np.zeros(len(signals))
        with one_thread():
            predicted = _odd(self.model.predict, _inputs(signals, self.columns))
        return self.scale.value(np.where(signals.active[:, self.columns].any(axis=1), predicted, 0.0))


@dataclass(frozen=True)
class Boosting:
    """
    Small regularised trees on weighted signals; their number is chosen on the last period, 0 without a gain.

    Every sample is also fitted mirrored (signs of all sources and of the outcome reversed, drift removed before), and
    the prediction is (f(x) - f(-x)) / 2, odd in the signals. So neither a rising market nor a constant source counts as
    skill.
    """

    name: str = "boosting"
    meaning: str = "small boosted trees, odd in the sources; captures interactions of sources"

    def fit(self, past: LabeledSignals) -> Trees:
        samples = usable(past)
        with one_thread():
            trees = _best_count(samples) if len(samples) else 0
            if not trees:
                return Trees(None, np.arange(0), RankScaler(np.empty(0)))
            columns = _active_columns(samples.signals)
            model = _fit_trees(samples, columns, trees)
            return Trees(model, columns, RankScaler.of(_odd(model.predict, _inputs(samples.signals, columns))))


def _fit_trees(past: LabeledSignals, columns: Integers, trees: int) -> "HistGradientBoostingRegressor":
    from sklearn.ensemble import HistGradientBoostingRegressor

    x, y = _inputs(past.signals, columns), past.move - past.move.mean()
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


def _best_count(past: LabeledSignals) -> int:
    """Number of trees that predicts the last period best; 0 when none is better than the mean."""
    pairs = splits(past)
    if not pairs:
        return 0
    train, test = past.take(pairs[-1][0]), past.take(pairs[-1][1])
    columns = _active_columns(train.signals)
    x, model = _inputs(test.signals, columns), _fit_trees(train, columns, TREES)
    stages = zip(model.staged_predict(x), model.staged_predict(-x), strict=True)
    move, weight = test.move, bar_weights(test.decided_at)
    best = argbest([variance_gain(move, (up - down) / 2, weight) for up, down in stages])
    return 0 if best is None else best + 1


def _active_columns(signals: SignalMatrix) -> Integers:
    """Positions of the sources that were ever active: a column of NaN cannot be binned."""
    return np.flatnonzero(signals.active.any(axis=0))


def _inputs(signals: SignalMatrix, columns: Integers) -> Array:
    """(rows, columns) value times confidence; NaN where inactive."""
    return np.asarray((signals.value * signals.confidence)[:, columns])


def _odd(predict: Callable[[Array], Array], x: Array) -> Array:
    return np.asarray((predict(x) - predict(-x)) / 2)
