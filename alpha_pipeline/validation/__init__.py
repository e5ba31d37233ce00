"""Validation: nothing goes on that looks ahead, says nothing, or repeats what is there."""

from alpha_pipeline.validation import lookahead, novelty, values  # noqa: F401  # each registers its checks
from alpha_pipeline.validation.canaries import Canary, canaries, wrong_canaries
from alpha_pipeline.validation.checks import Candidate, CheckResult, check, checks, meaning, validate
from alpha_pipeline.validation.lookahead_screen import Screen
from alpha_pipeline.validation.rank_correlation import SampledRanks, likeness

__all__ = [
    "Canary",
    "Candidate",
    "CheckResult",
    "SampledRanks",
    "Screen",
    "canaries",
    "check",
    "checks",
    "likeness",
    "meaning",
    "validate",
    "wrong_canaries",
]
