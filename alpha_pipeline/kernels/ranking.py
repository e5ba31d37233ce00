"""
Order statistics over the last `window` bars: the rank of the newest value, quantiles.

Ranks across symbols are in `cross_section`.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.kernels.rows import blank, step, zero_where_present

TILE = 256
LINE = 8  # columns per cache line


@kernel(IN, INT, OUT)
def rank_in_window(x, window, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Rank of the newest value among the last `window`, as a fraction in [1/window, 1]; ties get average ranks."""
    bars, symbols = x.shape
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        score = np.empty(width)
        for t in range(bars):
            now, target = x[t, left : left + width], out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            zero_where_present(now, score)
            for row in range(t - window + 1, t):
                _count_below(x[row, left : left + width], now, score)
            for c in range(width):
                target[c] = (score[c] + 1.0) / window


@step
def _count_below(then, now, score):  # type: ignore[no-untyped-def]
    for c in range(score.size):
        below = 1.0 if then[c] < now[c] else 0.0
        equal = 0.5 if then[c] == now[c] else 0.0
        score[c] += below + equal + (then[c] - then[c])


@kernel(IN, INT, FLOAT, OUT)
def quantile(x, window, fraction, out):  # type: ignore[no-untyped-def]
    """Quantile of the last `window` values, linear between neighbours; 0.5 is the median."""
    bars, symbols = x.shape
    ordered = np.empty((LINE, window))
    place = fraction * (window - 1)
    low = min(int(place), window - 1)
    high = min(low + 1, window - 1)
    share = place - low
    for left in range(0, symbols, LINE):
        width = min(LINE, symbols - left)
        counts = np.zeros(LINE, np.int64)
        for t in range(bars):
            for c in range(width):
                held, count = ordered[c], counts[c]
                value = x[t, left + c]
                leaving = x[t - window, left + c] if t >= window else np.nan
                if count == window and leaving == leaving and value == value:
                    _exchange(held, leaving, value)
                else:
                    if leaving == leaving:
                        count -= 1
                        for i in range(np.searchsorted(held[: count + 1], leaving), count):
                            held[i] = held[i + 1]
                    if value == value:
                        i = count
                        while i > 0 and held[i - 1] > value:
                            held[i] = held[i - 1]
                            i -= 1
                        held[i] = value
                        count += 1
                    counts[c] = count
                if count == window:
                    out[t, left + c] = held[low] + (held[high] - held[low]) * share
                else:
                    out[t, left + c] = np.nan


@step
def _exchange(held, leaving, value):  # type: ignore[no-untyped-def]
    """Replace one of the ordered values by another: a binary search and one shift between the two places."""
    low, high = 0, held.size - 1
    while low < high:
        middle = (low + high) >> 1
        if held[middle] < leaving:
            low = middle + 1
        else:
            high = middle
    if value > leaving:
        while low + 1 < held.size and held[low + 1] < value:
            held[low] = held[low + 1]
            low += 1
    else:
        while low > 0 and held[low - 1] > value:
            held[low] = held[low - 1]
            low -= 1
    held[low] = value
