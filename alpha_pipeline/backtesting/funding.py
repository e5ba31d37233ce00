"""Funding of perpetual contracts: who held at a stamp pays its rate, longs when it is positive."""

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.returns import Fill
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array


def funding_payments(events: pd.DataFrame, panel: Panel, fill: Fill = "open") -> Array:
    """
    Place each payment on the bar whose holders pay it.

    Args:
        events: `timestamp` (UTC), `symbol` and `funding` at the venue's own intervals; of several rows of one stamp the
            last by `available_at` counts.
        panel: the grid.
        fill: price of the execution bar; says from when to when a bar's weights are held.

    Returns:
        (bars, symbols), fraction of notional that longs pay for holding from the fill of a bar to that of the next. Who
        still holds at the very stamp pays. Stamps of unknown symbols and outside the grid are left out.
    """
    out = np.zeros(panel.shape)
    if len(panel.timestamps) < 2:
        return out
    events = events[events["symbol"].isin(panel.symbols) & events["funding"].notna()]
    if "available_at" in events:  # a stamp that was revised is paid once, at its last rate
        events = events.sort_values("available_at", kind="stable").drop_duplicates(["timestamp", "symbol"], keep="last")
    stamps = events["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    # Weights of bar t live until the fill of bar t + 1, that moment included; a bar's open is the close before it.
    row = np.searchsorted(panel.timestamps, stamps, side="left") - (0 if fill == "open" else 1)
    column = np.searchsorted(np.array(panel.symbols), events["symbol"].to_numpy(str))
    first = panel.timestamps[0] - (np.median(np.diff(panel.timestamps)) if fill == "open" else np.timedelta64(0))
    inside = (stamps > first) & (stamps <= panel.timestamps[-1])
    np.add.at(out, (row[inside], column[inside]), events["funding"].to_numpy(float)[inside])
    return out
