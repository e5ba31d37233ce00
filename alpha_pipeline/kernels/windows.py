"""
Reductions over the last `window` bars: sums, products, extremes, and places of extremes.

Means and higher moments that need care with cancellation are in `moments`; order statistics in `ranking`.

Method: binary splitting. Level k holds the reduction of the last 2**k bars, each from two of the level below; a window
is the join of the levels of its binary digits. That is O(log window) additions a cell with no subtraction of a leaving
value: nothing drifts, a spike or a NaN touches exactly the windows that hold it, rounding grows with log(window), and
the order of additions depends on the window alone, so any slice of history gives the same bits.
"""

import numba
import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel

TILE = 64  # columns worked on together: the levels of one tile stay in the first-level cache

SUM, PRODUCT, MINIMUM, MAXIMUM = 0, 1, 2, 3


@numba.njit(error_model="numpy")
def _join(kind, a, b, target):  # type: ignore[no-untyped-def]  # numba infers these
    if kind == SUM:
        for c in range(target.size):
            target[c] = a[c] + b[c]
    elif kind == PRODUCT:
        for c in range(target.size):
            target[c] = a[c] * b[c]
    elif kind == MINIMUM:
        for c in range(target.size):
            target[c] = a[c] if (a[c] < b[c]) | (a[c] != a[c]) else b[c]
    else:
        for c in range(target.size):
            target[c] = a[c] if (a[c] > b[c]) | (a[c] != a[c]) else b[c]


@kernel(IN, INT, INT, FLOAT, OUT)
def reduce(x, window, kind, divisor, out):  # type: ignore[no-untyped-def]
    """Sum (divided by `divisor`), product, minimum or maximum of the last `window` values."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    # Level k lives in the rows [2**(k+1), 2**(k+2)) of the ring, indexed by the bar modulo 2**(k+1).
    ring = np.empty((4 << top, TILE))
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            ring[2 + (t & 1), :width] = x[t, left : left + width]
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                below, mask = 1 << k, (1 << k) - 1
                newer, older = below + (t & mask), below + ((t - (1 << (k - 1))) & mask)
                row = (2 << k) + (t & ((2 << k) - 1))
                _join(kind, ring[newer, :width], ring[older, :width], ring[row, :width])
            target = out[t, left : left + width]
            if t < window - 1:
                target[:] = np.nan
                continue
            base, mask = 2 << top, (2 << top) - 1
            if kind >= MINIMUM:
                # Overlap does no harm to extremes: two windows of the largest power of two cover the whole.
                older = base + ((t - (window - (1 << top))) & mask)
                _join(kind, ring[base + (t & mask), :width], ring[older, :width], target)
                continue
            size = 0
            for k in range(top + 1):
                if window & (1 << k):
                    chunk = ring[(2 << k) + ((t - size) & ((2 << k) - 1)), :width]
                    if size == 0:
                        target[:] = chunk
                    else:
                        _join(kind, target, chunk, target)
                    size += 1 << k
            for c in range(width):
                value = target[c] / divisor
                target[c] = value + (value - value)


@kernel(IN, INT, INT, OUT)
def place(x, window, kind, out):  # type: ignore[no-untyped-def]
    """Place of the minimum or maximum in the window, 1 (oldest) to `window` (now); the oldest of equals."""
    bars, symbols = x.shape
    best = np.empty(TILE)
    sign = 1.0 if kind == MAXIMUM else -1.0
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            if t < window - 1:
                out[t, left : left + width] = np.nan
                continue
            for c in range(width):
                best[c] = sign * x[t - window + 1, left + c]
                out[t, left + c] = 1.0 + (best[c] - best[c])
            for place in range(1, window):
                row = t - window + 1 + place
                for c in range(width):
                    value = sign * x[row, left + c]
                    better = value > best[c]
                    known = out[t, left + c] + (value - value)
                    out[t, left + c] = place + 1.0 + (known - known) if better else known
                    best[c] = value if better else best[c]
