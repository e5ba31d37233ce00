"""
Gaps of a panel: a row for every close of the calendar, short gaps carried forward; history and recent days as one.

Whether an order can execute at a bar is `is_traded`; prices of fills are in `backtesting.returns`.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS
from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.market.panel import Panel, align, first_bar_number
from alpha_pipeline.typing import Array, Flags

CARRIED_PRICES = ("open", "high", "low", "close", "vwap")
DAY = pd.Timedelta(days=1)
FRIDAY, LAST_HOUR = 4, 20  # UTC


def complete(panel: Panel, market: Market, until: pd.Timestamp | None = None) -> Panel:
    """
    The panel on the grid of its market, with short gaps carried forward.

    Args:
        panel: bars of the market, from a table.
        market: gives the closes due and `max_forward_fill`.
        until: last close to fill up to, UTC (default: the last bar of the panel).

    Returns:
        A row for each close of the calendar from the first bar on, on "24/7" and for bars shorter than a session; whole
        sessions keep the rows they have. A symbol without a close has its last one as open, high, low and close, volume
        0, and is `carried`, while that close is at most `max_forward_fill` old. Bars beyond that, before the first bar
        of a symbol, and other fields are NaN.

        The rule is causal: at a close nobody knows how long a gap will last, so that every gap begins carried, and a
        panel as of any moment has the bars of the later one. A second application changes nothing.
    """
    if not len(panel.timestamps) or "close" not in panel.fields:
        return panel
    if market.calendar == ALWAYS or market.bar_length < DAY:
        panel = _on_grid(panel, market, until)
    return _carried_forward(panel, market.max_forward_fill)


def with_history(history: pd.DataFrame, recent: pd.DataFrame, market: Market) -> Panel:
    """
    One complete panel of the history and the recent days after it.

    Args:
        history: long bars with `available_at`, before the first run date.
        recent: rows of the panel table from the first run date on.
        market: of both; see `complete`. A gap over the boundary is one gap.

    Returns:
        All bars in order; fields of the recent days alone are NaN in the history.
    """
    old = align(history, {}, pd.Timedelta(0))
    return complete(Panel.from_table(pd.concat([old, recent], ignore_index=True)), market)


def carried_bars(bars: pd.DataFrame, market: Market, until: pd.Timestamp) -> pd.DataFrame:
    """
    Bars with carried ones in their gaps, as the input of `fields.assemble`.

    Args:
        bars: columns of `tables.RAW_OHLCV`; a bar that became available after its close is a gap.
        market: see `complete`.
        until: time up to which bars are due, UTC; gaps at the end are carried too.

    Returns:
        The bars that were available at their close and the carried ones, available at their close, with the column
        `carried`, 1 or 0; sorted by timestamp and symbol. Of a market that carries nothing, the bars as they are.
    """
    if market.max_forward_fill <= pd.Timedelta(0) or bars.empty:
        return bars
    on_time = bars[bars["available_at"] <= bars["timestamp"]].drop(columns="available_at")
    panel = complete(Panel.from_table(on_time), market, until)
    table = replace(panel, carried=np.zeros(panel.shape, bool) if panel.carried is None else panel.carried).to_table()
    return table.assign(available_at=table["timestamp"])


def is_traded(panel: Panel) -> Flags:
    """
    (bars, symbols): whether an order can execute at the bar: there is a close, it is not carried, the volume is not 0.

    A volume that is missing, or 0 in every bar of a symbol, says nothing: some vendors have none.
    """
    traded = np.isfinite(panel["close"]) if "close" in panel.fields else np.zeros(panel.shape, bool)
    if panel.carried is not None:
        traded &= ~panel.carried
    if (volume := panel.fields.get("volume")) is not None:
        still = volume == 0
        if still.any():
            traded &= ~(still & (volume > 0).any(axis=0))
    return traded


def carried_note(panel: Panel, market: Market) -> str:
    """Number of carried bars for the user, such as "12 bars carried over gaps of up to 6 hours"; empty without any."""
    count = 0 if panel.carried is None else int(panel.carried.sum())
    if not count:
        return ""
    hours = market.max_forward_fill / pd.Timedelta(hours=1)
    return f"{count:,} bar{'s' * (count > 1)} carried over gaps of up to {hours:g} hour{'s' * (hours != 1)}"


def _on_grid(panel: Panel, market: Market, until: pd.Timestamp | None) -> Panel:
    """
    With a row for every close due since which no bar has closed.

    Bars may close between those due: hours of a session by the clock instead of from its opening, Sunday evenings.
    """
    first, last = (pd.Timestamp(panel.timestamps[k], tz="UTC") for k in (0, -1))
    due = expected_closes(market, first - pd.Timedelta(1, "us"), last if until is None else max(last, until))
    if market.calendar == WEEKDAYS:  # the week may end with New York, as it may begin with Sunday evening
        bar_ends = due - pd.Timedelta(1, "us")
        due = due[(bar_ends.day_of_week != FRIDAY) | (bar_ends.hour < LAST_HOUR)]
    closes = due.tz_localize(None).to_numpy("datetime64[us]")
    closed = np.searchsorted(panel.timestamps, closes, side="right")
    is_absent = np.diff(closed, prepend=0) == 0
    if market.bar_length < DAY:  # not all vendors have the part of a bar that ends a session
        is_absent[1:] &= np.diff(closes) >= market.bar_length.to_timedelta64()
    absent = closes[is_absent]
    if not len(absent):
        return panel
    grid = np.sort(np.concatenate([panel.timestamps, absent]))
    rows = np.searchsorted(grid, panel.timestamps)

    def spread(values: Array) -> Array:
        out = np.full((len(grid), panel.shape[1]), np.nan)
        out[rows] = values
        return out

    carried = None if panel.carried is None else spread(panel.carried.astype(float)) == 1
    fields = {name: spread(values) for name, values in panel.fields.items()}
    return replace(panel, timestamps=grid, fields=fields, carried=carried, origin=first_bar_number(grid))


def _carried_forward(panel: Panel, longest: pd.Timedelta) -> Panel:
    close = panel["close"]
    before = np.zeros(panel.shape, bool) if panel.carried is None else panel.carried
    missing = ~np.isfinite(close)
    if longest <= pd.Timedelta(0) or not missing.any():
        return panel
    bars = np.arange(len(close))[:, None]
    last = np.maximum.accumulate(np.where(missing | before, -1, bars), axis=0)  # row of the last close that was traded
    age = panel.timestamps[:, None] - panel.timestamps[np.maximum(last, 0)]
    filled = missing & (last >= 0) & (age <= np.timedelta64(longest.value, "ns"))
    if not filled.any():
        return panel
    price = np.take_along_axis(close, np.maximum(last, 0), axis=0)
    fields = {name: np.where(filled, price, panel[name]) for name in CARRIED_PRICES if name in panel.fields}
    if "volume" in panel.fields:
        fields["volume"] = np.where(filled, 0.0, panel["volume"])
    return replace(panel, fields={**panel.fields, **fields}, carried=before | filled)
