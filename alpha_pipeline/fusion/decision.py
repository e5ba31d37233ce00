"""
When a fused value is a trade.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class DecisionRule:
    """
    The stated thresholds.

    Args:
        threshold: |value| above which a direction is taken.
        confidence: confidence above which it is acted on; confidence is the share of such values that were right.
        agreement_share: how much of the raw confidence disagreement among sources can take away, in [0, 1].
        coverage_share: how much of it absent sources can take away, in [0, 1].
    """

    threshold: float = 0.3
    confidence: float = 0.5
    agreement_share: float = 0.5
    coverage_share: float = 0.2


def decide(value: Array, confidence: Array, rule: DecisionRule) -> Array:
    """(rows,) LONG or SHORT beyond both thresholds, else HOLD; so is NaN."""
    acts = (np.asarray(confidence) > rule.confidence) & (np.abs(value) > rule.threshold)
    return np.where(acts, np.where(np.asarray(value) > 0, "LONG", "SHORT"), "HOLD")
