"""
Probabilistic and deflated Sharpe ratios: the chance that a found Sharpe ratio is real.

All ratios here are per bar, never annualised; kurtosis is raw (normal = 3).
"""

from statistics import NormalDist

import numpy as np

from alpha_pipeline.typing import Array

EULER = 0.5772156649015329
NORMAL = NormalDist()


def sharpe_moments(returns: Array) -> tuple[float, float, float, int]:
    """
    Sharpe ratio per bar, skewness, raw kurtosis and bars of a return series.

    Args:
        returns: (n,), fraction per bar; NaN are left out.

    Returns:
        NaN for the first three below two observations or without spread.
    """
    x = returns[np.isfinite(returns)]
    if len(x) < 2 or np.ptp(x) == 0:
        return np.nan, np.nan, np.nan, len(x)
    d = x - x.mean()
    spread = float(np.sqrt(np.mean(d**2)))
    return (
        float(x.mean() / x.std(ddof=1)),
        float(np.mean(d * d * d) / spread**3),
        float(np.mean(d * d * d * d) / spread**4),
        len(x),
    )


def probabilistic_sharpe(sharpe: float, bars: int, skewness: float, kurtosis: float, benchmark: float = 0.0) -> float:
    """
    Probability that the true Sharpe ratio exceeds a benchmark.

    Args:
        sharpe: observed, per bar.
        bars: observations behind it.
        skewness: of the returns.
        kurtosis: of the returns, raw.
        benchmark: Sharpe ratio to beat, per bar.

    Returns:
        A probability; NaN when an argument is NaN or the error is not defined.

    Source: Bailey and Lopez de Prado (2012).
    """
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not np.isfinite(variance) or variance <= 0 or bars < 2:
        return np.nan
    return NORMAL.cdf((sharpe - benchmark) * np.sqrt(bars - 1) / np.sqrt(variance))


def sharpe_error(sharpe: float, bars: int, skewness: float, kurtosis: float) -> float:
    """
    Standard error of a Sharpe ratio.

    Args:
        sharpe: observed, per bar.
        bars: observations behind it.
        skewness: of the returns.
        kurtosis: of the returns, raw.

    Returns:
        Per bar; times the root of the bars of a year for the annualised ratio. NaN when an argument is NaN or the error
        is not defined.

    Source: Mertens (2002); Bailey and Lopez de Prado (2012).
    """
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    return float(np.sqrt(variance / (bars - 1))) if bars > 1 and variance > 0 else np.nan


def expected_maximum(trials: float) -> float:
    """Expected maximum of `trials` independent standard normals; 0 for one trial."""
    if trials <= 1:
        return 0.0
    return (1 - EULER) * NORMAL.inv_cdf(1 - 1 / trials) + EULER * NORMAL.inv_cdf(1 - 1 / (trials * np.e))


def deflated_sharpe(
    sharpe: float, bars: int, skewness: float, kurtosis: float, trials: float, trial_variance: float
) -> float:
    """
    Probability that the true Sharpe ratio exceeds what the best of `trials` worthless ones shows by chance.

    Args:
        sharpe: observed, per bar.
        bars: observations behind it.
        skewness: of the returns.
        kurtosis: of the returns, raw.
        trials: effective number of independent factors that were tried.
        trial_variance: variance of the Sharpe ratios of worthless factors, per bar: `null_variance`. The spread of the
            ratios that were measured is no substitute: most of it is costs, which differ by factor, and not luck.

    Source: Bailey and Lopez de Prado (2014).
    """
    benchmark = np.sqrt(trial_variance) * expected_maximum(trials)
    return probabilistic_sharpe(sharpe, bars, skewness, kurtosis, benchmark)


def null_variance(bars: int) -> float:
    """
    Variance of the Sharpe ratio per bar of independent returns without a mean; NaN below two bars.

    Source: Lo (2002), for a true ratio of 0.
    """
    return 1 / (bars - 1) if bars > 1 else np.nan


def minimum_track_record(
    sharpe: float, skewness: float, kurtosis: float, benchmark: float = 0.0, belief: float = 0.95
) -> float:
    """
    Bars needed before a Sharpe ratio per bar is believed to exceed `benchmark`; NaN when it does not exceed it.

    Source: Bailey and Lopez de Prado (2012).
    """
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not sharpe > benchmark or not variance > 0:
        return np.nan
    return 1 + variance * (NORMAL.inv_cdf(belief) / (sharpe - benchmark)) ** 2
