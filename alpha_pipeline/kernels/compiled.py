"""
Compilation of kernels: one explicit signature each, cached on disk, loaded at first use.

`python -m alpha_pipeline.kernels` compiles all of them once; afterwards nothing is compiled at run time.
"""

import threading
from collections.abc import Callable
from typing import Any

import numba
from numba import types

IN = types.Array(types.float64, 2, "C", readonly=True)
OUT = types.Array(types.float64, 2, "C")
IN_BITS = types.Array(types.int64, 2, "C", readonly=True)
OUT_BITS = types.Array(types.int64, 2, "C")
INT = types.int64
FLOAT = types.float64

_lock = threading.Lock()
_registered: list[Callable[..., Any]] = []


def kernel(*arguments: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Declare a compiled loop that fills an output array.

    Args:
        arguments: numba types of the parameters, in order; inputs are read-only, the last array is written.

    Returns:
        A decorator; the function it gives loads the compiled code from the cache at its first call (compiling it when
        the cache is cold), releases the interpreter lock while it runs and never compiles again.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        compiled: list[Any] = []

        def call(*values: Any) -> None:
            if not compiled:
                load()
            compiled[0](*values)

        def load() -> None:
            with _lock:
                if not compiled:
                    signature = types.void(*arguments)
                    # error_model: a division by zero gives inf or NaN, handled by the kernels, never an exception.
                    compiled.append(numba.njit(signature, cache=True, nogil=True, error_model="numpy")(function))

        call.__name__, call.__doc__ = function.__name__, function.__doc__
        _registered.append(load)
        return call

    return declare


def compile_all() -> int:
    """Compile, or load from the cache, every kernel declared so far; returns how many there are."""
    for load in _registered:
        load()
    return len(_registered)
