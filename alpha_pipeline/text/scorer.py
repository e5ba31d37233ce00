"""
What a scorer of texts promises, so that a word list and a language model can take each other's place.

How either reads is in `lexicon` and, with its store and budget, in the door of the model (`resources.llm.sentiment`).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from alpha_pipeline.typing import Array

# Scores nearer to zero than this are called neutral where a class is needed. Of eight cuts it has the best macro F1
# (0.64) of the word lists on 4,838 labelled sentences; on 7,851 labelled headlines, fewer of them neutral, it has 0.61
# and 0.05 the best, 0.63 (`benchmarks.sentiment`). Tables keep the score itself.
NEUTRAL = 0.3


class SentimentScorer(Protocol):
    """From texts to sentiment; the same texts give the same sentiment again."""

    @property
    def name(self) -> str:
        """How metadata call it, in a form that changes when its scores would."""
        ...

    @property
    def notes(self) -> Mapping[str, int]:
        """What was counted since it was opened and a reader should know, such as texts left to another scorer."""
        ...

    def score(self, texts: Sequence[str]) -> Array:
        """
        Sentiment.

        Args:
            texts: untrusted, any length, any language.

        Returns:
            (texts,) float64 in [-1, 1], bad to good; 0 where nothing was recognised, NaN for an empty text.
        """
        ...
