"""
Mean absolute deviation: the one part of an indicator (CCI) that no formula over other operators gives.

All else that measures spread is in `time_series`.
"""

import numpy as np

from alpha_pipeline.operators.registry import Series, Window, operator
from alpha_pipeline.panel import Array


@operator(
    "same",
    "ts_mad(close, 20)",
    lookback=lambda window: window - 1,
    aliases=("mad", "avedev", "rolling_mad", "mean_absolute_deviation", "mean_abs_dev"),
    group="time series",
)
def ts_mad(x: Series, window: Window, *, out: Array) -> None:
    """Mean absolute deviation of the last `window` values from their mean."""
    out[: window - 1] = np.nan
    if len(x) < window:
        return
    # Measured from the current value, so that a high level costs no digits; one pass per age, always in the same
    # order, so that a slice of history gives the same bits.
    now, target = x[window - 1 :], out[window - 1 :]
    with np.errstate(all="ignore"):
        ages = [x[window - 1 - age : len(x) - age] - now for age in range(window)]
        mean = sum(ages, start=np.zeros_like(now)) / window
        target[:] = 0.0
        for values in ages:
            target += np.abs(values - mean)
        target /= window
        target += target - target  # overflow is NaN
