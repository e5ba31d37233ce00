"""What is printed in a dialect parses back, in that dialect, to the same node."""

import numpy as np
import pytest

from alpha_pipeline.expressions import parse, to_text
from alpha_pipeline.expressions.alpha101 import ALPHA101
from alpha_pipeline.expressions.alpha158 import ALPHA158
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.operators import operators

FIELDS = ("open", "high", "low", "close", "volume", "vwap", "funding", "cap", "sector", "industry", "subindustry")


@pytest.mark.parametrize("dialect", ["dsl", "math", "pandas"])
def test_round_trip(dialect: str) -> None:
    """Operator examples, the libraries and random factors come back as the same object."""
    rng = np.random.default_rng(4)
    texts = [o.example for o in operators().values()] + list(ALPHA101.values()) + list(ALPHA158.values())
    texts += [random_expression(rng, FIELDS[:7], 5) for _ in range(200)]
    for text in texts:
        node = parse(text, fields=FIELDS)
        assert parse(to_text(node, dialect), dialect, fields=FIELDS) is node


def test_code_reads_like_pandas() -> None:
    """Common factors print as the idioms a quant would write."""
    node = parse("(close - sma(close, 20)) / std(close, 20)")
    expected = '((df["close"] - df["close"].rolling(20).mean()) / df["close"].rolling(20).std())'
    assert to_text(node, "pandas") == f"def calculate_factor(df):\n    return {expected}\n"
