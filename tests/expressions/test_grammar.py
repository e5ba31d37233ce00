"""Generated expressions parse."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_pipeline.expressions import parse
from alpha_pipeline.expressions.grammar import market_windows, random_expression, typed_pattern, vocabulary
from alpha_pipeline.market.durations import Clock
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, market_clock
from alpha_pipeline.operators import operators

FIELDS = ("open", "high", "low", "close", "volume", "funding")


@pytest.mark.parametrize("fields", [FIELDS, ("close", "volume"), ("close",), ("sentiment",)])
def test_random_factors_are_valid(fields: tuple[str, ...]) -> None:
    """Every random factor parses, is a plain number, prints back to itself, and is the same for the same seed."""
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    for depth in (1, 2, 3, 4, 5) * 20:
        text = random_expression(first, fields, depth)
        node = parse(text, fields=fields)
        assert node.unit is not None and node.unit.is_plain
        assert parse(str(node)) is node
        assert text == random_expression(second, fields, depth)


@pytest.mark.parametrize("fields", [FIELDS, ("close", "volume"), ("close",)])
def test_pattern_is_plain_and_small(fields: tuple[str, ...]) -> None:
    """Anchored, at most 4 kB, without constructs a small regex compiler lacks."""
    pattern = typed_pattern(fields)
    assert pattern.startswith("^") and pattern.endswith("$") and len(pattern) <= 4_096
    assert not re.search(r"\(\?|\\[A-Za-z0-9]", pattern)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.from_regex(re.compile(typed_pattern(FIELDS).strip("^$")), fullmatch=True))
def test_pattern_matches_only_valid_factors(text: str) -> None:
    """Every string the pattern matches parses with these fields and has fitting units."""
    assert parse(text, fields=FIELDS).arguments


def test_vocabulary_lists_everything() -> None:
    """Every operator and field is in the prompt's table, under a heading."""
    table = vocabulary(FIELDS)
    for operator in operators().values():
        assert operator.symbol in table if operator.symbol else operator.signature() in table
    assert "close (price)" in table
    assert len(vocabulary(FIELDS, documentation=False)) < 5_500


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (CRYPTO.clock, (6, 24, 48, 120, 240, 480, 960)),
        (EQUITIES.clock, (2, 5, 10, 20, 40, 60)),
        (market_clock("XNYS", "1h"), (2, 7, 14, 35, 70, 140, 280, 420)),
        (market_clock("24/7", "1min"), (360, 1000)),
        (market_clock("XNYS", "1M"), (2, 3)),
    ],
)
def test_windows_are_durations_of_the_market(clock: Clock, expected: tuple[int, ...]) -> None:
    """From a quarter session to sixty, at least two bars; every drawn formula stays within the limits."""
    windows = market_windows(clock)
    assert windows == expected
    for seed in range(200):
        parse(random_expression(np.random.default_rng(seed), FIELDS, windows=windows), fields=FIELDS)
    pattern = re.compile(typed_pattern(FIELDS, windows).strip("^$"))
    assert not pattern.fullmatch("ts_zscore(close, 999)")
    assert pattern.fullmatch(f"ts_zscore(close, {max(windows[-1], 4)})")  # a kurtosis needs four bars
