"""
The one interface of all fusion methods: fit on the past, combine now.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.kernels import portable
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class FusedValues:
    """
    One value per row, and who made it.

    Args:
        value: (rows,) in [-1, 1]; 0 where nothing can be said.
        contribution: (rows, sources) of each source to `value`, adding up to it; 0 for silent sources.
    """

    value: Array
    contribution: Array


class Fitted(Protocol):
    """A method that has learned what it could."""

    def combine(self, now: SignalMatrix) -> FusedValues:
        """What the sources say together; each row for itself, whatever other rows are there."""
        ...


class Method(Protocol):
    """
    A way to make one value of many sources.

    A method sees the past only through the lessons it is given, and is deterministic: the same lessons give the same
    numbers, bit for bit.
    """

    @property
    def name(self) -> str:
        """As configured and stored."""
        ...

    @property
    def meaning(self) -> str:
        """One line for a reader."""
        ...

    def fit(self, past: LabeledSignals) -> Fitted:
        """
        Learn from outcomes that are known.

        Raises:
            DataError: never for few or no lessons: then the method falls back to saying nothing (value 0).
            SettingError: a package it needs is not installed; the message names the extra.
        """
        ...


def raw_confidence(said: SignalMatrix, combined: FusedValues, agreement_share: float, coverage_share: float) -> Array:
    """
    How sure the sources are, and of the same thing: before the past has told how often such a value was right.

    With base weights w and confidences c of those who spoke: sum(w c) / sum(w), times 1 - a (1 - agreement), times
    1 - b (1 - coverage); agreement = |sum of contributions| / sum of |contributions|, 0 where nobody contributed;
    coverage is the share of the weight table that spoke.

    Args:
        said: the signals.
        combined: what a method made of them.
        agreement_share: a, how much of the confidence disagreement can take away, in [0, 1].
        coverage_share: b, how much of it absent sources can take away, in [0, 1].

    Returns:
        (rows,) in [0, 1]; 0 where nobody spoke.
    """
    humanize = portable.product(said.spoke, said.weights)
    pull = portable.product(np.nan_to_num(said.confidence), said.weights)
    effort = np.abs(combined.contribution).sum(axis=1)
    agreement = np.abs(combined.contribution.sum(axis=1)) / np.where(effort > 0, effort, 1.0)
    confidence = pull / np.where(humanize > 0, humanize, 1.0)
    confidence *= 1 - agreement_share * (1 - agreement)
    confidence *= 1 - coverage_share * (1 - coverage(said))
    return np.clip(confidence, 0.0, 1.0)


def coverage(said: SignalMatrix) -> Array:
    """(rows,) share of the weight table that spoke."""
    return portable.product(said.spoke, said.weights) / said.weights.sum()
