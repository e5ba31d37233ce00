"""
Cell by cell: arithmetic, comparisons, choices and shifts in time.

numpy does the arithmetic, a block at a time so that the clean-up of infinities finds its data in the cache. Logarithms,
exponentials and powers come from the C library instead: numpy's own differ in the last digit between processors.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.typing import Array

GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL = 0, 1, 2, 3
LOG, LOG1P, EXP, TANH, SIGMOID = 0, 1, 2, 3, 4

BLOCK = 32_768  # cells; 256 kB per operand stays in a second-level cache


def apply(function: Callable[..., Any], *operands: Array | float, out: Array) -> None:
    """Apply a numpy ufunc cell by cell; operands are matrices like `out` or numbers. Infinite results become NaN."""
    with np.errstate(all="ignore"):
        for block, cells in _blocks(out, *operands):
            function(*cells, out=block)
            # x - x is 0 for finite x and NaN for infinite x: one pass without a branch.
            block += block - block


def compare(kind: int, x: Array | float, y: Array | float, out: Array) -> None:
    """1.0 where the comparison holds, 0.0 where not, NaN where an operand is NaN."""
    _compare(kind, _rows(x, out), _rows(y, out), out)


def choose(condition: Array, x: Array | float, y: Array | float, out: Array) -> None:
    """X where the condition is non-zero, y where it is zero, NaN where it is NaN."""
    _choose(condition, _rows(x, out), _rows(y, out), out)


@kernel(INT, IN, IN, OUT)
def _compare(kind, x, y, out):  # type: ignore[no-untyped-def]  # numba infers these
    for t in range(out.shape[0]):
        a, b, target = x[min(t, x.shape[0] - 1)], y[min(t, y.shape[0] - 1)], out[t]
        if kind == GREATER:
            for c in range(target.size):
                target[c] = (1.0 if a[c] > b[c] else 0.0) + (a[c] - a[c]) + (b[c] - b[c])
        elif kind == GREATER_EQUAL:
            for c in range(target.size):
                target[c] = (1.0 if a[c] >= b[c] else 0.0) + (a[c] - a[c]) + (b[c] - b[c])
        elif kind == EQUAL:
            for c in range(target.size):
                target[c] = (1.0 if a[c] == b[c] else 0.0) + (a[c] - a[c]) + (b[c] - b[c])
        else:
            for c in range(target.size):
                target[c] = (0.0 if a[c] == b[c] else 1.0) + (a[c] - a[c]) + (b[c] - b[c])


@kernel(IN, IN, IN, OUT)
def _choose(condition, x, y, out):  # type: ignore[no-untyped-def]
    for t in range(out.shape[0]):
        flag, a, b, target = condition[t], x[min(t, x.shape[0] - 1)], y[min(t, y.shape[0] - 1)], out[t]
        for c in range(target.size):
            target[c] = (a[c] if flag[c] != 0.0 else b[c]) + (flag[c] - flag[c])


@kernel(INT, IN, OUT)
def transcendental(kind, x, out):  # type: ignore[no-untyped-def]
    """Logarithm, log(1 + x), exponential, hyperbolic tangent or logistic function; infinite results become NaN."""
    for t in range(out.shape[0]):
        for c in range(out.shape[1]):
            value = np.float64(x[t, c])
            if kind == LOG:
                value = np.log(value) if value > 0.0 else np.nan
            elif kind == LOG1P:
                value = np.log1p(value) if value > -1.0 else np.nan
            elif kind == EXP:
                value = np.exp(value)
            elif kind == TANH:
                value = np.tanh(value)
            else:
                value = 1.0 / (1.0 + np.exp(-value))
            out[t, c] = value + (value - value)


def power(x: Array | float, y: Array | float, signed: bool, out: Array) -> None:
    """x^y, or sign(x) `|x|`^y where `signed`; infinite results become NaN."""
    _power(int(signed), _rows(x, out), _rows(y, out), out)


@kernel(INT, IN, IN, OUT)
def _power(signed, x, y, out):  # type: ignore[no-untyped-def]
    for t in range(out.shape[0]):
        a, b = x[min(t, x.shape[0] - 1)], y[min(t, y.shape[0] - 1)]
        for c in range(out.shape[1]):
            base = np.float64(a[c])
            value = (abs(base) if signed else base) ** np.float64(b[c])
            value = value * np.sign(base) if signed else value
            out[t, c] = value + (value - value)


def _rows(x: Array | float, out: Array) -> Array:
    """A matrix as it is; a number as one row that stands for all."""
    return x if isinstance(x, np.ndarray) else np.full((1, out.shape[1]), x, out.dtype)


def _blocks(out: Array, *operands: Array | float) -> Iterator[tuple[Array, list[Any]]]:
    flat = [x.reshape(-1) if isinstance(x, np.ndarray) else x for x in operands]
    target = out.reshape(-1)
    for start in range(0, target.size, BLOCK):
        stop = start + BLOCK
        yield target[start:stop], [x[start:stop] if isinstance(x, np.ndarray) else x for x in flat]


@kernel(IN, INT, OUT)
def delay(x, lag, out):  # type: ignore[no-untyped-def]
    """The value `lag` bars ago."""
    out[:lag] = np.nan
    for t in range(lag, out.shape[0]):
        out[t] = x[t - lag]


@kernel(IN, INT, INT, OUT)
def change(x, lag, kind, out):  # type: ignore[no-untyped-def]
    """Against the value `lag` bars ago: kind 0 difference, 1 ratio minus one, 2 difference of logarithms."""
    out[:lag] = np.nan
    for t in range(lag, out.shape[0]):
        for c in range(out.shape[1]):
            now, then = np.float64(x[t, c]), np.float64(x[t - lag, c])
            if kind == 0:
                value = now - then
            elif kind == 1:
                value = now / then - 1.0
            else:
                value = np.log(now / then) if now > 0.0 and then > 0.0 else np.nan
            out[t, c] = value + (value - value)


def missing(x: Array, out: Array) -> None:
    """1.0 where x is NaN, else 0.0."""
    np.copyto(out, np.isnan(x))


@kernel(IN, FLOAT, OUT)
def fill(x, value, out):  # type: ignore[no-untyped-def]
    """`value` where x is NaN."""
    for t in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[t, c] = value if np.isnan(x[t, c]) else x[t, c]
