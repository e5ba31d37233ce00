"""
What a market's past can teach: what its sources and the library said, joined with what came of it.

How much of it a run date may know is `LabeledSignals.known_by`; what is learned from it, the methods' business.
"""

import pandas as pd

from alpha_pipeline.fusion.labels import LabeledSignals, label_signals
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.source_signals import past_signals
from alpha_pipeline.signals.sources import LIBRARY_SOURCE


def memory(panel: Panel, market: Market, told: pd.DataFrame, end: pd.Timestamp, days: float) -> LabeledSignals:
    """
    Lessons of the `days` days up to `end`.

    Args:
        panel: bars up to `end`, all that there are: a run date learns the same alone and in a run of many.
        market: of the panel.
        told: rows of `tables.SOURCE_SIGNALS` that are stored. Of them the library is heard: its factors were chosen
            later than most of the panel. What the other sources said is asked of the panel.
        end: of the last run date, UTC.
        days: how far back.

    Returns:
        None at all of a market without closes.
    """
    if "close" not in panel.fields:
        return LabeledSignals.none()
    said = [past_signals(panel, market, end, days), told[told["source"] == LIBRARY_SOURCE]]
    return label_signals(
        SignalMatrix.from_table(pd.concat([part for part in said if len(part)] or said[:1])), panel, market
    )
