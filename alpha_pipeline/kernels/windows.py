"""
Reductions over the last `window` bars: sums, products, extremes, and places of extremes.

Means and higher moments that need care with cancellation are in `moments`; order statistics in `ranking`.

Method: binary splitting. Level k holds the reduction of the last 2**k bars, each from two of the level below; a window
is the join of the levels of its binary digits. That is O(log window) additions a cell with no subtraction of a leaving
value: nothing drifts, a spike or a NaN touches exactly the windows that hold it, rounding grows with log(window), and
the order of additions depends on the window alone, so any slice of history gives the same bits.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.kernels.rows import add, blank, copy, divide, larger, multiply, smaller, step

TILE = 512  # columns worked on together: the levels of one tile stay in the second-level cache

SUM, PRODUCT, MINIMUM, MAXIMUM = 0, 1, 2, 3


@step
def _join(kind, a, b, target):  # type: ignore[no-untyped-def]  # numba infers these
    if kind == SUM:
        add(a, b, target)
    elif kind == PRODUCT:
        multiply(a, b, target)
    elif kind == MINIMUM:
        smaller(a, b, target)
    else:
        larger(a, b, target)


@kernel(IN, INT, INT, FLOAT, OUT)
def reduce(x, window, kind, divisor, out):  # type: ignore[no-untyped-def]
    """Sum (divided by `divisor`), product, minimum or maximum of the last `window` values."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    # Level k lives in the rows [2**(k+1), 2**(k+2)) of the ring, indexed by the bar modulo 2**(k+1).
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        ring, joined, spare = np.empty((4 << top, width)), np.empty(width), np.empty(width)
        for t in range(bars):
            copy(x[t, left : left + width], ring[2 + (t & 1)])
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                below, mask = 1 << k, (1 << k) - 1
                newer, older = below + (t & mask), below + ((t - (1 << (k - 1))) & mask)
                row = (2 << k) + (t & ((2 << k) - 1))
                _join(kind, ring[newer], ring[older], ring[row])
            target = out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            base, mask = 2 << top, (2 << top) - 1
            if kind >= MINIMUM:
                # Overlap does no harm to extremes: two windows of the largest power of two cover the whole.
                older = base + ((t - (window - (1 << top))) & mask)
                _join(kind, ring[base + (t & mask)], ring[older], target)
                continue
            size = 0
            for k in range(top + 1):
                if window & (1 << k):
                    chunk = ring[(2 << k) + ((t - size) & ((2 << k) - 1))]
                    if size == 0:
                        copy(chunk, joined)
                    else:
                        _join(kind, joined, chunk, spare)
                        joined, spare = spare, joined
                    size += 1 << k
            divide(joined, divisor, target)


@kernel(IN, INT, INT, OUT)
def place(x, window, kind, out):  # type: ignore[no-untyped-def]
    """Place of the minimum or maximum in the window, 1 (oldest) to `window` (now); the oldest of equals."""
    bars, symbols = x.shape
    sign = 1.0 if kind == MAXIMUM else -1.0
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        best, where, known = np.empty(width), np.empty(width), np.empty(width)
        for t in range(bars):
            target = out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            for c in range(width):
                best[c] = -np.inf
                where[c] = 0.0
                known[c] = 0.0
            for age in range(window - 1, -1, -1):
                _compete(x[t - age, left : left + width], sign, float(window - age), best, where, known)
            add(where, known, target)


@step
def _compete(row, sign, place, best, where, known):  # type: ignore[no-untyped-def]
    for c in range(best.size):
        value = sign * row[c]
        better = value > best[c]
        where[c] = place if better else where[c]
        best[c] = value if better else best[c]
        known[c] += value - value
