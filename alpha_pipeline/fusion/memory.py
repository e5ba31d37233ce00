"""
What a market's past can teach: what its sources and the library said, joined with what came of it.

How much of it a night may know is `Lessons.known_by`; what is learned from it, the methods' business.
"""

import pandas as pd

from alpha_pipeline.fusion.lessons import Lessons, lessons
from alpha_pipeline.fusion.said import Said
from alpha_pipeline.fusion.signals import past_signals
from alpha_pipeline.fusion.sources import LIBRARY_SOURCE
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Panel


def memory(panel: Panel, market: Market, told: pd.DataFrame, end: pd.Timestamp, days: float) -> Lessons:
    """
    Lessons of the `days` days up to `end`.

    Args:
        panel: bars up to `end`, all that there are: a night learns the same alone and in a run of many.
        market: of the panel.
        told: rows of `tables.SOURCE_SIGNALS` that are stored. Of them the library is heard: its factors were chosen
            later than most of the panel. What the other sources said is asked of the panel.
        end: of the last night, UTC.
        days: how far back.

    Returns:
        None at all of a market without closes.
    """
    if "close" not in panel.fields:
        return Lessons.none()
    said = [past_signals(panel, market, end, days), told[told["source"] == LIBRARY_SOURCE]]
    return lessons(Said.from_table(pd.concat([part for part in said if len(part)] or said[:1])), panel, market)
