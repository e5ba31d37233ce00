"""
Operators over the values present in a window, for data with gaps.

The strict operators of `time_series` need every value; these need `min_count` of them, and bars before the first count
as absent.
"""

from alpha_pipeline.kernels import present_values as partial
from alpha_pipeline.operators.registry import Count, Series, Window, operator
from alpha_pipeline.typing import Array


def _before(window: int, *_: float) -> int:
    return window - 1


@operator("same", "present_mean(close, 20, 10)", lookback=_before, group="time series with gaps")
def present_mean(x: Series, window: Window, min_count: Count = 1, *, origin: int, out: Array) -> None:
    """Mean of the values present among the last `window`, if at least `min_count` are."""
    partial.reduce_present(x, window, min_count, origin, partial.MEAN, out)


@operator("same", "present_sum(volume, 20, 10)", lookback=_before, group="time series with gaps")
def present_sum(x: Series, window: Window, min_count: Count = 1, *, origin: int, out: Array) -> None:
    """Sum of the values present among the last `window`, if at least `min_count` are."""
    partial.reduce_present(x, window, min_count, origin, partial.SUM, out)


@operator("same", "present_std(close, 20, 10)", lookback=_before, group="time series with gaps")
def present_std(x: Series, window: Window, min_count: Count = 2, *, origin: int, out: Array) -> None:
    """Sample deviation of the values present among the last `window`, if at least `min_count` (and two) are."""
    partial.reduce_present(x, window, min_count, origin, partial.DEVIATION, out)


@operator("kept", "present_min(low, 20, 10)", lookback=_before, group="time series with gaps")
def present_min(x: Series, window: Window, min_count: Count = 1, *, origin: int, out: Array) -> None:
    """Smallest of the values present among the last `window`, if at least `min_count` are."""
    partial.reduce_present(x, window, min_count, origin, partial.MINIMUM, out)


@operator("kept", "present_max(high, 20, 10)", lookback=_before, group="time series with gaps")
def present_max(x: Series, window: Window, min_count: Count = 1, *, origin: int, out: Array) -> None:
    """Largest of the values present among the last `window`, if at least `min_count` are."""
    partial.reduce_present(x, window, min_count, origin, partial.MAXIMUM, out)


@operator("count", "present_count(close, 20)", lookback=_before, group="time series with gaps")
def present_count(x: Series, window: Window, *, origin: int, out: Array) -> None:
    """Number of values present among the last `window`."""
    partial.reduce_present(x, window, 0, origin, partial.COUNT, out)


@operator("kept", "ffill(funding, 8)", lookback=_before, aliases=("forward_fill",), group="time series with gaps")
def ffill(x: Series, window: Window, *, out: Array) -> None:
    """Latest value present among the last `window` bars, the current one included."""
    partial.latest_present(x, window, out)
