"""Prices one could have traded at, and the returns between them: decided at a bar's close, filled one bar later."""

from typing import Literal

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.gaps import is_traded
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

Fill = Literal["open", "close"]


def fill_prices(panel: Panel, fill: Fill = "open") -> Array:
    """
    (bars, symbols): the price a trade executes at during each bar; NaN where nothing was traded, see `gaps.is_traded`.

    With "open" the open where the panel has one, else the close; of the bar after the decision, never its own.
    """
    prices, traded = _mark_prices(panel, fill), is_traded(panel)
    return prices if traded.all() else np.where(traded, prices, np.nan)


def _mark_prices(panel: Panel, fill: Fill) -> Array:
    """(bars, symbols): what a position is worth at the fill of each bar, traded there or not; NaN without a price."""
    if fill == "close" or "open" not in panel.fields:
        return panel["close"]
    return np.where(np.isfinite(panel["open"]), panel["open"], panel["close"])


def bar_returns(panel: Panel, fill: Fill = "open", delisting_return: float = 0.0) -> Array:
    """
    Return of holding each symbol from the fill of a bar to that of the next.

    Args:
        panel: prices.
        fill: which price of the bar.
        delisting_return: earned after the last price of a symbol that ends before the panel does.

    Returns:
        (bars, symbols), fraction. Through a gap 0, and the whole move when prices resume. NaN before the first price,
        after the last one, and in the last row.
    """
    prices = _mark_prices(panel, fill)
    filled = last_known(prices)
    out = np.full(prices.shape, np.nan)
    out[:-1] = filled[1:] / filled[:-1] - 1
    last = len(prices) - 1 - np.isfinite(prices[::-1]).argmax(axis=0)
    for column in np.flatnonzero(last < len(prices) - 1):
        out[last[column], column] = delisting_return
        out[last[column] + 1 :, column] = np.nan
    return out


def forward_returns(panel: Panel, horizon_bars: int, delay_bars: int = 1, fill: Fill = "open") -> Array:
    """
    Return of a decision at each bar: filled `delay_bars` later, closed `horizon_bars` after the fill.

    Args:
        panel: prices.
        horizon_bars: bars held, at least 1.
        delay_bars: bars between decision and fill, at least 1.
        fill: which price of the bar.

    Returns:
        (bars, symbols), fraction, aligned to the bar of decision; NaN where no order could be filled and where the
        future has not happened yet. An exit without a trade counts at the last price known.

    Raises:
        DataError: horizon or delay below 1.
    """
    if horizon_bars < 1 or delay_bars < 1:
        raise DataError(f"horizon_bars and delay_bars must be at least 1; found {horizon_bars} and {delay_bars}")
    prices = fill_prices(panel, fill)
    out = np.full(prices.shape, np.nan)
    decided = len(prices) - horizon_bars - delay_bars
    if decided > 0:
        exits = last_known(_mark_prices(panel, fill))[delay_bars + horizon_bars :]
        out[:decided] = exits / prices[delay_bars : delay_bars + decided] - 1
    return out


def last_known(prices: Array) -> Array:
    """Each price, or the one before it where it is missing; NaN before the first."""
    present = np.isfinite(prices)
    if present.all():
        return prices
    rows = np.maximum.accumulate(np.where(present, np.arange(len(prices))[:, None], 0), axis=0)
    return np.take_along_axis(prices, rows, axis=0)
