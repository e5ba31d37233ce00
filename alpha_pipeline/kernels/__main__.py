"""
Set-up step: compile every kernel into the cache, on all cores.

Run as `python -m alpha_pipeline.kernels`; a second run only loads and takes about a second.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from alpha_pipeline.kernels import MODULES
from alpha_pipeline.kernels.compiled import compile_all


def main() -> None:
    """Compile all and say how long it took."""
    started = time.perf_counter()
    workers = min(4, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        count = sum(pool.map(compile_all, range(workers), [workers] * workers))
    sys.stdout.write(f"{count} kernels of {len(MODULES)} modules ready in {time.perf_counter() - started:.1f} s\n")


if __name__ == "__main__":
    main()
