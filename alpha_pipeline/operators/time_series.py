"""
Operators along time: each symbol by itself, over the last bars including the current one.

A window needs all its values: too few bars, or one NaN among them, give NaN.
"""

import math

from alpha_pipeline.kernels import deviation, elementwise, moments, ranking, recursive
from alpha_pipeline.kernels import window_loops as windows
from alpha_pipeline.operators.registry import (
    Count,
    Flag,
    Fraction01,
    Lag,
    Series,
    Window,
    Window2,
    Window3,
    Window4,
    operator,
)
from alpha_pipeline.typing import Array


def before(window: int, *_: float) -> int:
    return window - 1


def _lag(lag: int, *_: float) -> int:
    return lag


def warm_up(alpha: float) -> int:
    """Bars after which the weight of everything older is below 1e-13."""
    return math.ceil(math.log(1e-13) / math.log1p(-alpha)) if alpha < 1.0 else 0


@operator(
    "same",
    "ts_mean(close, 20)",
    lookback=before,
    aliases=("mean", "ma", "sma", "avg", "average", "rolling_mean", "moving_average", "ts_avg", "ts_sma", "ts_ma"),
)
def ts_mean(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Mean of the last `window` values."""
    windows.reduce(x, window, origin, windows.SUM, float(window), out)


@operator("same", "ts_sum(volume, 20)", lookback=before, aliases=("sum", "rolling_sum"))
def ts_sum(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Sum of the last `window` values."""
    windows.reduce(x, window, origin, windows.SUM, 1.0, out)


@operator("count", "ts_count(close > open, 20)", lookback=before, aliases=("count", "countif", "rolling_count"))
def ts_count(condition: Flag, window: Window, *, origin: int, out: Array) -> None:
    """Number of the last `window` bars on which the condition held."""
    windows.reduce(condition, window, origin, windows.SUM, 1.0, out)


@operator(
    "ratio",
    "ts_product(1 + ts_return(close, 1), 5)",
    lookback=before,
    aliases=("product", "prod", "ts_prod", "rolling_product"),
)
def ts_product(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Product of the last `window` values; the result carries no unit."""
    windows.reduce(x, window, origin, windows.PRODUCT, 1.0, out)


@operator(
    "kept", "ts_min(low, 20)", lookback=before, aliases=("min", "rolling_min", "lowest", "llv", "tsmin", "lowest_low")
)
def ts_min(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Smallest of the last `window` values."""
    windows.reduce(x, window, origin, windows.MINIMUM, 1.0, out)


@operator(
    "kept",
    "ts_max(high, 20)",
    lookback=before,
    aliases=("max", "rolling_max", "highest", "hhv", "tsmax", "highest_high"),
)
def ts_max(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Largest of the last `window` values."""
    windows.reduce(x, window, origin, windows.MAXIMUM, 1.0, out)


@operator("count", "ts_argmin(low, 20)", lookback=before, aliases=("argmin", "ts_arg_min", "idxmin", "rolling_argmin"))
def ts_argmin(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Place of the smallest of the last `window` values: 1 is the oldest bar, `window` the current one."""
    windows.place(x, window, origin, windows.MINIMUM, out)


@operator("count", "ts_argmax(high, 20)", lookback=before, aliases=("argmax", "ts_arg_max", "idxmax", "rolling_argmax"))
def ts_argmax(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Place of the largest of the last `window` values: 1 is the oldest bar, `window` the current one."""
    windows.place(x, window, origin, windows.MAXIMUM, out)


@operator(
    "same",
    "ts_std(close, 20)",
    lookback=before,
    aliases=("std", "stddev", "stdev", "rolling_std", "ts_stddev", "ts_std_dev", "standard_deviation"),
)
def ts_std(x: Series, window: Window2, *, origin: int, out: Array) -> None:
    """Sample standard deviation of the last `window` values (divisor window - 1)."""
    moments.spread(x, window, origin, moments.DEVIATION, out)


@operator("square", "ts_var(close, 20)", lookback=before, aliases=("var", "variance", "rolling_var", "ts_variance"))
def ts_var(x: Series, window: Window2, *, origin: int, out: Array) -> None:
    """Sample variance of the last `window` values (divisor window - 1)."""
    moments.spread(x, window, origin, moments.VARIANCE, out)


@operator(
    "ratio",
    "ts_zscore(close, 20)",
    lookback=before,
    aliases=("zscore", "z_score", "rolling_zscore", "z", "normalize", "standardize"),
)
def ts_zscore(x: Series, window: Window2, *, origin: int, out: Array) -> None:
    """(x - mean) / standard deviation over the last `window` values; NaN where they are all equal."""
    moments.spread(x, window, origin, moments.ZSCORE, out)


@operator(
    "same",
    "ts_mad(close, 20)",
    lookback=before,
    aliases=("mad", "avedev", "rolling_mad", "mean_absolute_deviation", "mean_abs_dev"),
)
def ts_mad(x: Series, window: Window, *, out: Array) -> None:
    """Mean absolute deviation of the last `window` values from their mean."""
    deviation.mean_deviation(x, window, out)


@operator("ratio", "ts_skew(ts_return(close, 1), 60)", lookback=before, aliases=("skew", "skewness", "rolling_skew"))
def ts_skew(x: Series, window: Window3, *, origin: int, out: Array) -> None:
    """Sample skewness of the last `window` values (bias-corrected)."""
    moments.shape(x, window, origin, moments.SKEWNESS, out)


@operator(
    "ratio",
    "ts_kurt(ts_return(close, 1), 60)",
    lookback=before,
    aliases=("kurt", "kurtosis", "ts_kurtosis", "rolling_kurt"),
)
def ts_kurt(x: Series, window: Window4, *, origin: int, out: Array) -> None:
    """Sample excess kurtosis of the last `window` values (bias-corrected)."""
    moments.shape(x, window, origin, moments.KURTOSIS, out)


@operator(
    "rank",
    "ts_rank(close, 20)",
    lookback=before,
    aliases=("rank", "rolling_rank", "tsrank", "percentile_rank", "ts_percentile"),
)
def ts_rank(x: Series, window: Window, *, out: Array) -> None:
    """Rank of the current value among the last `window`, in [1/window, 1]; ties get average ranks."""
    ranking.rank_in_window(x, window, out)


@operator(
    "same", "ts_quantile(close, 20, 0.8)", lookback=before, aliases=("quantile", "percentile", "rolling_quantile")
)
def ts_quantile(x: Series, window: Window, fraction: Fraction01, *, out: Array) -> None:
    """Quantile of the last `window` values at a fraction in [0, 1], linear between neighbours."""
    ranking.quantile(x, window, fraction, out)


@operator("same", "ts_median(close, 20)", lookback=before, aliases=("median", "rolling_median"))
def ts_median(x: Series, window: Window, *, out: Array) -> None:
    """Median of the last `window` values."""
    ranking.quantile(x, window, 0.5, out)


@operator(
    "kept",
    "delay(close, 5)",
    lookback=_lag,
    aliases=("shift", "lag", "ref", "ts_delay", "ts_lag", "ts_shift", "prev", "previous"),
)
def delay(x: Series, lag: Lag = 1, *, out: Array) -> None:
    """The value `lag` bars ago."""
    elementwise.delay(x, lag, out)


@operator("same", "delta(close, 5)", lookback=_lag, aliases=("diff", "ts_delta", "change", "ts_diff", "difference"))
def delta(x: Series, lag: Lag = 1, *, out: Array) -> None:
    """Change: x minus its value `lag` bars ago."""
    elementwise.change(x, lag, 0, out)


@operator(
    "return",
    "ts_return(close, 5)",
    lookback=_lag,
    aliases=("returns", "ret", "pct_change", "roc", "momentum", "ts_returns", "pctchange", "ts_pct_change", "mom"),
)
def ts_return(x: Series, lag: Lag = 1, *, out: Array) -> None:
    """Simple return: x over its value `lag` bars ago, minus 1."""
    elementwise.change(x, lag, 1, out)


@operator(
    "return",
    "log_return(close, 1)",
    lookback=_lag,
    aliases=("log_returns", "logret", "log_ret", "ts_log_return", "logreturn"),
)
def log_return(x: Series, lag: Lag = 1, *, out: Array) -> None:
    """log(x) minus its value `lag` bars ago."""
    elementwise.change(x, lag, 2, out)


@operator(
    "same",
    "ema(close, 20)",
    recursive=True,
    lookback=lambda window: max(warm_up(2.0 / (window + 1.0)), window - 1),
    aliases=("ewma", "ts_ema", "exponential_moving_average", "rolling_ema", "ewm"),
)
def ema(x: Series, window: Window, *, out: Array) -> None:
    """Exponentially weighted mean, alpha = 2 / (window + 1); NaN until `window` values were seen."""
    recursive.weighted_mean(x, 2.0 / (window + 1.0), 1, window, out)


@operator(
    "same",
    "ewm_mean(close, 0.1)",
    recursive=True,
    lookback=lambda alpha, adjust, min_count: max(warm_up(alpha), min_count - 1),
)
def ewm_mean(x: Series, alpha: Fraction01, adjust: Fraction01 = 1.0, min_count: Count = 1, *, out: Array) -> None:
    """Exponentially weighted mean with a given alpha in (0, 1]; adjust (1 or 0) and min_count as in pandas."""
    recursive.weighted_mean(x, alpha, int(adjust), min_count, out)


@operator(
    "same",
    "wilder(close, 14)",
    recursive=True,
    lookback=lambda window: max(warm_up(1.0 / window), window - 1),
    aliases=("rma", "smma", "wilder_ma", "ts_wilder"),
)
def wilder(x: Series, window: Window, *, out: Array) -> None:
    """Exponentially weighted mean with Wilder's alpha = 1 / window; NaN until `window` values were seen."""
    recursive.weighted_mean(x, 1.0 / window, 1, window, out)
