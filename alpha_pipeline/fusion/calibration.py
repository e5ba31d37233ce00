"""
Confidence as a share: how often values like this one had the right sign, as far as that can be told from chance.

A logistic curve of raw confidence and size, fitted on decisions whose outcome is known, then drawn towards one half by
its own error: without a past, or with one that proves nothing, the answer is 0.5.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.kernels.portable import product, sigmoid
from alpha_pipeline.typing import Array

# Fewer bars prove nothing, and the error below is too small on them.
MINIMUM_BARS = 30
# Standard errors of the log odds that are given to chance: one-sided 2.3 %. With 0 a third of all decisions were acted
# on in the embedded markets and a quarter in markets of noise; with 1.64 2 % and 1 %, with 2 fewer (decision 0012).
CHANCE = 2.0
# Weight in bars of the belief that nothing is known; only keeps the curve finite, the error does the doubting.
PRIOR = 1.0
DIGITS = 9


@dataclass(frozen=True)
class Calibration:
    """
    Coefficients of the curve, their error, and on how many days it rests.

    Args:
        coefficients: (3,) of 1, raw confidence and |value|, in log odds.
        covariance: (3, 3) of the coefficients.
        days: bars of decision it was fitted on.
    """

    coefficients: Array
    covariance: Array
    days: int

    def apply(self, value: Array, raw: Array) -> Array:
        """(rows,) share in (0, 1) of such values with the right sign, less what may be chance; 0.5 where value is 0."""
        x = _features(value, raw)
        odds = product(x, self.coefficients)
        error = np.sqrt(np.maximum((product(x, self.covariance) * x).sum(axis=1), 0.0))
        proven = np.sign(odds) * np.maximum(np.abs(odds) - CHANCE * error, 0.0)
        return np.where(value == 0, 0.5, sigmoid(proven))


UNCALIBRATED = Calibration(np.zeros(3), np.zeros((3, 3)), 0)


def calibrate(value: Array, raw: Array, forward: Array, decided_at: Array) -> Calibration:
    """
    Fit the curve.

    Args:
        value: (rows,) fused values that were told before the outcome was known.
        raw: (rows,) raw confidences of them.
        forward: (rows,) returns that followed, fraction; NaN rows are left out, as are values and returns of 0.
        decided_at: (rows,) bars of decision. Rows of one bar move together: each bar counts once, not each row, and
            the error is that between bars.

    Returns:
        `UNCALIBRATED` below `MINIMUM_BARS` bars.

    Source: Platt, Probabilistic outputs for support vector machines (1999); the error: Liang and Zeger (1986), clusters
        of bars; drawing an estimate towards its prior by a multiple of its error: Donoho and Johnstone (1994).
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
    curvature = product((x * (weight * share * (1 - share))[:, None]).T, x) + PRIOR * np.eye(x.shape[1])
    scores = np.column_stack([np.bincount(of_bar, column) for column in (x * (weight * (hit - share))[:, None]).T])
    inverse = np.linalg.inv(curvature)
    spread = product(scores.T, scores) * len(bars) / (len(bars) - x.shape[1])
    return Calibration(coefficients, product(product(inverse, spread), inverse), len(bars))


def _fit(x: Array, hit: Array, weight: Array) -> Array:
    """(columns,) coefficients, to `DIGITS` decimals: the digits behind them depend on the processor."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / PRIOR, fit_intercept=False, solver="newton-cholesky", tol=1e-10, max_iter=50)
    if hit.min() == hit.max():  # scikit-learn wants both classes; a row of no weight is the missing one
        x, hit, weight = np.vstack([x, x[:1]]), np.append(hit, 1 - hit[0]), np.append(weight, 0.0)
    return np.round(model.fit(x, hit, sample_weight=weight).coef_[0], DIGITS)


def _features(value: Array, raw: Array) -> Array:
    return np.column_stack([np.ones(len(value)), raw, np.abs(value)])
