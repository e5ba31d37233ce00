"""
Fusion: many sources, one calibrated decision per symbol, and the record of how decisions did.
"""

from alpha_pipeline.fusion.signals import source_signals
from alpha_pipeline.fusion.sources import SOURCES, WEIGHTS, Source
from alpha_pipeline.fusion.track_record import score_decisions
from alpha_pipeline.fusion.weighted import DecisionRule, decide, fuse

__all__ = ["SOURCES", "WEIGHTS", "DecisionRule", "Source", "decide", "fuse", "score_decisions", "source_signals"]
