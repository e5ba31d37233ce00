"""Two threads against one, in wall time, beside what the machine could give two threads at that moment."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from alpha_pipeline.expressions import parse
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from benchmarks.engine import panels
from benchmarks.engine.measure import Table, best, drain


def tables(quick: bool) -> Iterator[Table]:
    rows = []
    for title, library in (("Alpha101", ALPHA101), ("Alpha158", ALPHA158)):
        nodes = [parse(text) for text in library.values()]
        for panel in (panels.days(quick), panels.hours(quick)):
            before, possible = os.getloadavg()[0], _possible()
            one = best(lambda nodes=nodes, panel=panel: drain(nodes, panel, 1), 2)
            two = best(lambda nodes=nodes, panel=panel: drain(nodes, panel, 2), 2)
            speed = (f"{one.wall / two.wall:.2f}x", "1.6x", f"{(possible + _possible()) / 2:.2f}x")
            row = (title, panels.named(panel), *one.cells(), *two.cells(), *speed)
            rows.append((*row, f"{before:.2f}", f"{os.getloadavg()[0]:.2f}"))
    header = ("set", "panel", "one: wall s", "cpu s", "two: wall s", "cpu s", "speed-up", "target", "possible")
    remarks = [
        "Possible: what two threads that share nothing gained over one, before and after; other jobs take from it.",
        "Our own threads are part of the load after.",
    ]
    title = f"Two threads on {os.cpu_count()} cores"
    yield Table(title, (*header, "load before", "load after"), rows, remarks)


def _possible() -> float:
    """Speed-up of two threads that hash, without the interpreter lock and in cache."""
    block = bytes(1_000_000)

    def work(_: int) -> None:
        for _ in range(400):
            hashlib.sha256(block).digest()

    with ThreadPoolExecutor(2) as pool:
        together = best(lambda: list(pool.map(work, range(2))), 2)
    return 2 * best(lambda: work(0), 2).wall / together.wall
