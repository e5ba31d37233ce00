"""
Fusion: many sources, one calibrated decision per symbol, and the record of how decisions did.
"""

from alpha_pipeline.fusion.paper import PaperConfig, bookable, keep_book
from alpha_pipeline.fusion.signals import source_signals
from alpha_pipeline.fusion.sources import SOURCES, WEIGHTS, Source
from alpha_pipeline.fusion.track_record import score_decisions, unpublished, unscored
from alpha_pipeline.fusion.weighted import DecisionRule, decide, fuse

__all__ = [
    "SOURCES",
    "WEIGHTS",
    "DecisionRule",
    "PaperConfig",
    "Source",
    "bookable",
    "decide",
    "fuse",
    "keep_book",
    "score_decisions",
    "source_signals",
    "unpublished",
    "unscored",
]
