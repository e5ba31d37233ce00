"""
Forward returns of decisions.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.market.gaps import is_traded
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array, Times


def outcome_returns(panel: Panel, market: Market, decided_at: pd.Series, symbols: pd.Series) -> tuple[Array, Times]:
    """
    Return of each decision from the close after it over the market's horizon.

    Args:
        panel: closes.
        market: gives the horizon.
        decided_at: (rows,) UTC, closes of the bars of decision.
        symbols: (rows,) names.

    Returns:
        (rows,) fractions before costs and (rows,) datetime64[us] when they became known; NaN and NaT where the symbol
        is not in the panel, the bar is before its first, the outcome after its last, a close is missing, or nothing was
        traded at the bar of the fill.
    """
    names = np.array(panel.symbols)
    moments = decided_at.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    fill = np.searchsorted(panel.timestamps, moments, side="right")
    out = fill + market.horizon_bars
    column = np.minimum(np.searchsorted(names, symbols.to_numpy(str)), max(len(names) - 1, 0))
    inside = (fill > 0) & (out < len(panel.timestamps)) & (len(names) > 0)
    inside &= names[column] == symbols.to_numpy(str) if len(names) else False
    forward, known_at = np.full(len(moments), np.nan), np.full(len(moments), np.datetime64("NaT", "us"))
    fill, out, column = fill[inside], out[inside], column[inside]
    entry = np.where(is_traded(panel), panel["close"], np.nan)[fill, column]
    forward[inside] = panel["close"][out, column] / entry - 1
    known_at[inside] = panel.timestamps[out]
    return forward, np.where(np.isfinite(forward), known_at, np.datetime64("NaT", "us"))
