"""
The seed's confidence-weighted average, corrected: never diluted by sources that are absent.
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
    sum(w c v) / sum(w c) over the sources that spoke, with values v, confidences c and weights w.

    Args:
        weights: (sources,) signed; the size of a negative one counts in the denominator, its sign turns the value.
    """

    weights: Array

    def combine(self, now: SignalMatrix) -> FusedValues:
        pull = (np.nan_to_num(now.confidence) * np.abs(self.weights)).sum(axis=1, keepdims=True)
        pull = np.where(pull > 0, pull, 1.0)
        push = now.push * self.weights
        return FusedValues(np.clip(push.sum(axis=1) / pull[:, 0], -1.0, 1.0), push / pull)


@dataclass(frozen=True)
class Weighted:
    """The weight table as it stands; nothing is learned."""

    name: str = "weighted"
    meaning: str = "confidence-weighted average by the weight table"

    def fit(self, past: LabeledSignals) -> Average:
        return Average(past.said.weights)
