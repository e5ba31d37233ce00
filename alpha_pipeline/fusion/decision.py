"""
The decision by the decision rule, and which fusion method and rule are configured.
"""

from dataclasses import fields

import numpy as np

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.methods.method_table import method_named
from alpha_pipeline.settings import DecisionRule as DecisionRule
from alpha_pipeline.settings import FusionSettings, variable_of
from alpha_pipeline.typing import Array


def decide(value: Array, confidence: Array, rule: DecisionRule) -> Array:
    """(rows,) LONG or SHORT where both thresholds are exceeded, else HOLD; NaN is HOLD."""
    trades = (np.asarray(confidence) > rule.confidence) & (np.abs(value) > rule.threshold)
    return np.where(trades, np.where(np.asarray(value) > 0, "LONG", "SHORT"), "HOLD")


def configured_method(settings: FusionSettings, method: str = "") -> tuple[str, DecisionRule]:
    """
    The active method and the decision rule.

    Args:
        settings: of the fusion.
        method: overrides the configured one; empty for that one.

    Raises:
        SettingError: an unknown method.
    """
    try:
        method_named(method or settings.method)
    except SettingError as error:
        raise SettingError(f"{error}, set by {'the run' if method else variable_of('fusion', 'method')}") from error
    rule = DecisionRule(**{part.name: getattr(settings, part.name) for part in fields(DecisionRule)})
    return method or settings.method, rule
