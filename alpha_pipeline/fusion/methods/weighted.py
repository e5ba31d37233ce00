"""
The seed's confidence-weighted average, corrected: never diluted by sources that are absent.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.fusion.labels import Lessons
from alpha_pipeline.fusion.method import Combined
from alpha_pipeline.signals.signal_matrix import Said
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class Average:
    """
    sum(w c v) / sum(w c) over the sources that spoke, with values v, confidences c and weights w.

    Args:
        weights: (sources,) signed; the size of a negative one counts in the denominator, its sign turns the value.
    """

    weights: Array

    def combine(self, now: Said) -> Combined:
        pull = (np.nan_to_num(now.confidence) * np.abs(self.weights)).sum(axis=1, keepdims=True)
        pull = np.where(pull > 0, pull, 1.0)
        push = now.push * self.weights
        return Combined(np.clip(push.sum(axis=1) / pull[:, 0], -1.0, 1.0), push / pull)


@dataclass(frozen=True)
class Weighted:
    """The weight table as it stands; nothing is learned."""

    name: str = "weighted"
    meaning: str = "confidence-weighted average by the weight table"

    def fit(self, past: Lessons) -> Average:
        return Average(past.said.weights)
