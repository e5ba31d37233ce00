"""
Returns one could have had: decided at a bar's close, filled one bar later.
"""

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.panel import Array, Panel


def fill_prices(panel: Panel) -> Array:
    """
    (bars, symbols): the price a trade executes at during each bar.

    The open where the panel has one, else the close: either way the bar after the decision, never its own.
    """
    return panel["open"] if "open" in panel.fields else panel["close"]


def bar_returns(panel: Panel) -> Array:
    """(bars, symbols), fraction: from the fill price of a bar to that of the next; NaN in the last row and at gaps."""
    prices = fill_prices(panel)
    out = np.full(prices.shape, np.nan)
    out[:-1] = prices[1:] / prices[:-1] - 1
    return out


def forward_returns(panel: Panel, horizon_bars: int, delay_bars: int = 1) -> Array:
    """
    Return of a decision at each bar: filled `delay_bars` later, closed `horizon_bars` after the fill.

    Args:
        panel: prices.
        horizon_bars: bars held, at least 1.
        delay_bars: bars between decision and fill, at least 1.

    Returns:
        (bars, symbols), fraction, aligned to the bar of decision; NaN where the future has not happened yet.

    Raises:
        DataError: horizon or delay below 1.
    """
    if horizon_bars < 1 or delay_bars < 1:
        raise DataError(f"horizon_bars and delay_bars must be at least 1; found {horizon_bars} and {delay_bars}")
    prices = fill_prices(panel)
    out = np.full(prices.shape, np.nan)
    last = len(prices) - horizon_bars - delay_bars
    if last > 0:
        out[:last] = prices[delay_bars + horizon_bars :] / prices[delay_bars : delay_bars + last] - 1
    return out
