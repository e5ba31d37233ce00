"""Validation: nothing goes on that looks ahead, says nothing, or repeats what is there."""

from alpha_pipeline.validation import lookahead, originality, values  # noqa: F401  # they register their checks
from alpha_pipeline.validation.canaries import Canary, canaries, wrong_canaries
from alpha_pipeline.validation.checks import Candidate, CheckResult, check, checks, meaning, validate
from alpha_pipeline.validation.likeness import SampledRanks, likeness
from alpha_pipeline.validation.screen import Screen

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
