"""
Compilation of kernels: explicit signatures, cached on disk, loaded at first use.

`python -m alpha_pipeline.kernels` compiles all of them once; afterwards nothing is compiled at run time.
"""

import threading
from collections.abc import Callable
from typing import Any

import numba
from numba import types

IN = types.Array(types.float64, 2, "C", readonly=True)
OUT = types.Array(types.float64, 2, "C")
IN_KEYS = types.Array(types.int32, 2, "C", readonly=True)
IN_SMALL = types.Array(types.int16, 2, "C", readonly=True)
FLAGS = types.Array(types.boolean, 2, "C", readonly=True)
OUT_SMALL = types.Array(types.int16, 2, "C")
OUT_FLAGS = types.Array(types.boolean, 2, "C")
OUT_KEYS = types.Array(types.int32, 2, "C")
INT = types.int64
FLOAT = types.float64

_lock = threading.Lock()
_registered: list[Callable[[], None]] = []


def kernel(*arguments: Any, narrow: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Declare a compiled loop over matrices of float64, or of float32 with the arithmetic still in float64.

    Args:
        arguments: numba types of the parameters, in order; inputs are read-only, the last array is written.
        narrow: also compile the float32 version; the matrices of one call share their type.

    Returns:
        A decorator; the function it gives loads the compiled code from the cache at its first call (compiling it when
        the cache is cold), releases the interpreter lock while it runs and never compiles again.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        compiled: dict[str, Any] = {}
        reals = {"d": types.float64, "f": types.float32} if narrow else {"d": types.float64}

        def call(*values: Any) -> None:
            real = next(v.dtype.char for v in values if hasattr(v, "dtype") and v.dtype.kind == "f" and v.ndim)
            if real not in compiled:
                load(real)
            compiled[real](*values)

        def load(real: str) -> None:
            with _lock:
                if real not in compiled:
                    signature = types.void(*(_typed(argument, reals[real]) for argument in arguments))
                    # error_model: a division by zero gives inf or NaN, handled by the kernels, never an exception.
                    compiled[real] = numba.njit(signature, cache=True, nogil=True, error_model="numpy")(function)

        call.__name__, call.__doc__ = function.__name__, function.__doc__
        for real in reals:
            _registered.append(lambda real=real: load(real))  # type: ignore[misc]  # a default binds the loop's value
        return call

    return declare


def compile_all(part: int = 0, parts: int = 1) -> int:
    """Compile, or load from the cache, each `parts`-th of the kernels declared so far; how many that were."""
    mine = _registered[part::parts]
    for load in mine:
        load()
    return len(mine)


def _typed(argument: Any, real: Any) -> Any:
    if isinstance(argument, types.Array) and argument.dtype is types.float64:
        return argument.copy(dtype=real)
    return argument
