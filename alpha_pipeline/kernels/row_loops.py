"""
What the windowed kernels share: where blocks begin, and loops over one row.

A row loop reads and writes few arrays, so that the compiler's alias checks stay below its limit and it becomes SIMD.
"""

import numba
import numpy as np

step = numba.njit(error_model="numpy")


@step
def first_block(origin, window):  # type: ignore[no-untyped-def]  # numba infers these
    """First row whose bar number is a multiple of `window`, when row 0 is bar `origin`."""
    return (window - origin % window) % window


@step
def blank(rows):  # type: ignore[no-untyped-def]
    """NaN in every cell."""
    for t in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            rows[t, c] = np.nan


@step
def zero_where_present(x, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = x[c] - x[c]


@step
def row_sum(row):  # type: ignore[no-untyped-def]
    """
    Sum of one row in a fixed order, so that every processor gives the same bits.

    Eight lanes are summed side by side, then folded in pairs. The lanes are written out: left to the compiler, their
    number follows the width of the processor's registers, and the last digit with it.
    """
    a = b = c = d = e = f = g = h = 0.0
    in_lanes = row.size - row.size % 8
    for i in range(0, in_lanes, 8):
        a += row[i]
        b += row[i + 1]
        c += row[i + 2]
        d += row[i + 3]
        e += row[i + 4]
        f += row[i + 5]
        g += row[i + 6]
        h += row[i + 7]
    for i in range(in_lanes, row.size):
        a += row[i]
    return ((a + e) + (c + g)) + ((b + f) + (d + h))
