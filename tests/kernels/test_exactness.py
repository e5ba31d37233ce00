"""Windowed kernels against exact rational arithmetic, where running sums return garbage."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.kernels import moments
from alpha_pipeline.kernels import present_values as partial
from alpha_pipeline.kernels import window_loops as windows
from alpha_pipeline.typing import Array

WINDOW = 20


def _series(kind: str) -> Array:
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, 120)
    if kind == "spike":
        x[30] = 1e12
    if kind == "level":
        x += 1e8
    if kind == "flat":
        x[40:90] = 0.1
    return np.column_stack([x, rng.normal(0, 1, 120) + (1e8 if kind == "level" else 0.0)])


def _exact(x: Array, y: Array) -> tuple[float, float, float]:
    """Mean of x, its sample deviation, and the covariance with y; rounded once at the end."""
    a, b = [Fraction(v) for v in x], [Fraction(v) for v in y]
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    variance = sum((v - mean_a) ** 2 for v in a) / (n - 1)
    covariance = sum((v - mean_a) * (w - mean_b) for v, w in zip(a, b, strict=True)) / (n - 1)
    return float(mean_a), float(np.sqrt(float(variance))), float(covariance)


@pytest.mark.parametrize("kind", ["spike", "level", "flat"])
def test_moments_are_exact(kind: str) -> None:
    """Mean, deviation and covariance are right to 1e-9 after a spike, at a high level and on flat stretches."""
    x = _series(kind)
    y = np.ascontiguousarray(x[:, ::-1])
    mean, deviation, covariance = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    windows.reduce(x, WINDOW, 3, windows.SUM, float(WINDOW), mean)
    moments.spread(x, WINDOW, 3, moments.DEVIATION, deviation)
    moments.pair(x, y, WINDOW, 3, moments.COVARIANCE, covariance)
    for t in range(WINDOW - 1, len(x)):
        rows = slice(t - WINDOW + 1, t + 1)
        expected = _exact(x[rows, 0], x[rows, 1])
        scale = np.abs(x[rows, 0]).max()
        assert abs(mean[t, 0] - expected[0]) <= 1e-12 * scale
        assert abs(deviation[t, 0] - expected[1]) <= 1e-12 * max(expected[1], 1e-30)
        assert abs(covariance[t, 0] - expected[2]) <= 1e-11 * expected[1] * max(deviation[t, 1], 1e-30)


def test_flat_windows_have_no_variance() -> None:
    """Equal values give a deviation of exactly zero, also right after large ones."""
    x = np.concatenate([np.full((10, 1), 1e9), np.full((60, 1), 0.1)])
    out = np.empty_like(x)
    moments.spread(x, WINDOW, 3, moments.DEVIATION, out)
    assert (out[10 + WINDOW - 1 :] == 0.0).all()


@pytest.mark.parametrize("window", [1, 2, 3, 4, 7, 8, 20, 63, 64, 65, 250])
@pytest.mark.parametrize("symbols", [1, 33, 130])
@pytest.mark.parametrize("origin", [0, 5, 1_000_003])
def test_all_windows_and_widths(window: int, symbols: int, origin: int) -> None:
    """Every window, wherever its blocks begin, and every tile of columns gives what a plain loop gives."""
    x = np.random.default_rng(window).normal(0, 1, (300, symbols))
    total, low, deviation = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    windows.reduce(x, window, origin, windows.SUM, 1.0, total)
    windows.reduce(x, window, origin, windows.MINIMUM, 1.0, low)
    stacked = np.lib.stride_tricks.sliding_window_view(x, window, axis=0)
    np.testing.assert_allclose(total[window - 1 :], stacked.sum(axis=-1), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(low[window - 1 :], stacked.min(axis=-1))
    assert np.isnan(total[: window - 1]).all()
    if window > 1:
        moments.spread(x, window, origin, moments.DEVIATION, deviation)
        np.testing.assert_allclose(deviation[window - 1 :], stacked.std(axis=-1, ddof=1), rtol=1e-12)


@pytest.mark.parametrize("window", [1, 2, 7, 20, 65])
@pytest.mark.parametrize("origin", [0, 5, 1_000_003])
@pytest.mark.parametrize("symbols", [1, 130])
def test_windows_with_gaps(window: int, origin: int, symbols: int) -> None:
    """Reductions of the values present are those of pandas, wherever blocks begin, over short and long gaps."""
    rng = np.random.default_rng(window)
    x = rng.normal(0, 1, (200, symbols)) + 1e6
    x[rng.random(x.shape) < 0.3] = np.nan
    x[60:140, 0] = np.nan
    least = min(3, window)
    rolling = pd.DataFrame(x - 1e6).rolling(window, min_periods=least)
    expected = {
        partial.MEAN: rolling.mean() + 1e6,
        partial.MINIMUM: rolling.min() + 1e6,
        partial.DEVIATION: rolling.std(),
        partial.COUNT: rolling.count().where(rolling.count() >= least),
    }
    for kind, values in expected.items():
        out = np.empty_like(x)
        partial.reduce_present(x, window, least, origin, kind, out)
        np.testing.assert_allclose(out, values, rtol=1e-8, atol=1e-9, err_msg=str(kind))
    out = np.empty_like(x)
    partial.latest_present(x, window, out)
    np.testing.assert_array_equal(out, pd.DataFrame(x).ffill(limit=window - 1) if window > 1 else x)
