"""
Calibrated confidence: the expected hit rate of a fused value, shrunk towards 0.5 by its standard error.

A logistic regression on raw confidence and `|value|` of decisions with known outcome (Platt scaling). Without
samples, or without a significant hit rate, the confidence is 0.5.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.kernels.portable import product, sigmoid
from alpha_pipeline.typing import Array, Times

# With fewer bars the clustered standard error is biased downwards.
MINIMUM_BARS = 30
# Standard errors by which the log odds are shrunk: one-sided 2.3 %. With 0 the trade rate was a third on the embedded
# markets and a quarter on noise; with 1.64 it was 2 % and 1 %, with 2 lower (decision 0012).
SHRINKAGE = 2.0
# L2 penalty, in bars: keeps the coefficients finite; the shrinkage is done by the standard error.
PENALTY = 1.0
DIGITS = 9


@dataclass(frozen=True)
class Calibration:
    """
    A fitted calibration curve.

    Args:
        coefficients: (3,) of 1, raw confidence and `|value|`, in log odds.
        covariance: (3, 3) of the coefficients.
        bars: bars of decision it was fitted on.
    """

    coefficients: Array
    covariance: Array
    bars: int

    def apply(self, value: Array, raw: Array) -> Array:
        """(rows,) expected hit rate in (0, 1), shrunk towards 0.5 by its standard error; 0.5 where value is 0."""
        x = _features(value, raw)
        odds = product(x, self.coefficients)
        error = np.sqrt(np.maximum((product(x, self.covariance) * x).sum(axis=1), 0.0))
        shrunk = np.sign(odds) * np.maximum(np.abs(odds) - SHRINKAGE * error, 0.0)
        return np.where(value == 0, 0.5, sigmoid(shrunk))


UNCALIBRATED = Calibration(np.zeros(3), np.zeros((3, 3)), 0)


def calibrate(value: Array, raw: Array, forward: Array, decided_at: Times) -> Calibration:
    """
    Fit the calibration curve.

    Args:
        value: (rows,) out-of-sample fused values.
        raw: (rows,) their raw confidences.
        forward: (rows,) forward returns, fraction; NaN rows are left out, as are values and returns of 0.
        decided_at: (rows,) bars of decision. Rows of one bar are correlated: each bar has weight 1, and standard
            errors are clustered by bar.

    Returns:
        `UNCALIBRATED` below `MINIMUM_BARS` bars.

    Source: Platt, Probabilistic outputs for support vector machines (1999); clustered errors: Liang and Zeger (1986);
        soft thresholding by a multiple of the error: Donoho and Johnstone (1994).
    """
    use = np.isfinite(forward) & (forward != 0) & (value != 0)
    bars, of_bar, rows = np.unique(decided_at[use], return_inverse=True, return_counts=True)
    if len(bars) < MINIMUM_BARS:
        return UNCALIBRATED
    x = _features(value[use], raw[use])
    hit = (np.sign(value[use]) == np.sign(forward[use])).astype(float)
    weight = 1.0 / rows[of_bar]
    coefficients = _fit(x, hit, weight)
    share = sigmoid(product(x, coefficients))
    curvature = product((x * (weight * share * (1 - share))[:, None]).T, x) + PENALTY * np.eye(x.shape[1])
    scores = np.column_stack([np.bincount(of_bar, column) for column in (x * (weight * (hit - share))[:, None]).T])
    inverse = np.linalg.inv(curvature)
    spread = product(scores.T, scores) * len(bars) / (len(bars) - x.shape[1])
    return Calibration(coefficients, product(product(inverse, spread), inverse), len(bars))


def _fit(x: Array, hit: Array, weight: Array) -> Array:
    """(columns,) coefficients, rounded to `DIGITS` decimals: further digits depend on the processor."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / PENALTY, fit_intercept=False, solver="newton-cholesky", tol=1e-10, max_iter=50)
    if hit.min() == hit.max():  # scikit-learn requires both classes: add a row of weight 0
        x, hit, weight = np.vstack([x, x[:1]]), np.append(hit, 1 - hit[0]), np.append(weight, 0.0)
    return np.asarray(np.round(model.fit(x, hit, sample_weight=weight).coef_[0], DIGITS))


def _features(value: Array, raw: Array) -> Array:
    return np.column_stack([np.ones(len(value)), raw, np.abs(value)])
