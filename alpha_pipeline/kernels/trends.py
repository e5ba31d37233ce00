"""
Lines and weights in time over the last `window` bars: linear decay, slope, explained share, distance from the line.

The method is that of `moments`: tails and heads of blocks, distances from a pivot that every window holds.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import blank, first_block, step

TILE = 128  # columns worked on together; a fixed distance between the parts lets the compiler see that they differ
SECOND, THIRD = TILE, 2 * TILE

DECAY, SLOPE, RSQUARE, TREND_RESIDUAL = 0, 1, 2, 3


@kernel(IN, INT, INT, INT, OUT)
def trend(x, window, origin, kind, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Linearly decaying mean, slope per bar, share of variance explained by time, or distance from the fitted line."""
    bars, symbols = x.shape
    blank(out[: window - 1])
    # Parts of a row: sum, sum weighted with the bars since the start of the block, squares.
    tails, heads = np.zeros((window, 3 * TILE)), np.zeros((2, 3 * TILE))
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        for start in range(first_block(origin, window), bars, window):
            pivot = x[start, left:right]
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                _add(x[t, left:right], pivot, float(t - start), tails[k + 1], tails[k])
            heads[(start - 1) & 1] = 0.0  # two rows in turn: none is read and written at once
            for t in range(start, min(start + window, bars)):
                head = heads[t & 1]
                since = float(t - start)
                _add(x[t, left:right], pivot, since, heads[(t - 1) & 1], head)
                if t >= window - 1:
                    tail, target = tails[t - start], out[t, left:right]
                    if kind == DECAY:
                        _decay(pivot, tail, head, since, float(window), target)
                    else:
                        _line(x[t, left:right], pivot, tail, head, since, float(window), kind, target)


@step
def _add(x, pivot, since, old, new):  # type: ignore[no-untyped-def]
    for c in range(x.size):
        d = np.float64(x[c]) - pivot[c]
        new[c] = old[c] + d
        new[c + SECOND] = old[c + SECOND] + since * d
        new[c + THIRD] = old[c + THIRD] + d * d


@step
def _decay(pivot, tail, head, since, n, out):  # type: ignore[no-untyped-def]
    divisor = 1.0 / (n * (n + 1.0) / 2.0)
    for c in range(out.size):
        # A bar `since` after the start weighs window - (now - since): n for the newest, 1 for the oldest.
        weighted = (tail[c + SECOND] + head[c + SECOND]) + (n - since) * (tail[c] + head[c])
        value = pivot[c] + weighted * divisor
        out[c] = value + (value - value)


@step
def _line(x, pivot, tail, head, since, n, kind, out):  # type: ignore[no-untyped-def]
    time_square, share = n * (n * n - 1.0) / 12.0, 1.0 / n
    per_square = 1.0 / time_square
    middle = since - (n - 1.0) / 2.0
    for c in range(out.size):
        total = tail[c] + head[c]
        slope = ((tail[c + SECOND] + head[c + SECOND]) - middle * total) * per_square
        if kind == SLOPE:
            value = slope
        elif kind == RSQUARE:
            square = (tail[c + THIRD] + head[c + THIRD]) - total * total * share
            value = slope * slope * time_square / (0.0 if square < 0.0 else square)
            value = 1.0 if 1.0 < value < np.inf else value
        else:
            value = (np.float64(x[c]) - pivot[c]) - total * share - slope * ((n - 1.0) / 2.0)
        out[c] = value + (value - value)
