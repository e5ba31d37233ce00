"""
Confidence as a share: how often values like this one had the right sign.

A logistic curve of raw confidence and size, fitted on decisions whose outcome is known, drawn towards one half: without
a past, or with a past that taught nothing, the answer is 0.5.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from alpha_pipeline.panel import Array

# Days of evidence that the belief "right as often as wrong" weighs.
DOUBT_DAYS = 30.0


@dataclass(frozen=True)
class Calibration:
    """
    Coefficients of the curve, and on how many days it rests.

    Args:
        coefficients: (3,) of 1, raw confidence and |value|, in log odds.
        days: bars of decision it was fitted on.
    """

    coefficients: Array
    days: int

    def apply(self, value: Array, raw: Array) -> Array:
        """(rows,) probability in (0, 1) that the sign of `value` is right; 0.5 where the value is 0."""
        odds = _features(value, raw) @ self.coefficients
        return np.where(value == 0, 0.5, 1.0 / (1.0 + np.exp(-odds)))


NOTHING_KNOWN = Calibration(np.zeros(3), 0)


def calibrate(value: Array, raw: Array, forward: Array, decided_at: Array) -> Calibration:
    """
    Fit the curve.

    Args:
        value: (rows,) fused values that were told before the outcome was known.
        raw: (rows,) raw confidences of them.
        forward: (rows,) returns that followed, fraction; NaN rows are left out, as are values and returns of 0.
        decided_at: (rows,) bars of decision. Rows of one bar move together, so each bar counts once, not each row.

    Returns:
        `NOTHING_KNOWN` without rows.

    Source: Platt, Probabilistic outputs for support vector machines (1999), with a penalty as the prior.
    """
    use = np.isfinite(forward) & (forward != 0) & (value != 0)
    if not use.any():
        return NOTHING_KNOWN
    hit = np.sign(value[use]) == np.sign(forward[use])
    bars, of_bar, rows = np.unique(decided_at[use], return_inverse=True, return_counts=True)
    if hit.all() or not hit.any():  # one class alone cannot be fitted: one miss, or one hit, of weight one
        share = (len(bars) * hit.mean() + DOUBT_DAYS / 2) / (len(bars) + DOUBT_DAYS)
        return Calibration(np.array([np.log(share / (1 - share)), 0.0, 0.0]), len(bars))
    curve = LogisticRegression(C=1.0 / DOUBT_DAYS, fit_intercept=False)
    curve.fit(_features(value[use], raw[use]), hit, sample_weight=1.0 / rows[of_bar])
    return Calibration(curve.coef_[0], len(bars))


def _features(value: Array, raw: Array) -> Array:
    return np.column_stack([np.ones(len(value)), raw, np.abs(value)])
