"""
The decision rule, and which fusion method and thresholds are active.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.methods.registry import DEFAULT_METHOD, method_named
from alpha_pipeline.typing import Array

METHOD = "ALPHA_PIPELINE_FUSION"
THRESHOLD = "ALPHA_PIPELINE_FUSION_THRESHOLD"
CONFIDENCE = "ALPHA_PIPELINE_FUSION_CONFIDENCE"


@dataclass(frozen=True)
class DecisionRule:
    """
    Thresholds of the decision.

    Args:
        threshold: |value| above which a decision is LONG or SHORT.
        confidence: calibrated confidence above which it is; both must be exceeded.
        agreement_share: share of the raw confidence that disagreement among sources can remove, in [0, 1].
        coverage_share: share of it that absent sources can remove, in [0, 1].
    """

    threshold: float = 0.3
    confidence: float = 0.5
    agreement_share: float = 0.5
    coverage_share: float = 0.2


def decide(value: Array, confidence: Array, rule: DecisionRule) -> Array:
    """(rows,) LONG or SHORT where both thresholds are exceeded, else HOLD; NaN is HOLD."""
    trades = (np.asarray(confidence) > rule.confidence) & (np.abs(value) > rule.threshold)
    return np.where(trades, np.where(np.asarray(value) > 0, "LONG", "SHORT"), "HOLD")


def fusion_settings(
    environment: Mapping[str, str], method: str = "", threshold: float | None = None, confidence: float | None = None
) -> tuple[str, DecisionRule]:
    """
    The active method and the decision rule.

    Args:
        environment: variables of the process; empty ones count as absent.
        method: of this run, overrides the environment.
        threshold: of |value| in this run, in [0, 1).
        confidence: of the calibrated confidence in this run, in [0, 1).

    Raises:
        SettingError: an unknown method, or a threshold that is no number in [0, 1).
    """
    chosen = method or environment.get(METHOD, "").strip() or DEFAULT_METHOD
    try:
        method_named(chosen)
    except SettingError as error:
        raise SettingError(f"{error}, set by {'the run' if method else METHOD}") from error
    limits = {
        name: _limit(environment, variable, given, getattr(DecisionRule, name))
        for name, variable, given in (("threshold", THRESHOLD, threshold), ("confidence", CONFIDENCE, confidence))
    }
    return chosen, DecisionRule(**limits)


def _limit(environment: Mapping[str, str], variable: str, given: float | None, default: float) -> float:
    text = environment.get(variable, "").strip() if given is None else str(given)
    try:
        limit = float(text) if text else default
    except ValueError:
        limit = float("nan")
    if not 0 <= limit < 1:
        name = variable if given is None else "the threshold of the run"
        raise SettingError(f"{name} is {text!r}; expected a number in [0, 1)")
    return limit
