"""
Cross-attention: what text says is read in the light of prices and chains, and the other way round.

The network itself is in `attention_network`; it needs PyTorch, which the extra `attention` brings.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.training import RankScaler, best, gain, occlusion_attribution, splits, usable
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

if TYPE_CHECKING:
    from alpha_pipeline.fusion.methods.attention_network import Network

TEXT = ("sentiment_news", "sentiment_social")
# Of more lessons so many are drawn: the rows of one bar move together, and a run date has to end.
MOST_LESSONS = 25_000


@dataclass(frozen=True)
class Attention:
    """
    A trained network, None when nothing was learned.

    Args:
        network: predicts a move from values and confidences.
        scale: makes values of predictions.
    """

    network: "Network | None"
    scale: RankScaler

    def combine(self, now: SignalMatrix) -> FusedValues:
        return occlusion_attribution(self._value, now)

    def _value(self, said: SignalMatrix) -> Array:
        if self.network is None:
            return np.zeros(len(said))
        spoke = said.spoke.any(axis=1)
        return self.scale.value(np.where(spoke, _module().predict(self.network, said.value, said.confidence), 0.0))


@dataclass(frozen=True)
class CrossAttention:
    """
    Each source is a token of its value and confidence; text tokens attend to the others, the others to text.

    Silent sources are masked; where one side is silent, the other attends to a token that means silence. As with
    `boosting` the prediction is odd in the values, and the length of the training is chosen by the last stretch of the
    past: none, and so value 0, where that gained nothing.

    Source: Vaswani and others, Attention is all you need (2017); text across numbers as in the seed of this project.
    """

    name: str = "cross_attention"
    meaning: str = "a small network in which text attends to prices and chains, and they to text (extra: attention)"

    def fit(self, past: LabeledSignals) -> Attention:
        network, known = _module(), _drawn(usable(past))
        rounds = _rounds(known) if len(known) else 0
        if not rounds:
            return Attention(None, RankScaler(np.empty(0)))
        *_, trained = network.train(known.said, known.move - known.move.mean(), TEXT, rounds)
        return Attention(trained, RankScaler.of(network.predict(trained, known.said.value, known.said.confidence)))


def _drawn(past: LabeledSignals) -> LabeledSignals:
    rows = np.random.default_rng(0).permutation(len(past))[:MOST_LESSONS]
    return past.pick(np.sort(rows))


def _rounds(past: LabeledSignals) -> int:
    """Rounds of training that predicted the last stretch of the past best; 0 when none did better than the mean."""
    pairs = splits(past)
    if not pairs:
        return 0
    taught, tried = past.pick(pairs[-1][0]), past.pick(pairs[-1][1])
    network = _module()
    stages = network.train(taught.said, taught.move - taught.move.mean(), TEXT)
    told = [network.predict(stage, tried.said.value, tried.said.confidence) for stage in stages]
    found = best([gain(tried.move, predicted, tried.decided_at) for predicted in told])
    return 0 if found is None else found + 1


def _module():  # type: ignore[no-untyped-def]  # a module
    try:
        from alpha_pipeline.fusion.methods import attention_network
    except ImportError as error:
        raise SettingError(
            f"fusion method 'cross_attention' needs PyTorch, which cannot be imported ({error}); "
            "install the extra: pip install 'alpha-pipeline[attention]'"
        ) from error
    return attention_network
