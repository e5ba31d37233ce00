"""Mutation of a factor."""

import numpy as np
import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import fields_used, identity, parse, walk
from alpha_pipeline.expressions.mutation import mutate

FIELDS = ("close", "high", "low", "open", "volume")
PARENTS = [
    "-ts_zscore(close, 20)",
    "ts_return(close, 60) / ts_std(ts_return(close, 1), 60)",
    "cs_rank(ts_return(close, 10)) * cs_rank(volume)",
    "where(close > ts_mean(close, 20), rsi(close, 14) / 100, -1)",
    "close / open",
]


@pytest.mark.parametrize("parent", PARENTS)
def test_a_mutant_is_another_valid_factor(parent: str) -> None:
    """It parses, uses the given fields, is a plain number, and differs from its parent."""
    canonical = str(parse(parent))
    for seed in range(40):
        node = parse(mutate(canonical, FIELDS, np.random.default_rng(seed)), fields=FIELDS)
        assert fields_used(node) and node.unit is not None and node.unit.is_plain
        assert identity(node) != identity(parse(canonical))


@pytest.mark.parametrize("parent", PARENTS[:3])
def test_most_of_the_parent_survives(parent: str) -> None:
    """One place changes: most mutants share parts with their parent."""
    root = parse(parent)
    shared_nodes = [
        set(walk(root)) & set(walk(parse(mutate(str(root), FIELDS, np.random.default_rng(s))))) for s in range(40)
    ]
    assert sum(bool(shared) for shared in shared_nodes) >= 25


def test_the_seed_decides() -> None:
    """The result depends on the seed only."""
    mutants = [[mutate(PARENTS[0], FIELDS, np.random.default_rng(s)) for s in range(20)] for _ in range(2)]
    assert mutants[0] == mutants[1] and len(set(mutants[0])) > 10


def test_every_kind_of_change_occurs() -> None:
    """Window, operator, field and branch."""
    mutants = {mutate("ts_zscore(close, 20)", FIELDS, np.random.default_rng(seed)) for seed in range(300)}
    assert any(m.startswith("ts_zscore(close, ") for m in mutants)
    assert any(m.endswith("(close, 20)") and not m.startswith("ts_zscore") for m in mutants)
    assert "ts_zscore(high, 20)" in mutants
    assert any("ts_zscore(close, 20)" in m and len(m) > 25 for m in mutants)


def test_what_does_not_parse_cannot_be_changed() -> None:
    """An ExpressionError."""
    with pytest.raises(ExpressionError):
        mutate("ts_zscore(close,", FIELDS, np.random.default_rng(0))
