"""
Reductions over the last `window` bars: sums, products, extremes, and places of extremes.

Means and higher moments that need care with cancellation are in `moments`; order statistics in `ranking`.

Method (van Herk 1992, Gil and Werman 1993): bars are cut into blocks of `window`. A window that ends inside a block is
the tail of the block before joined with the head of its own, and tails and heads grow by one row at a time: three
passes whatever the window. No leaving value is ever subtracted, so nothing drifts, and a spike or a NaN touches exactly
the windows that hold it. Blocks are anchored to the number of the bar (`origin` is that of row 0), so a slice of
history gives the same bits as the whole.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import blank, first_block, step

TILE = 512  # columns worked on together: whole rows of most panels, so that memory is read in order

SUM, PRODUCT, MINIMUM, MAXIMUM = 0, 1, 2, 3


@kernel(IN, INT, INT, INT, FLOAT, OUT)
def reduce(x, window, origin, kind, divisor, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Sum (divided by `divisor`), product, minimum or maximum of the last `window` values."""
    bars, symbols = x.shape
    nothing = 0.0 if kind == SUM else (1.0 if kind == PRODUCT else (np.inf if kind == MINIMUM else -np.inf))
    blank(out[: window - 1])
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        # tails[k] reduces the bars from start - window + 1 + k to start - 1; the last one is empty.
        tails, head = np.full((window, right - left), nothing), np.empty(right - left)
        for start in range(first_block(origin, window), bars, window):
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                _join(kind, x[t, left:right], tails[k + 1], tails[k])
            head[:] = nothing
            for t in range(start, min(start + window, bars)):
                if t >= window - 1:
                    _finish(kind, x[t, left:right], tails[t - start], divisor, head, out[t, left:right])
                else:
                    _grow(kind, x[t, left:right], head)


@step
def _join(kind, x, old, new):  # type: ignore[no-untyped-def]
    if kind == SUM:
        for c in range(x.size):
            new[c] = x[c] + old[c]
    elif kind == PRODUCT:
        for c in range(x.size):
            new[c] = x[c] * old[c]
    elif kind == MINIMUM:
        for c in range(x.size):
            new[c] = x[c] if (x[c] < old[c]) | (x[c] != x[c]) else old[c]
    else:
        for c in range(x.size):
            new[c] = x[c] if (x[c] > old[c]) | (x[c] != x[c]) else old[c]


@step
def _grow(kind, x, head):  # type: ignore[no-untyped-def]
    if kind == SUM:
        for c in range(x.size):
            head[c] += x[c]
    elif kind == PRODUCT:
        for c in range(x.size):
            head[c] *= x[c]
    elif kind == MINIMUM:
        for c in range(x.size):
            head[c] = x[c] if (x[c] < head[c]) | (x[c] != x[c]) else head[c]
    else:
        for c in range(x.size):
            head[c] = x[c] if (x[c] > head[c]) | (x[c] != x[c]) else head[c]


@step
def _finish(kind, x, tail, divisor, head, out):  # type: ignore[no-untyped-def]
    _grow(kind, x, head)
    if kind == SUM:
        for c in range(x.size):
            value = (tail[c] + head[c]) / divisor
            out[c] = value + (value - value)
    elif kind == PRODUCT:
        for c in range(x.size):
            value = tail[c] * head[c]
            out[c] = value + (value - value)
    elif kind == MINIMUM:
        for c in range(x.size):
            out[c] = tail[c] if (tail[c] < head[c]) | (tail[c] != tail[c]) else head[c]
    else:
        for c in range(x.size):
            out[c] = tail[c] if (tail[c] > head[c]) | (tail[c] != tail[c]) else head[c]


@kernel(IN, INT, INT, INT, OUT)
def place(x, window, origin, kind, out):  # type: ignore[no-untyped-def]
    """Place of the minimum or maximum in the window, 1 (oldest) to `window` (now); the oldest of equals."""
    bars, symbols = x.shape
    sign = 1.0 if kind == MAXIMUM else -1.0
    blank(out[: window - 1])
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        width = right - left
        tails, rows = np.full((window, width), -np.inf), np.zeros((window, width))
        head, row = np.empty(width), np.empty(width)
        for start in range(first_block(origin, window), bars, window):
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                _older(x[t, left:right], sign, float(t), tails[k + 1], rows[k + 1], tails[k], rows[k])
            head[:] = -np.inf
            for t in range(start, min(start + window, bars)):
                _newer(x[t, left:right], sign, float(t), head, row)
                if t >= window - 1:
                    _placed(tails[t - start], rows[t - start], head, row, float(window - t), out[t, left:right])


@step
def _older(x, sign, t, best, row, new_best, new_row):  # type: ignore[no-untyped-def]
    for c in range(x.size):
        value = sign * x[c]
        wins = (value >= best[c]) | (value != value)
        new_best[c] = value if wins else best[c]
        new_row[c] = t if wins else row[c]


@step
def _newer(x, sign, t, best, row):  # type: ignore[no-untyped-def]
    for c in range(x.size):
        value = sign * x[c]
        wins = (value > best[c]) | (value != value)
        best[c] = value if wins else best[c]
        row[c] = t if wins else row[c]


@step
def _placed(tail, tail_row, head, head_row, shift, out):  # type: ignore[no-untyped-def]
    for c in range(out.size):
        known = tail[c] - tail[c] if tail[c] > -np.inf or tail[c] != tail[c] else 0.0
        out[c] = (tail_row[c] if tail[c] >= head[c] else head_row[c]) + shift + known + (head[c] - head[c])
