"""
Sentiment by word lists: the lexicon and rules of VADER, extended by two finance word lists.

`resources/tools/build_finance_words.py` makes the file. A word list has no context: "gas fees drop 40 %" scores -0.36
because of "drop".

Source: Hutto and Gilbert (2014), VADER; Barbaglia, Consoli and Manzan (2020), SentiBigNomics; Henry (2008), Are
investors influenced by how earnings press releases are written?
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from alpha_pipeline.text.untrusted import normalize
from alpha_pipeline.typing import Array

WORDS = Path(__file__).with_name("finance_words.csv")
# Weight of a list's own scale on VADER's, -4..4. Henry's words carry -1.5..1.5 as published. SentiBigNomics, -1..1,
# mostly damps what VADER takes for sentiment and finance for business ("share", "interest"): at 0.1 accuracy on 4,838
# labelled sentences, each at its best cut, is 0.685; at 0.5 it is 0.647, at 1 0.586, without the list 0.618.
SCALES = {"sentibignomics": 0.1, "henry": 1.0}  # the later list wins where both have a word
_TICKER = re.compile(r"\$[A-Za-z][A-Za-z0-9.]*")


@dataclass(frozen=True)
class LexiconScorer:
    """`lexicon_scores` as a `SentimentScorer`."""

    name: str = "vader+sentibignomics+henry"
    notes: Mapping[str, int] = field(default_factory=dict)

    def score(self, texts: Sequence[str]) -> Array:
        """See `SentimentScorer.score`."""
        return lexicon_scores(texts)


def lexicon_scores(texts: Sequence[str]) -> Array:
    """
    Sentiment by words, negations and emphasis.

    Words are whole words: "airdrop" is not "drop". Tickers such as $SAFE are no words.

    Args:
        texts: untrusted; read as `normalize` gives them. What is no text counts as empty.

    Returns:
        (texts,) float64 in [-1, 1]; 0 without a known word, NaN for a text without anything that prints.
    """
    read = [_TICKER.sub("_", normalize(text)) for text in texts]
    reader = _reader()
    return np.array([reader.polarity_scores(text)["compound"] if text else np.nan for text in read], dtype=float)


def finance_words(lists: Sequence[str] = tuple(SCALES)) -> dict[str, float]:
    """Word to weight on VADER's scale, the lists joined in their order; 0 for words a list calls neutral."""
    with WORDS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["word"]: SCALES[name] * float(row["weight"]) for name in lists for row in rows if row["list"] == name}


@lru_cache(maxsize=1)
def _reader() -> Any:
    from vaderSentiment.vaderSentiment import (  # type: ignore[import-untyped]  # it carries no types
        SentimentIntensityAnalyzer,
    )

    reader = SentimentIntensityAnalyzer()
    joined = {**reader.lexicon, **finance_words()}
    # A word of weight 0 would still be emphasised: "EU" in capitals read as bad news (-0.733).
    reader.lexicon = {word: weight for word, weight in joined.items() if weight}
    return reader
