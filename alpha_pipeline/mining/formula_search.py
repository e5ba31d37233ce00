"""
Similarity of formulas: TF-IDF of their words and pairs of neighbouring words.

Texts need not parse, since refused proposals are looked up too. Measured on 442 factors: the three nearest have a mean
rank correlation of 0.395 with the query; chance 0.176, sentence embeddings 0.377 (worse: the interval of the difference
excludes 0), subtrees of parsed formulas 0.373, the best possible 0.693 (`python -m benchmarks.retrieval`).
"""

import re
from collections.abc import Sequence

import numpy as np

from alpha_pipeline.typing import Array

LONGEST = 4_000
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")


class FormulaIndex:
    """
    An index of formulas.

    Args:
        formulas: any texts, normally canonical DSL.
    """

    def __init__(self, formulas: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # 1 s of imports, paid by mining alone

        self.count = len(formulas)
        self.vectorizer = TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True)
        texts = [formula[:LONGEST] for formula in formulas]
        has_words = any(re.search(r"\w", text) for text in texts)
        self.vectors = self.vectorizer.fit_transform(texts) if has_words else None

    def similarity_to(self, formula: str) -> Array:
        """(formulas,): cosine similarity in [0, 1] to a text; 0 without a common word."""
        if self.vectors is None:
            return np.zeros(self.count)
        query = self.vectorizer.transform([formula[:LONGEST]])
        similarities: Array = np.minimum((self.vectors @ query.T).toarray()[:, 0], 1.0)
        return similarities


def shape(canonical: str) -> tuple[str, tuple[float, ...]]:
    """A formula with its numbers replaced by `#`, and the numbers in order."""
    return _NUMBER.sub("#", canonical), tuple(float(number) for number in _NUMBER.findall(canonical))
