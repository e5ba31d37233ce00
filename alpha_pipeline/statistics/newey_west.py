"""The mean of a series whose neighbours overlap, with a standard error that knows it."""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class MeanTest:
    """Mean, its standard error, t and the number of observations; NaN below three observations or without spread."""

    mean: float
    standard_error: float
    t_stat: float
    observations: int


def mean_test(x: Array, lags: int) -> MeanTest:
    """
    Test that the mean of a series is zero.

    Args:
        x: (n,), any unit; NaN are left out.
        lags: autocovariances counted, Bartlett weights; at least the overlap of labels minus one.

    Returns:
        Mean with the heteroskedasticity and autocorrelation consistent standard error, divisor n.

    Source: Newey and West (1987).
    """
    x = x[np.isfinite(x)]
    n = len(x)
    if n < 3:
        return MeanTest(float(np.mean(x)) if n else np.nan, np.nan, np.nan, n)
    d = x - x.mean()
    variance = float(np.sum(d * d))  # not a BLAS product: its order of addition depends on the processor
    for lag in range(1, min(lags, n - 1) + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(np.sum(d[lag:] * d[:-lag]))
    error = np.sqrt(max(variance, 0.0)) / n
    t = float(x.mean() / error) if error > 1e-15 * max(1.0, abs(float(x.mean()))) else np.nan
    return MeanTest(float(x.mean()), float(error), t, n)


def overlap_lags(horizon_bars: int) -> int:
    """
    Lags for a mean of values whose labels span `horizon_bars`.

    Twice the overlap: Bartlett weights halve what the labels share. Spread of t for a persistent worthless factor with
    labels of 24 bars, which should be 1 (400 runs, 1,475 bars): 1.20 with 24 lags, 1.12 with 48, 1.13 with 96.
    """
    return 2 * horizon_bars - 1
