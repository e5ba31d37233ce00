"""
The interface of sentiment scorers, implemented by the word lists and a model (`resources/llm/sentiment.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from alpha_pipeline.typing import Array

# Scores closer to zero are neutral where a class is needed. Of eight thresholds it has the best macro F1
# (0.64) of the word lists on 4,838 labelled sentences; on 7,851 labelled headlines, fewer of them neutral, it has 0.61
# and 0.05 has the best, 0.63 (`benchmarks.sentiment`). Tables keep the score itself.
NEUTRAL = 0.3


class SentimentScorer(Protocol):
    """Scores texts; the same texts give the same sentiment."""

    @property
    def name(self) -> str:
        """The name in metadata; it changes whenever scores would."""
        ...

    @property
    def notes(self) -> Mapping[str, int]:
        """Counts of remarks since it was opened, such as texts left to another scorer."""
        ...

    def score(self, texts: Sequence[str]) -> Array:
        """
        Sentiment of texts.

        Args:
            texts: untrusted, any length, any language.

        Returns:
            (texts,) float64 in [-1, 1], bad to good; 0 for no recognised word, NaN for an empty text.
        """
        ...
