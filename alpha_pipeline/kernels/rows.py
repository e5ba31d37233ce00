"""
What the windowed kernels share: where blocks begin, and loops over one row.

A row loop reads and writes few arrays, so that the compiler's alias checks stay below its limit and it becomes SIMD.
"""

import numba
import numpy as np

step = numba.njit(error_model="numpy")
# Sums in any order become SIMD as well. Not for windows: they promise the same bits wherever a matrix starts.
sums = numba.njit(error_model="numpy", fastmath={"reassoc"})


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
