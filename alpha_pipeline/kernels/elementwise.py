"""
Cell by cell: arithmetic, comparisons, choices and shifts in time.

numpy does the arithmetic, a block at a time so that the clean-up of infinities finds its data in the cache.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.panel import Array

BLOCK = 32_768  # cells; 256 kB per operand stays in a second-level cache


def apply(function: Callable[..., Any], *operands: Array | float, out: Array) -> None:
    """Apply a numpy ufunc cell by cell; operands are matrices like `out` or numbers. Infinite results become NaN."""
    with np.errstate(all="ignore"):
        for block, cells in _blocks(out, *operands):
            function(*cells, out=block)
            # x - x is 0 for finite x and NaN for infinite x: one pass without a branch.
            block += block - block


def compare(function: Callable[..., Any], x: Array | float, y: Array | float, out: Array) -> None:
    """1.0 where the comparison holds, 0.0 where not, NaN where an operand is NaN."""
    for block, (left, right) in _blocks(out, x, y):
        np.copyto(block, function(left, right))
        for operand in (left, right):
            if isinstance(operand, np.ndarray):
                block += operand - operand


def choose(condition: Array, x: Array | float, y: Array | float, out: Array) -> None:
    """X where the condition is non-zero, y where it is zero, NaN where it is NaN."""
    for block, (flag, left, right) in _blocks(out, condition, x, y):
        np.copyto(block, right)
        np.copyto(block, left, where=flag != 0.0)
        block += flag - flag


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
            now, then = x[t, c], x[t - lag, c]
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
