"""The last day from its look-back slice against full history: cost, and whether the bits are the same."""

from collections.abc import Iterator, Sequence

import numpy as np

from alpha_pipeline.expressions import Node, evaluate, parse, walk
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.operators import operators
from alpha_pipeline.typing import Array
from benchmarks.engine import panels
from benchmarks.engine.measure import Table, best, drain, timed

LOOKBACK_GROUPS = (20, 60, 150, 400)  # factors are evaluated on the shortest slice that serves their group
RANDOM = 81


def tables(quick: bool) -> Iterator[Table]:
    nodes = _factors(quick)
    recursive = [any(_is_recursive(step) for step in walk(node)) for node in nodes]
    drain(nodes, panels.market(60, 4))  # kernels are loaded before the clock starts
    rows = []
    for title, panel, bars in (("hours", panels.hours(quick), 24), ("days", panels.days(quick), 1)):
        full, everything = timed(lambda panel=panel, bars=bars: _last(nodes, panel, bars))
        found = _incremental(nodes, panel, bars)
        day = best(lambda panel=panel, bars=bars: _incremental(nodes, panel, bars), 2)
        same = [_same_bits(a, b) for a, b in zip(found, full, strict=True)]
        plain = [bits for bits, slow in zip(same, recursive, strict=True) if not slow]
        far = [_distance(a, b) for a, b, slow in zip(found, full, recursive, strict=True) if slow]
        row = (f"{title} {panels.named(panel)}", f"{bars} of {len(panel.timestamps):,} bars")
        bits = (f"{sum(plain)} of {len(plain)}", f"{len(far)}, {max(far, default=0):.0e}")
        rows.append((*row, *everything.cells(), *day.cells(), *everything.over(day), "5x", *bits))
    header = ("panel", "day", "full wall s", "cpu s", "day wall s", "cpu s", "ratio wall", "cpu", "target")
    header = (*header, "same bits (target all)", "recursive, farthest")
    remark = f"Slices by look-back: up to {', '.join(map(str, LOOKBACK_GROUPS))} bars and beyond."
    yield Table(f"{len(nodes)} factors: Alpha101, Alpha158 and random ones", header, rows, [remark])


def _factors(quick: bool) -> list[Node]:
    texts = [*ALPHA101.values(), *ALPHA158.values()]
    rng = np.random.default_rng(3)
    while len(texts) < len(ALPHA101) + len(ALPHA158) + RANDOM:
        texts.append(random_expression(rng, panels.PRICES))
    return [parse(text) for text in (texts[::10] if quick else texts)]


def _is_recursive(step: Node) -> bool:
    return bool(step.arguments) and operators()[step.operator].recursive


def _last(nodes: Sequence[Node], panel: Panel, bars: int) -> list[Array]:
    """Copies of the last bars of each factor: what a run date would store."""
    kept = [np.empty(0)] * len(nodes)
    for position, values in evaluate(nodes, panel, threads=1):
        kept[position] = values[-bars:].copy()
        del values
    return kept


def _incremental(nodes: Sequence[Node], panel: Panel, bars: int) -> list[Array]:
    kept = [np.empty(0)] * len(nodes)
    group = np.searchsorted(LOOKBACK_GROUPS, [node.lookback for node in nodes])
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        some = [nodes[i] for i in members]
        slice_ = panel.rows(max(0, len(panel.timestamps) - bars - max(n.lookback for n in some)), None)
        for i, values in zip(members, _last(some, slice_, bars), strict=True):
            kept[i] = values
    return kept


def _same_bits(a: Array, b: Array) -> bool:
    return bool(((a.view(np.uint64) == b.view(np.uint64)) | (np.isnan(a) & np.isnan(b))).all())


def _distance(a: Array, b: Array) -> float:
    """Largest relative difference; infinite where only one side has a value."""
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    both = ~np.isnan(a)
    return float(np.max(np.abs(a - b)[both] / np.maximum(np.abs(b[both]), 1e-12), initial=0.0))
