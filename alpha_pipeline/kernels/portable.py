"""
Products and transcendental functions of arrays, with the same bits on every processor.

BLAS adds in an order that depends on the processor, and numpy's own logarithms differ in the last digit between them.
Numbers that are stored or shown go through these; for matrices of a factor see `elementwise`.
"""

import numpy as np

from alpha_pipeline.kernels import elementwise
from alpha_pipeline.typing import Array, Numbers


def product(x: Numbers, y: Numbers) -> Array:
    """Matrix product of (n, k) with (k, m) or (k,)."""
    result: Array = np.einsum("ij,jk->ik" if y.ndim == 2 else "ij,j->i", x, y)
    return result


def log(x: Array) -> Array:
    """Natural logarithm of any shape; NaN where x <= 0."""
    return _apply(elementwise.LOG, x)


def exp(x: Array) -> Array:
    """Exponential of any shape; NaN where it overflows."""
    return _apply(elementwise.EXP, x)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent of any shape."""
    return _apply(elementwise.TANH, x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) of any shape."""
    return _apply(elementwise.SIGMOID, x)


def _apply(kind: int, x: Array) -> Array:
    rows = np.ascontiguousarray(x, dtype=float).reshape(1, -1)
    out = np.empty_like(rows)
    elementwise.transcendental(kind, rows, out)
    return out.reshape(np.shape(x))
