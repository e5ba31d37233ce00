"""Seeded random factors that share sub-expressions, of operators that every peer has."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import Node, parse, walk

T = TypeVar("T")

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
WINDOWS = (5, 10, 20, 40)
WINDOWED = ("ts_mean", "ts_std", "ts_sum", "ts_min", "ts_max", "ts_rank", "delta", "delay")
SHAPES = (
    ("({x} + {y})", 2), ("({x} - {y})", 3), ("({x} * {y})", 2), ("({x} / {y})", 3), ("ts_corr({x}, {y}, {n})", 3),
    ("cs_rank({x})", 3), ("abs({x})", 1), ("log(abs({x}))", 1), ("sign(delta({x}, {n}))", 1),
    *((name + "({x}, {n})", 1) for name in WINDOWED),
)  # fmt: skip
POOLS = (80, 400, 1_000, 1_500)  # sub-expressions of each height above the fields; factors are drawn on top


def factors(count: int, seed: int = 11) -> list[Node]:
    """
    Distinct factors of 3 to 6 levels; a level is one operator, or two as in log(abs(x)).

    About 10 nodes per tree and, in 1,000 factors, 2.7 distinct ones per factor.
    """
    rng = np.random.default_rng(seed)
    scale = min(1.0, count / 1_000)
    heights = [list(FIELDS)]
    for size in POOLS:
        heights.append(list(_drawn(rng, heights, max(4, int(size * scale)))))
    wanted: dict[Node, None] = {}
    while len(wanted) < count:
        top = int(rng.integers(3, 7))
        found = _drawn(rng, heights[:top], 1)
        wanted.update(dict.fromkeys(found.values()))
    return list(wanted)


def described(nodes: list[Node]) -> str:
    distinct = {step for node in nodes for step in walk(node)}
    return f"{len(nodes):,} factors, {sum(n.size for n in nodes):,} tree nodes, {len(distinct):,} distinct"


def _drawn(rng: np.random.Generator, heights: list[list[str]], count: int) -> dict[str, Node]:
    """Expressions one level above the highest of `heights`; their units fit."""
    weights = np.array([weight for _, weight in SHAPES], float)
    found: dict[str, Node] = {}
    while len(found) < count:
        shape = SHAPES[int(rng.choice(len(SHAPES), p=weights / weights.sum()))][0]
        lower = heights[int(rng.integers(len(heights)))]
        x, y = _pick(rng, heights[-1]), _pick(rng, lower)
        if x == y:
            continue
        text = shape.format(x=x, y=y, n=_pick(rng, WINDOWS))
        try:
            found.setdefault(text, parse(text))
        except ExpressionError:
            continue
    return found


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]
