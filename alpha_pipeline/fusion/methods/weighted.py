"""
Confidence-weighted average of the active sources.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class Average:
    """
    sum(w c v) / sum(w c) over the active sources, with values v, confidences c and weights w.

    Args:
        weights: (sources,) signed; a negative one enters the denominator with its size and flips its source.
    """

    weights: Array

    def combine(self, now: SignalMatrix) -> FusedValues:
        total = (np.nan_to_num(now.confidence) * np.abs(self.weights)).sum(axis=1, keepdims=True)
        total = np.where(total > 0, total, 1.0)
        part = now.weighted * self.weights
        return FusedValues(np.clip(part.sum(axis=1) / total[:, 0], -1.0, 1.0), part / total)


@dataclass(frozen=True)
class Weighted:
    """The fixed weight table; nothing is fitted."""

    name: str = "weighted"
    meaning: str = "confidence-weighted average by the weight table"

    def fit(self, past: LabeledSignals) -> Average:
        return Average(past.signals.weights)
