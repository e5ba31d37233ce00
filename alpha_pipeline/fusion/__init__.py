"""
Fusion: many sources, one calibrated decision per symbol, and the record of how decisions did.
"""

from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fuse import fuse
from alpha_pipeline.fusion.lessons import Lessons, lessons
from alpha_pipeline.fusion.methods import DEFAULT_METHOD, METHODS, method_named
from alpha_pipeline.fusion.paper import PaperConfig, bookable, keep_book
from alpha_pipeline.fusion.said import Said
from alpha_pipeline.fusion.signals import past_signals, source_signals
from alpha_pipeline.fusion.sources import SOURCES, WEIGHTS, Source
from alpha_pipeline.fusion.track_record import score_decisions, unpublished, unscored

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "SOURCES",
    "WEIGHTS",
    "DecisionRule",
    "Lessons",
    "PaperConfig",
    "Said",
    "Source",
    "bookable",
    "decide",
    "fuse",
    "keep_book",
    "lessons",
    "method_named",
    "past_signals",
    "score_decisions",
    "source_signals",
    "unpublished",
    "unscored",
]
