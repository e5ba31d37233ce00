"""
Linear methods: ridge and elastic net regressions of the outcome on the weighted signals.

The intercept, the drift of the market, is fitted and then dropped: it is no source's skill.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import RankScaler, argbest, one_thread, splits, usable, variance_gain
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

# Per row; columns have a mean square of one, so 1 halves the slope of an uncorrelated source.
RIDGE_PENALTIES = tuple(np.logspace(-4, 1, 11))
# A slope below half of it, in moves per root mean square of a source, becomes 0.
NET_PENALTIES = tuple(np.logspace(-3, -0.5, 11))
LASSO_SHARE = 0.5


class Regression(Protocol):
    """A scikit-learn estimator with an intercept."""

    coef_: Array

    def fit(self, x: Array, y: Array) -> object: ...

    def predict(self, x: Array) -> Array: ...


Factory = Callable[[int], Regression]


@dataclass(frozen=True)
class Slopes:
    """
    A fitted linear method.

    Args:
        slopes: (sources,) expected moves per unit of weighted signal; all 0 without a predictive penalty.
        scale: maps the sum to a value.
    """

    slopes: Array
    scale: RankScaler

    def combine(self, now: SignalMatrix) -> FusedValues:
        part = now.weighted * self.slopes
        predicted = part.sum(axis=1)
        value = self.scale.value(predicted)
        return FusedValues(value, part * (value / np.where(predicted == 0, 1.0, predicted))[:, None])


@dataclass(frozen=True)
class Ridge:
    """Slopes shrunk in proportion to the noise; value: sign and rank of the prediction among past ones."""

    name: str = "ridge"
    meaning: str = "linear, slopes shrunk by a penalty chosen by walk-forward validation"

    def fit(self, past: LabeledSignals) -> Slopes:
        return fit_slopes(past, [partial(ridge, penalty) for penalty in RIDGE_PENALTIES])


@dataclass(frozen=True)
class ElasticNet:
    """As `Ridge`, with small slopes set to 0."""

    name: str = "elastic_net"
    meaning: str = "linear, small slopes set to 0 by a penalty chosen by walk-forward validation"

    def fit(self, past: LabeledSignals) -> Slopes:
        return fit_slopes(past, [partial(_elastic_net, penalty) for penalty in NET_PENALTIES])


def fit_slopes(past: LabeledSignals, candidates: Sequence[Factory]) -> Slopes:
    """
    Regress `past.move` on the weighted signals, with the penalty of the best walk-forward predictions.

    Args:
        past: labelled samples.
        candidates: regressions by penalty, each made for a number of rows.

    Returns:
        Slopes of 0, so value 0, with too few samples or when no penalty predicted better than the mean.
    """
    samples = usable(past)
    x, scale = _standardised(samples)
    y = samples.move
    with one_thread():
        best = argbest([_validation_gain(samples, x, y, make) for make in candidates]) if len(samples) else None
        if best is None:
            return Slopes(np.zeros(x.shape[1]), RankScaler(np.empty(0)))
        model = candidates[best](len(y))
        model.fit(x, y)
    slopes = model.coef_ / scale
    return Slopes(slopes, RankScaler.of((samples.signals.weighted * slopes).sum(axis=1)))


def ridge(penalty: float, rows: int) -> Any:
    """A ridge regression with a penalty per row."""
    from sklearn.linear_model import Ridge as RidgeRegression

    return RidgeRegression(alpha=penalty * rows)


def _elastic_net(penalty: float, rows: int) -> Any:
    from sklearn.linear_model import ElasticNet as ElasticNetRegression

    return ElasticNetRegression(alpha=penalty, l1_ratio=LASSO_SHARE, tol=1e-3, precompute=True, random_state=0)


def _standardised(past: LabeledSignals) -> tuple[Array, Array]:
    """(rows, sources) weighted signals over (sources,) their root mean square where active; 1 where never active."""
    weighted, active = past.signals.weighted, past.signals.active.sum(axis=0)
    scale = np.sqrt((weighted**2).sum(axis=0) / np.maximum(active, 1))
    scale = np.where(scale > 0, scale, 1.0)
    return weighted / scale, scale


def _validation_gain(past: LabeledSignals, x: Array, y: Array, make: Factory) -> float:
    """Mean variance gain over the walk-forward splits; 0 without any."""
    gains = []
    for train, test in splits(past):
        model = make(len(train))
        model.fit(x[train], y[train])
        gains.append(variance_gain(y[test], model.predict(x[test]), past.decided_at[test]))
    return float(np.mean(gains)) if gains else 0.0
