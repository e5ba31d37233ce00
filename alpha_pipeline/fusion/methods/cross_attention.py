"""
Cross-attention between text sources and price and chain sources.

The network is in `attention_network`; it requires PyTorch, installed by the extra `attention`.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import (
    RankScaler,
    argbest,
    bar_weights,
    occlusion_attribution,
    splits,
    usable,
    variance_gain,
)
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

if TYPE_CHECKING:
    from alpha_pipeline.fusion.methods.attention_network import Network

TEXT = ("sentiment_news", "sentiment_social")
# Larger training sets are subsampled to this: rows of one bar are correlated, and run time is limited.
MAX_SAMPLES = 25_000


@dataclass(frozen=True)
class Attention:
    """
    A trained network.

    Args:
        network: predicts a move from values and confidences; None for no training.
        scale: maps predictions to values.
    """

    network: "Network | None"
    scale: RankScaler

    def combine(self, now: SignalMatrix) -> FusedValues:
        return occlusion_attribution(self._value, now)

    def _value(self, signals: SignalMatrix) -> Array:
        if self.network is None:
            return np.zeros(len(signals))
        predicted = _module().predict(self.network, signals.value, signals.confidence)
        return self.scale.value(np.where(signals.active.any(axis=1), predicted, 0.0))


@dataclass(frozen=True)
class CrossAttention:
    """
    Each source is a token of its value and confidence; text tokens attend to the others and the others to text.

    Inactive sources are masked; where one side is inactive, the other attends to a learned null token. As in `boosting`
    the prediction is odd in the values, and the number of training rounds is chosen on the last period: none, and so
    value 0, without a gain.

    Source: Vaswani and others, Attention is all you need (2017).
    """

    name: str = "cross_attention"
    meaning: str = "small network, cross-attention of text with prices and chains (extra: attention)"

    def fit(self, past: LabeledSignals) -> Attention:
        network, samples = _module(), _subsample(usable(past))
        rounds = _best_rounds(samples) if len(samples) else 0
        if not rounds:
            return Attention(None, RankScaler(np.empty(0)))
        *_, trained = network.train(samples.signals, samples.move - samples.move.mean(), TEXT, rounds)
        predicted = network.predict(trained, samples.signals.value, samples.signals.confidence)
        return Attention(trained, RankScaler.of(predicted))


def _subsample(past: LabeledSignals) -> LabeledSignals:
    rows = np.random.default_rng(0).permutation(len(past))[:MAX_SAMPLES]
    return past.take(np.sort(rows))


def _best_rounds(past: LabeledSignals) -> int:
    """Training rounds that predict the last period best; 0 when none is better than the mean."""
    pairs = splits(past)
    if not pairs:
        return 0
    train, test = past.take(pairs[-1][0]), past.take(pairs[-1][1])
    network = _module()
    stages = network.train(train.signals, train.move - train.move.mean(), TEXT)
    predictions = [network.predict(stage, test.signals.value, test.signals.confidence) for stage in stages]
    move, weight = test.move, bar_weights(test.decided_at)
    best = argbest([variance_gain(move, predicted, weight) for predicted in predictions])
    return 0 if best is None else best + 1


def _module() -> ModuleType:
    try:
        from alpha_pipeline.fusion.methods import attention_network
    except ImportError as error:
        raise SettingError(
            f"fusion method 'cross_attention' requires PyTorch, which cannot be imported ({error}); "
            "install the extra: pip install 'alpha-pipeline[attention]'"
        ) from error
    return attention_network
