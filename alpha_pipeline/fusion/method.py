"""
The interface of fusion methods: fit on labelled samples, combine current signals.
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
    One value per row and its attribution to sources.

    Args:
        value: (rows,) in [-1, 1]; 0 where no direction is predicted.
        contribution: (rows, sources) of each source to `value`, adding up to it; 0 for inactive sources.
    """

    value: Array
    contribution: Array


class Fitted(Protocol):
    """A fitted method."""

    def combine(self, now: SignalMatrix) -> FusedValues:
        """Fuse the sources; each row independently of the others."""
        ...


class Method(Protocol):
    """
    A fusion method.

    It sees the past only through the samples passed to `fit` and is deterministic: the same samples give the same
    numbers, bit for bit.
    """

    @property
    def name(self) -> str:
        """Name in settings and stored columns."""
        ...

    @property
    def meaning(self) -> str:
        """One-line description."""
        ...

    def fit(self, past: LabeledSignals) -> Fitted:
        """
        Fit on samples with known outcomes; with too few of them the fitted method predicts 0.

        Raises:
            SettingError: a required package is not installed; the message names the extra.
        """
        ...


def raw_confidence(
    signals: SignalMatrix, combined: FusedValues, agreement_share: float, coverage_share: float
) -> Array:
    """
    Confidence and agreement of the sources, before calibration.

    With base weights w and confidences c of the active sources: sum(w c) / sum(w), times 1 - a (1 - agreement), times
    1 - b (1 - coverage); agreement = `|sum of contributions|` / sum of `|contributions|`, 0 without contributions;
    coverage is the active share of the weight table.

    Args:
        signals: of the rows.
        combined: their fused values.
        agreement_share: a, share of the confidence that disagreement can remove, in [0, 1].
        coverage_share: b, share of it that absent sources can remove, in [0, 1].

    Returns:
        (rows,) in [0, 1]; 0 without an active source.
    """
    active_weight = portable.product(signals.active, signals.weights)
    weighted_confidence = portable.product(np.nan_to_num(signals.confidence), signals.weights)
    total = np.abs(combined.contribution).sum(axis=1)
    agreement = np.abs(combined.contribution.sum(axis=1)) / np.where(total > 0, total, 1.0)
    confidence = weighted_confidence / np.where(active_weight > 0, active_weight, 1.0)
    confidence *= 1 - agreement_share * (1 - agreement)
    confidence *= 1 - coverage_share * (1 - coverage(signals))
    return np.clip(confidence, 0.0, 1.0)


def coverage(signals: SignalMatrix) -> Array:
    """(rows,) active share of the weight table."""
    return np.asarray(portable.product(signals.active, signals.weights) / signals.weights.sum())
