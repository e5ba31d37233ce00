"""
Reductions over the values present in a window, when a minimum count of them is enough.

The strict kernels, which need every value, are in `windows` (with the method) and `moments`; bars before the first
count as absent. For deviations a tail and a head each have a pivot of their own, the first value they met, and are
joined by the formula of Chan, Golub and LeVeque (1983).
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import first_block, step

SUM, MEAN, DEVIATION, MINIMUM, MAXIMUM, COUNT = 0, 1, 2, 3, 4, 5
TILE = 128  # columns worked on together; a fixed distance between the parts lets the compiler see that they differ
SECOND, THIRD, FOURTH = TILE, 2 * TILE, 3 * TILE


@kernel(IN, INT, INT, INT, INT, OUT)
def reduce_present(x, window, min_count, origin, kind, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Sum, mean, sample deviation, extremes or count of the values present among the last `window` bars."""
    bars, symbols = x.shape
    least = float(max(min_count, 0 if kind in (COUNT, SUM) else 1))
    # Parts of a row: count; sum, extreme or pivot; for deviations also sum and squares of the distances from the pivot.
    tails, head = np.empty((window, 4 * TILE)), np.empty(4 * TILE)
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        _clear(kind, tails[window - 1])
        for start in range(first_block(origin, window) - window, bars, window):
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                tails[k] = tails[k + 1]
                _grow(kind, x[t, left:right], tails[k])
            _clear(kind, head)
            for t in range(max(0, start), min(start + window, bars)):
                _grow(kind, x[t, left:right], head)
                k = min(max(0, t - window + 1) - start, 0) + window - 1
                _finish(kind, tails[k], head, least, out[t, left:right])


@step
def _clear(kind, part):  # type: ignore[no-untyped-def]
    part[:] = 0.0
    if kind == MINIMUM:
        part[SECOND:THIRD] = np.inf
    elif kind == MAXIMUM:
        part[SECOND:THIRD] = -np.inf


@step
def _grow(kind, x, part):  # type: ignore[no-untyped-def]
    if kind == MINIMUM:
        for c in range(x.size):
            part[c] += 1.0 if x[c] == x[c] else 0.0
            part[c + SECOND] = x[c] if x[c] < part[c + SECOND] else part[c + SECOND]
    elif kind == MAXIMUM:
        for c in range(x.size):
            part[c] += 1.0 if x[c] == x[c] else 0.0
            part[c + SECOND] = x[c] if x[c] > part[c + SECOND] else part[c + SECOND]
    elif kind == DEVIATION:
        for c in range(x.size):
            present, value = x[c] == x[c], np.float64(x[c])
            pivot = part[c + SECOND] if part[c] > 0.0 or not present else value
            part[c] += 1.0 if present else 0.0
            part[c + SECOND] = pivot
            part[c + THIRD] += value - pivot if present else 0.0
            part[c + FOURTH] += (value - pivot) * (value - pivot) if present else 0.0
    else:
        for c in range(x.size):
            part[c] += 1.0 if x[c] == x[c] else 0.0
            part[c + SECOND] += x[c] if x[c] == x[c] else 0.0


@step
def _finish(kind, tail, head, least, out):  # type: ignore[no-untyped-def]
    for c in range(out.size):
        a, b = tail[c], head[c]
        count, first, second = a + b, tail[c + SECOND], head[c + SECOND]
        if kind == COUNT:
            value = count
        elif kind == MINIMUM:
            value = first if first < second else second
        elif kind == MAXIMUM:
            value = first if first > second else second
        elif kind == DEVIATION:
            older, newer = tail[c + THIRD] / max(a, 1.0), head[c + THIRD] / max(b, 1.0)
            square = tail[c + FOURTH] - a * older * older + head[c + FOURTH] - b * newer * newer
            gap = (first - second) + (older - newer)
            square += gap * gap * (a * b / count)
            value = np.sqrt((0.0 if square < 0.0 else square) / (count - 1.0))
        else:
            value = (first + second) / (count if kind == MEAN else 1.0)
        out[c] = value + (value - value) if count >= least else np.nan


@kernel(IN, INT, OUT)
def latest_present(x, window, out):  # type: ignore[no-untyped-def]
    """The latest value present among the last `window` bars, the current one included."""
    bars, symbols = x.shape
    value, age = np.full(symbols, np.nan), np.zeros(symbols)
    for t in range(bars):
        for c in range(symbols):
            age[c] = 0.0 if x[t, c] == x[t, c] else age[c] + 1.0
            value[c] = x[t, c] if x[t, c] == x[t, c] else value[c]
            out[t, c] = value[c] if age[c] < window else np.nan
