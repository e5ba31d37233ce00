"""
Which fusion method is active, and by which thresholds: defaults, the environment above them, a run above that.
"""

from collections.abc import Mapping

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.methods.registry import DEFAULT_METHOD, method_named

METHOD = "ALPHA_PIPELINE_FUSION"
THRESHOLD = "ALPHA_PIPELINE_FUSION_THRESHOLD"
CONFIDENCE = "ALPHA_PIPELINE_FUSION_CONFIDENCE"


def fusion_settings(
    environment: Mapping[str, str], method: str = "", threshold: float | None = None, confidence: float | None = None
) -> tuple[str, DecisionRule]:
    """
    The method active and the rule.

    Args:
        environment: variables of the process; empty ones count as absent.
        method: of this run, in place of the configured one.
        threshold: the same for |value|, in [0, 1).
        confidence: the same for the confidence, in [0, 1).

    Raises:
        SettingError: no such method, or a threshold that is no number in [0, 1).
    """
    chosen = method or environment.get(METHOD, "").strip() or DEFAULT_METHOD
    try:
        method_named(chosen)
    except SettingError as refusal:
        raise SettingError(f"{refusal}, by {'the run' if method else METHOD}") from refusal
    limits = {
        name: _limit(environment, variable, given, getattr(DecisionRule, name))
        for name, variable, given in (("threshold", THRESHOLD, threshold), ("confidence", CONFIDENCE, confidence))
    }
    return chosen, DecisionRule(**limits)


def _limit(environment: Mapping[str, str], variable: str, given: float | None, default: float) -> float:
    text = environment.get(variable, "").strip() if given is None else str(given)
    try:
        found = float(text) if text else default
    except ValueError:
        found = float("nan")
    if not 0 <= found < 1:
        raise SettingError(f"{variable if given is None else 'the threshold of the run'} is {text!r}; expected [0, 1)")
    return found
