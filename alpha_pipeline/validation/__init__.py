"""Validation of factor values: look-ahead, variation, novelty."""

from alpha_pipeline.validation import lookahead, novelty, value_checks  # noqa: F401  # each registers its checks
from alpha_pipeline.validation.canary_factors import Canary, canaries, wrong_canaries
from alpha_pipeline.validation.check_registry import Candidate, CheckResult, check, checks, meaning, validate
from alpha_pipeline.validation.lookahead_screen import ScreeningPanel
from alpha_pipeline.validation.rank_correlation import SampledRanks, rank_correlations

__all__ = [
    "Canary",
    "Candidate",
    "CheckResult",
    "SampledRanks",
    "ScreeningPanel",
    "canaries",
    "check",
    "checks",
    "meaning",
    "rank_correlations",
    "validate",
    "wrong_canaries",
]
