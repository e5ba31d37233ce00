"""Two threads against one, in wall time; other work on the machine counts against the second."""

import os
from collections.abc import Iterator

from alpha_pipeline.expressions import parse
from alpha_pipeline.expressions.alpha101 import ALPHA101
from alpha_pipeline.expressions.alpha158 import ALPHA158
from benchmarks.engine import panels
from benchmarks.engine.measure import Table, best, drain


def tables(quick: bool) -> Iterator[Table]:
    rows = []
    for title, library in (("Alpha101", ALPHA101), ("Alpha158", ALPHA158)):
        nodes = [parse(text) for text in library.values()]
        for panel in (panels.days(quick), panels.hours(quick)):
            before = os.getloadavg()[0]
            one = best(lambda nodes=nodes, panel=panel: drain(nodes, panel, 1), 2)
            two = best(lambda nodes=nodes, panel=panel: drain(nodes, panel, 2), 2)
            speed = f"{one.wall / two.wall:.2f}x"
            row = (title, panels.named(panel), *one.cells(), *two.cells(), speed, "1.6x")
            rows.append((*row, f"{before:.2f}", f"{os.getloadavg()[0]:.2f}"))
    header = ("set", "panel", "one: wall s", "cpu s", "two: wall s", "cpu s", "speed-up", "target")
    title = f"Two threads on {os.cpu_count()} cores"
    yield Table(title, (*header, "load before", "load after"), rows, ["Our own threads are part of the load after."])
