"""
Set-up step: compile every kernel into the cache.

Run as `python -m alpha_pipeline.kernels`; a second run only loads and takes about a second.
"""

import sys
import time

from alpha_pipeline.kernels import cross_section, elementwise, moments, partial, portfolio, ranking, recursive, windows
from alpha_pipeline.kernels.compiled import compile_all

MODULES = (cross_section, elementwise, moments, partial, portfolio, ranking, recursive, windows)


def main() -> None:
    """Compile all and say how long it took."""
    started = time.perf_counter()
    count = compile_all()
    sys.stdout.write(f"{count} kernels of {len(MODULES)} modules ready in {time.perf_counter() - started:.1f} s\n")


if __name__ == "__main__":
    main()
