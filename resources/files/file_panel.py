"""
The panel and the market of a user's bars: an outage of all symbols is a gap, a session has the bars that it has.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS
from alpha_pipeline.market.gaps import complete
from alpha_pipeline.market.markets import NOTHING, Market
from alpha_pipeline.market.panel import KEY, Panel, first_bar_number
from alpha_pipeline.resources.files.file_readings import FileReading
from alpha_pipeline.typing import Times

MOST_CELLS = 500_000_000  # of a field: 4 GB


def market_of_reading(reading: FileReading, market: Market) -> Market:
    """
    The market with the bars of a file; horizon and rebalancing keep their number of sessions.

    What a market of a vendor carries over gaps is not asked of a file: `max_forward_fill` is that of a market of files.
    """
    market = market if market.source == "files" else replace(market, max_forward_fill=NOTHING)
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

    An outage of all symbols is a gap, and short gaps are carried where the market says so: see `gaps.complete`.

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
    times = np.unique(stamps)
    codes, names = pd.factorize(table["symbol"], sort=True)
    bars = max(len(times), _due(times, market))
    if bars * len(names) > MOST_CELLS:
        raise DataError(
            f"{reading.title}: {bars:,} bars of {market.bar} for {len(names):,} symbols are more than "
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
    panel = complete(Panel(times, tuple(str(name) for name in names), fields, first_bar_number(times)), market)
    return panel.until(pd.Timestamp(times[-1], tz="UTC"))


def _due(times: Times, market: Market) -> int:
    """About the number of bars of the clock between the first close and the last; 0 for sessions."""
    if market.calendar not in (ALWAYS, WEEKDAYS):
        return 0
    return int((times[-1] - times[0]) / market.bar_length.to_timedelta64()) + 1
