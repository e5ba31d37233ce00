"""Numbers do not depend on the processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alpha_pipeline.kernels import portable
from alpha_pipeline.kernels.row_loops import row_sum

ROOT = Path(__file__).parents[2]
# Each a compiler target, the instruction sets numpy may not use, and the kernels of BLAS.
AVX2 = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
}
AVX512 = {"NUMBA_CPU_NAME": "skylake-avx512", "NUMBA_CPU_FEATURES": ""}
SSE2 = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}


def _measures(cache: Path, target: dict[str, str]) -> dict[str, dict[str, str]]:
    unset = ("NUMBA_", "NPY_", "OPENBLAS_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(unset)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.helpers.measure_digest"],
        cwd=ROOT,
        env={**environment, **target, "NUMBA_CACHE_DIR": str(cache)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_measures_are_the_same_for_two_processors(tmp_path: Path) -> None:
    """Values and measures compiled for AVX2 and for this machine's widest registers are equal to the last bit."""
    wide = AVX512 if "avx512f" in Path("/proc/cpuinfo").read_text() else SSE2
    assert _measures(tmp_path / "wide", wide) == _measures(tmp_path / "avx2", AVX2)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 500])
def test_a_row_is_summed_in_eight_lanes(size: int) -> None:
    """The sum is that of eight interleaved partial sums folded in pairs, the rest in the first lane."""
    row = np.random.default_rng(size).normal(0, 1, size)
    lanes = [0.0] * 8
    for i, value in enumerate(row):
        lane = i % 8 if i < size - size % 8 else 0
        lanes[lane] += value
    a, b, c, d, e, f, g, h = lanes
    assert row_sum(row) == ((a + e) + (c + g)) + ((b + f) + (d + h))


@pytest.mark.parametrize("name", ["log", "exp", "tanh"])
def test_portable_functions_are_those_of_numpy(name: str) -> None:
    """Of any shape, to the last digits; undefined or infinite results are NaN."""
    x = np.random.default_rng(0).normal(0, 2, (7, 5))
    expected = getattr(np, name)(np.where(x > 0, x, np.nan) if name == "log" else x)
    np.testing.assert_allclose(getattr(portable, name)(x), expected, rtol=1e-15)


def test_portable_products_are_those_of_numpy() -> None:
    """Matrix with matrix, matrix with vector."""
    x, y = np.random.default_rng(0).normal(0, 1, (2, 6, 6))
    np.testing.assert_allclose(portable.product(x, y), x @ y, rtol=1e-13)
    np.testing.assert_allclose(portable.product(x, y[0]), x @ y[0], rtol=1e-13)
