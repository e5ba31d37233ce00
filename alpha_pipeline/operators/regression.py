"""
Operators that set a series against another one, or against time, over the last bars.

A window needs all its values, of both series: too few bars, or one NaN among them, give NaN.
"""

from alpha_pipeline.kernels import moments, trends
from alpha_pipeline.operators.registry import Series, Window, Window2, Window3, operator
from alpha_pipeline.operators.time_series import before
from alpha_pipeline.typing import Array


@operator(
    "ratio",
    "ts_corr(close, volume, 20)",
    lookback=before,
    commutative=True,
    aliases=("corr", "correlation", "ts_correlation", "rolling_corr"),
    group="time series",
)
def ts_corr(x: Series, y: Series, window: Window2, *, origin: int, out: Array) -> None:
    """Pearson correlation of two series over the last `window` bars; NaN where either is flat."""
    moments.pair(x, y, window, origin, moments.CORRELATION, out)


@operator(
    "product",
    "ts_cov(close, volume, 20)",
    lookback=before,
    commutative=True,
    aliases=("cov", "covariance", "ts_covariance", "rolling_cov"),
    group="time series",
)
def ts_cov(x: Series, y: Series, window: Window2, *, origin: int, out: Array) -> None:
    """Sample covariance of two series over the last `window` bars (divisor window - 1)."""
    moments.pair(x, y, window, origin, moments.COVARIANCE, out)


@operator(
    "quotient",
    "ts_beta(close, volume, 60)",
    lookback=before,
    aliases=("beta", "rolling_beta", "regbeta"),
    group="time series",
)
def ts_beta(x: Series, y: Series, window: Window2, *, origin: int, out: Array) -> None:
    """Slope of the regression of x on y over the last `window` bars."""
    moments.pair(x, y, window, origin, moments.BETA, out)


@operator(
    "same",
    "ts_resid(close, volume, 60)",
    lookback=before,
    aliases=("resid", "regresi", "ts_residual"),
    group="time series",
)
def ts_resid(x: Series, y: Series, window: Window3, *, origin: int, out: Array) -> None:
    """What a regression of x on y over the last `window` bars leaves of the current x."""
    moments.pair(x, y, window, origin, moments.RESIDUAL, out)


@operator(
    "same",
    "ts_slope(close, 20)",
    lookback=before,
    aliases=("slope", "linreg_slope", "linear_regression_slope", "rolling_slope"),
    group="time series",
)
def ts_slope(x: Series, window: Window2, *, origin: int, out: Array) -> None:
    """Slope per bar of a line fitted to the last `window` values."""
    trends.trend(x, window, origin, trends.SLOPE, out)


@operator("ratio", "ts_rsquare(close, 20)", lookback=before, aliases=("rsquare", "rsquared", "r2"), group="time series")
def ts_rsquare(x: Series, window: Window3, *, origin: int, out: Array) -> None:
    """Share of the variance of the last `window` values that a straight line in time explains, in [0, 1]."""
    trends.trend(x, window, origin, trends.RSQUARE, out)


@operator(
    "same", "ts_detrend(close, 20)", lookback=before, aliases=("detrend", "linreg_resid", "resi"), group="time series"
)
def ts_detrend(x: Series, window: Window3, *, origin: int, out: Array) -> None:
    """Distance of the current value from the line fitted to the last `window` values."""
    trends.trend(x, window, origin, trends.TREND_RESIDUAL, out)


@operator(
    "same",
    "decay_linear(close, 10)",
    lookback=before,
    aliases=("ts_decay_linear", "wma", "decaylinear", "linear_decay", "ts_decay", "ts_wma"),
    group="time series",
)
def decay_linear(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Mean of the last `window` values with weights window, window - 1, ..., 1, newest heaviest."""
    trends.trend(x, window, origin, trends.DECAY, out)
