"""
Order statistics over the last `window` bars: the rank of the newest value, quantiles.

Ranks across symbols are in `cross_section`.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import blank, step, zero_where_present

TILE = 256
LANES = 32  # columns whose ordered windows are kept side by side


@kernel(IN, INT, OUT)
def rank_in_window(x, window, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Rank of the newest value among the last `window`, as a fraction in [1/window, 1]; ties get average ranks."""
    bars, symbols = x.shape
    blank(out[: window - 1])
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        score = np.empty(right - left)
        for t in range(window - 1, bars):
            now, target = x[t, left:right], out[t, left:right]
            zero_where_present(now, score)
            for row in range(t - window + 1, t):
                _count_below(x[row, left:right], now, score)
            for c in range(right - left):
                target[c] = (score[c] + 1.0) / window


@step
def _count_below(then, now, score):  # type: ignore[no-untyped-def]
    for c in range(score.size):
        below = 1.0 if then[c] < now[c] else 0.0
        equal = 0.5 if then[c] == now[c] else 0.0
        score[c] += below + equal + (then[c] - then[c])


@kernel(IN, INT, FLOAT, OUT)
def quantile(x, window, fraction, out):  # type: ignore[no-untyped-def]
    """
    Quantile of the last `window` values, linear between neighbours; 0.5 is the median.

    The ordered window of a column is a column of `held`; one pass over its rows takes the leaving value out and puts
    the new one in, for all columns at once. Absent values are held as infinities and counted.
    """
    bars, symbols = x.shape
    held = np.empty((window + 1, LANES))
    leaving, entering, absent = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    position = fraction * (window - 1)
    low = min(int(position), window - 1)
    high = min(low + 1, window - 1)
    share = position - low
    blank(out[: window - 1])
    for left in range(0, symbols, LANES):
        width = min(LANES, symbols - left)
        held[:] = np.inf
        leaving[:] = np.inf
        absent[:] = window
        for t in range(bars):
            for c in range(width):
                if t >= window:
                    leaving[c] = _or_infinity(x[t - window, left + c])
                entering[c] = _or_infinity(x[t, left + c])
                absent[c] += (1.0 if entering[c] == np.inf else 0.0) - (1.0 if leaving[c] == np.inf else 0.0)
            for i in range(window):
                _exchange(held[i], held[i + 1], leaving, entering)
            if t >= window - 1:
                for c in range(width):
                    value = held[low, c] + (held[high, c] - held[low, c]) * share
                    out[t, left + c] = value if absent[c] == 0.0 else np.nan


@step
def _or_infinity(value):  # type: ignore[no-untyped-def]
    return np.float64(value) if value == value else np.inf


@step
def _exchange(here, next_, leaving, entering):  # type: ignore[no-untyped-def]
    for c in range(LANES):
        kept = here[c] if here[c] < leaving[c] else next_[c]
        carried = entering[c]
        here[c] = kept if kept < carried else carried
        entering[c] = carried if kept < carried else kept
