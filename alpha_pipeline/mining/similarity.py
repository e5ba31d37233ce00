"""Likeness of formulas: shared tokens over all tokens."""

import re
from collections.abc import Sequence

import numpy as np


class Similarity:
    def __init__(self, expressions: Sequence[str]) -> None:
        self.e = [set(re.findall(r"\w+", x)) for x in expressions]

    def to(self, expression: str) -> np.ndarray:
        q = set(re.findall(r"\w+", expression[:10000]))
        return np.array([len(q & s) / max(1, len(q | s)) for s in self.e])


def shape(canonical: str) -> tuple[str, tuple[float, ...]]:
    n = r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?"
    return re.sub(n, "#", canonical), tuple(float(x) for x in re.findall(n, canonical))
