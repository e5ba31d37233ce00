"""
Fusion: many sources, one calibrated decision per symbol, and the record of how decisions did.
"""

from alpha_pipeline.fusion.comparison import SIMPLEST, Contest, winner
from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fuse import MEMORY_DAYS, fuse
from alpha_pipeline.fusion.labels import Lessons, lessons
from alpha_pipeline.fusion.memory import memory
from alpha_pipeline.fusion.methods.registry import DEFAULT_METHOD, METHODS, method_named
from alpha_pipeline.fusion.settings import fusion_settings
from alpha_pipeline.fusion.walk_forward import COMPARED_DAYS
from alpha_pipeline.outcomes.paper_account import PaperConfig, bookable, keep_book
from alpha_pipeline.outcomes.track_record import score_decisions, unpublished, unscored
from alpha_pipeline.signals.alpha_signal import AlphaSignal, alpha_signals, signal_rows
from alpha_pipeline.signals.signal_matrix import Said
from alpha_pipeline.signals.source_signals import past_signals, source_signals
from alpha_pipeline.signals.sources import SOURCES, WEIGHTS, Source

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
