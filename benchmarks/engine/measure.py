"""Seconds, memory, agreement of values, and the tables they are printed in."""

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from alpha_pipeline.expressions import Node, evaluate
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Seconds of one piece of work; `cpu` is of this process and of the children it waited for."""

    wall: float
    cpu: float

    def __mul__(self, factor: float) -> "Cost":
        return Cost(self.wall * factor, self.cpu * factor)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu)

    def cells(self, unit: float = 1.0) -> tuple[str, str]:
        """Wall and CPU time as printed, in units of `unit` seconds."""
        return _short(self.wall / unit), _short(self.cpu / unit)

    def over(self, other: "Cost") -> tuple[str, str]:
        """How many times the other one's wall and CPU time this is."""
        return f"{_short(self.wall / other.wall)}x", f"{_short(self.cpu / max(other.cpu, 1e-9))}x"


@dataclass(frozen=True)
class Table:
    """What a workload found: one line per row, remarks below."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [tuple(self.header), *map(tuple, self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        padded = [[cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines]
        body = [f"| {' | '.join(line)} |" for line in padded]
        body.insert(1, f"|{'|'.join('-' * (w + 2) for w in widths)}|")
        return "\n".join([self.title, *body, *self.remarks])


def timed(work: Callable[[], T]) -> tuple[T, Cost]:
    """What one call returns and costs."""
    wall, cpu = time.perf_counter(), _cpu()
    result = work()
    return result, Cost(time.perf_counter() - wall, _cpu() - cpu)


def best(work: Callable[[], object], repeats: int = 3) -> Cost:
    """The least wall and the least CPU time of some calls."""
    costs = [timed(work)[1] for _ in range(repeats)]
    return Cost(min(c.wall for c in costs), min(c.cpu for c in costs))


def drain(nodes: Sequence[Node], panel: Panel, threads: int = 1) -> None:
    """Evaluate a batch and drop every result at once, so that buffers are used again."""
    for _, values in evaluate(nodes, panel, threads=threads):
        del values


def agrees(found: Array, expected: Array, relative: float = 1e-4, share: float = 0.999) -> bool:
    """Whether `share` of the cells that are finite on both sides are equal to `relative`; False without such cells."""
    both = np.isfinite(found) & np.isfinite(expected)
    close = np.abs(found - expected)[both] <= relative * np.abs(expected[both]) + 1e-9
    return bool(close.size and close.mean() >= share)


@contextmanager
def memory_growth(every: float = 0.02) -> Iterator[Callable[[], float]]:
    """Watch resident memory, sampled; the function yielded tells the growth so far in MB."""
    before = peak = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(every):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: (peak - before) / 1e6
    finally:
        done.set()
        watcher.join()


def _resident() -> int:
    """Bytes; where the system does not tell, the high-water mark."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1e3 else f"{value:,.0f}"
