"""Nanoseconds per cell of single operators, each engine on the layout it likes best."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.engine import panels
from benchmarks.engine.measure import Cost, Table, best
from benchmarks.engine.rolling import OPERATORS, engines

WINDOW = 20
SLOW = 2.0  # seconds; calls that take longer are not repeated


def tables(quick: bool) -> Iterator[Table]:
    panel = panels.days(quick)
    x, y = np.log(panel["close"]), np.log(panel["volume"])
    costs: dict[str, dict[str, Cost]] = {}
    for name, prepare in engines().items():
        prepared = prepare(x, y, WINDOW)
        cells = x.size * prepared.series
        costs[name] = {o: _repeated(call) * (1e9 / cells) for o, call in prepared.calls.items()}
    title = f"ns per cell, wall / CPU; {panels.named(panel)}, window {WINDOW}, float64; in brackets times ours (CPU)"
    rows = [(operator, *(_cell(costs, name, operator) for name in costs)) for operator in OPERATORS]
    yield Table(title, ("operator", *costs), rows, ["Ours is a batch of four series through the whole engine."])


def _repeated(call: Callable[[], object]) -> Cost:
    first = best(call, 1)
    return first if first.wall > SLOW else best(call, 4)


def _cell(costs: dict[str, dict[str, Cost]], name: str, operator: str) -> str:
    found = costs[name].get(operator)
    if found is None:
        return "-"
    text = f"{found.wall:.1f} / {found.cpu:.1f}"
    return text if name == "ours" else f"{text} ({found.cpu / costs['ours'][operator].cpu:.1f}x)"
