"""
Loops over one row of a tile: the steps the windowed kernels are made of.

Each writes one row from few others, so that the compiler's alias checks stay below its limit and the loop becomes SIMD.
"""

import numba
import numpy as np

step = numba.njit(error_model="numpy")


@step
def copy(source, target):  # type: ignore[no-untyped-def]  # numba infers these
    for c in range(target.size):
        target[c] = source[c]


@step
def blank(target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = np.nan


@step
def zero_where_present(x, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = x[c] - x[c]


@step
def add(a, b, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = a[c] + b[c]


@step
def multiply(a, b, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = a[c] * b[c]


@step
def smaller(a, b, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = a[c] if (a[c] < b[c]) | (a[c] != a[c]) else b[c]


@step
def larger(a, b, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        target[c] = a[c] if (a[c] > b[c]) | (a[c] != a[c]) else b[c]


@step
def divide(a, divisor, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        value = a[c] / divisor
        target[c] = value + (value - value)


@step
def rebase(total, count, then, now, target):  # type: ignore[no-untyped-def]
    """Sum of `count` values relative to `then`, made relative to `now`."""
    for c in range(target.size):
        target[c] = total[c] + count * (then[c] - now[c])


@step
def join_squares(a, b, u, v, p, q, weight, target):  # type: ignore[no-untyped-def]
    """Sums of squares about the means of two stretches, joined: a + b + weight * (u * p - v * q)**2."""
    for c in range(target.size):
        gap = u[c] * p - v[c] * q
        target[c] = a[c] + b[c] + gap * gap * weight


@step
def join_products(a, b, u, v, w, z, p, q, weight, target):  # type: ignore[no-untyped-def]
    """Sums of products about the means of two stretches, joined; u, v belong to x and w, z to y."""
    for c in range(target.size):
        target[c] = a[c] + b[c] + (u[c] * p - v[c] * q) * (w[c] * p - z[c] * q) * weight


@step
def join_ages(a, b, total, size, then, now, ages, target):  # type: ignore[no-untyped-def]
    """Age-weighted sums joined, when the older stretch begins `size` bars back."""
    for c in range(target.size):
        target[c] = a[c] + (b[c] + size * total[c] + ages * (then[c] - now[c]))
