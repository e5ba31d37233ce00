"""
Mean absolute deviation over the last `window` bars.

The mean moves with the window, so every bar looks at its whole window: O(window), row by row with SIMD.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import blank, step, zero_where_present

TILE = 256


@kernel(IN, INT, OUT)
def mean_deviation(x, window, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Mean distance from the mean; both are taken from the newest value, so that a high level costs no digits."""
    bars, symbols = x.shape
    blank(out[: window - 1])
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        mean, total = np.empty(right - left), np.empty(right - left)
        for t in range(window - 1, bars):
            now, target = x[t, left:right], out[t, left:right]
            zero_where_present(now, mean)
            for row in range(t - window + 1, t):
                _add_distance(x[row, left:right], now, 1.0 / window, mean)
            zero_where_present(now, total)
            for row in range(t - window + 1, t + 1):
                _add_deviation(x[row, left:right], now, mean, total)
            for c in range(right - left):
                value = total[c] / window
                target[c] = value + (value - value)


@step
def _add_distance(then, now, share, mean):  # type: ignore[no-untyped-def]
    for c in range(mean.size):
        mean[c] += (np.float64(then[c]) - now[c]) * share


@step
def _add_deviation(then, now, mean, total):  # type: ignore[no-untyped-def]
    for c in range(total.size):
        total[c] += abs((np.float64(then[c]) - now[c]) - mean[c])
