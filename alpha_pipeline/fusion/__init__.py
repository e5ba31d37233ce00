"""
Fusion: many sources, one calibrated decision per symbol, and the record of how decisions did.
"""

from alpha_pipeline.fusion.alpha_signal import AlphaSignal, alpha_signals, signal_rows
from alpha_pipeline.fusion.comparison import SIMPLEST, Contest, winner
from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fuse import MEMORY_DAYS, fuse
from alpha_pipeline.fusion.lessons import Lessons, lessons
from alpha_pipeline.fusion.memory import memory
from alpha_pipeline.fusion.methods import DEFAULT_METHOD, METHODS, method_named
from alpha_pipeline.fusion.paper import PaperConfig, bookable, keep_book
from alpha_pipeline.fusion.said import Said
from alpha_pipeline.fusion.settings import fusion_settings
from alpha_pipeline.fusion.signals import past_signals, source_signals
from alpha_pipeline.fusion.sources import SOURCES, WEIGHTS, Source
from alpha_pipeline.fusion.track_record import score_decisions, unpublished, unscored
from alpha_pipeline.fusion.walk_forward import COMPARED_DAYS

__all__ = [
    "COMPARED_DAYS",
    "DEFAULT_METHOD",
    "MEMORY_DAYS",
    "METHODS",
    "SIMPLEST",
    "SOURCES",
    "WEIGHTS",
    "AlphaSignal",
    "Contest",
    "DecisionRule",
    "Lessons",
    "PaperConfig",
    "Said",
    "Source",
    "alpha_signals",
    "bookable",
    "decide",
    "fuse",
    "fusion_settings",
    "keep_book",
    "lessons",
    "memory",
    "method_named",
    "past_signals",
    "score_decisions",
    "signal_rows",
    "source_signals",
    "unpublished",
    "unscored",
    "winner",
]
