"""
Linear methods: ridge and elastic net regressions of the outcome on the weighted signals.

The intercept, the drift of the market, is fitted and then dropped: it is no source's skill.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import (
    RankScaler,
    argbest,
    bar_weights,
    one_thread,
    splits,
    usable,
    variance_gain,
)
from alpha_pipeline.kernels.portable import product
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

# Per row; columns have a mean square of one, so 1 halves the slope of an uncorrelated source.
RIDGE_PENALTIES = np.logspace(-4, 1, 11)
# A slope below half of it, in moves per root mean square of a source, becomes 0.
NET_PENALTIES = np.logspace(-3, -0.5, 11)
LASSO_SHARE = 0.5
# Further digits depend on the processor.
DIGITS = 9

# Centred (rows, sources) inputs and (rows,) outcomes to (penalties, sources) slopes.
Path = Callable[[Array, Array], Array]


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
        return fit_slopes(past, partial(ridge_path, RIDGE_PENALTIES))


@dataclass(frozen=True)
class ElasticNet:
    """As `Ridge`, with small slopes set to 0."""

    name: str = "elastic_net"
    meaning: str = "linear, small slopes set to 0 by a penalty chosen by walk-forward validation"

    def fit(self, past: LabeledSignals) -> Slopes:
        return fit_slopes(past, partial(net_path, NET_PENALTIES))


def fit_slopes(past: LabeledSignals, path: Path) -> Slopes:
    """
    Regress `past.move` on the weighted signals, with the penalty of the best walk-forward predictions.

    Args:
        past: labelled samples.
        path: slopes by penalty.

    Returns:
        Slopes of 0, so value 0, with too few samples or when no penalty predicted better than the mean.
    """
    samples = usable(past)
    x, scale = _standardised(samples)
    y = samples.move
    with one_thread():
        best = argbest(list(_validation_gains(samples, x, y, path))) if len(samples) else None
        if best is None:
            return Slopes(np.zeros(x.shape[1]), RankScaler(np.empty(0)))
        slopes = _centred(x, y, path)[best] / scale
    return Slopes(slopes, RankScaler.of((samples.signals.weighted * slopes).sum(axis=1)))


def ridge_path(penalties: Array, x: Array, y: Array) -> Array:
    """(penalties, sources) slopes of ridge regressions; penalties are per row."""
    squares, moments = product(x.T, x), product(x.T, y)
    eye = len(y) * np.eye(x.shape[1])
    return np.array([np.linalg.solve(squares + penalty * eye, moments) for penalty in penalties])


def net_path(penalties: Array, x: Array, y: Array) -> Array:
    """(penalties, sources) slopes of elastic nets, from the largest penalty to the smallest by warm starts."""
    from sklearn.linear_model import enet_path

    order = np.argsort(-penalties)
    gram = {"precompute": product(x.T, x), "Xy": product(x.T, y)}
    fixed = {"tol": 1e-6, "check_input": False, "random_state": 0}
    _, slopes, _ = enet_path(x, y, l1_ratio=LASSO_SHARE, alphas=penalties[order], **gram, **fixed)
    by_penalty = np.empty((len(penalties), x.shape[1]))
    by_penalty[order] = slopes.T
    return by_penalty


def _centred(x: Array, y: Array, path: Path) -> Array:
    return np.asarray(np.round(path(np.asfortranarray(x - x.mean(axis=0)), y - y.mean()), DIGITS))


def _standardised(past: LabeledSignals) -> tuple[Array, Array]:
    """(rows, sources) weighted signals over (sources,) their root mean square where active; 1 where never active."""
    weighted, active = past.signals.weighted, past.signals.active.sum(axis=0)
    scale = np.sqrt((weighted**2).sum(axis=0) / np.maximum(active, 1))
    scale = np.where(scale > 0, scale, 1.0)
    return weighted / scale, scale


def _validation_gains(past: LabeledSignals, x: Array, y: Array, path: Path) -> Array:
    """(penalties,) mean variance gain over the walk-forward splits; one 0 without any."""
    gains = []
    for train, test in splits(past):
        predicted = product(x[test], _centred(x[train], y[train], path).T)
        weight = bar_weights(past.decided_at[test])
        gains.append([variance_gain(y[test], column, weight) for column in predicted.T])
    return np.mean(gains, axis=0) if gains else np.zeros(1)
