"""
The panel and the market of a user's bars: an outage of all symbols is a gap, a session has the bars that it has.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS, expected_closes
from alpha_pipeline.market.markets import Market, bar_length
from alpha_pipeline.market.panel import KEY, Panel, first_bar_number
from alpha_pipeline.resources.files.file_readings import FileReading

MOST_CELLS = 500_000_000  # of a field: 4 GB


def market_of_reading(reading: FileReading, market: Market) -> Market:
    """The market with the bars of a file; horizon and rebalancing keep their number of sessions."""
    bars = reading.spacing
    if bars is None or (bars.bar == market.bar and bars.bars_per_session == market.bars_per_session):
        return market
    scale = bars.bars_per_session / market.bars_per_session
    horizon, rebalance = (max(1, round(n * scale)) for n in (market.horizon_bars, market.rebalance_bars))
    return replace(
        market, bar=bars.bar, periods_per_year=bars.periods_per_year, bars_per_session=bars.bars_per_session,
        horizon_bars=horizon, rebalance_bars=rebalance,
    )  # fmt: skip


def panel_of_reading(reading: FileReading, market: Market) -> Panel:
    """
    The bars of a file as matrices, prices and volumes in the shares of the last bar.

    On 24/7 and 24/5 every bar of the calendar between the first and the last has a row, so that an outage is a gap; on
    an exchange the rows are the bars that any symbol has.

    Args:
        reading: bars; those known only after their close are left out, since no decision could use them.
        market: as `market_of_reading` returns it.

    Raises:
        DataError: no bar is left, or the grid would not fit into memory.
    """
    table = reading.table
    late = table["available_at"] > table["timestamp"]
    table = table[~late] if late.any() else table
    if table.empty:
        raise DataError(f"{reading.title} has no bar that was known at its close")
    stamps = table["timestamp"].dt.tz_localize(None).to_numpy("datetime64[us]")
    times = _grid(stamps, market)
    codes, names = pd.factorize(table["symbol"], sort=True)
    if len(times) * len(names) > MOST_CELLS:
        raise DataError(
            f"{reading.title}: {len(times):,} bars of {market.bar} for {len(names):,} symbols are more than "
            f"{MOST_CELLS:,} cells; read fewer symbols or a shorter time"
        )
    cell = np.searchsorted(times, stamps) * len(names) + codes
    fields = {}
    for name in table.columns:
        if name not in (*KEY, "available_at"):
            values = np.full((len(times), len(names)), np.nan)
            values.reshape(-1)[cell] = table[name].to_numpy("float64")
            if not np.isnan(values).all():
                fields[name] = values
    panel = Panel(times, tuple(str(name) for name in names), fields, first_bar_number(times))
    return panel.until(pd.Timestamp(times[-1], tz="UTC"))


def _grid(stamps: np.ndarray, market: Market) -> np.ndarray:
    """Distinct closes with those that the calendar has between them."""
    times = np.unique(stamps)
    if market.calendar not in (ALWAYS, WEEKDAYS) or market.bar.endswith("M") or len(times) < 2:
        return times
    if market.calendar == ALWAYS:
        step = bar_length(market.bar).to_timedelta64().astype("timedelta64[us]")
        count = int((times[-1] - times[0]) // step) + 1
        if count > MOST_CELLS:
            raise DataError(
                f"{count:,} bars of {market.bar} from {times[0]} to {times[-1]}; expected fewer than {MOST_CELLS:,}"
            )
        return np.union1d(times, times[0] + np.arange(count) * step)
    first, last = (pd.Timestamp(t, tz="UTC") for t in (times[0], times[-1]))
    due = expected_closes(market, first, last).tz_localize(None).to_numpy("datetime64[us]")
    return np.union1d(times, due)
