"""
Evaluation of expression trees: each distinct node of a batch is computed once, in reused buffers, by several threads.

A node runs its operator's kernel, which releases the interpreter lock; the order is decided in `schedule`.
"""

import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.expressions.node import CONSTANT, Node
from alpha_pipeline.expressions.schedule import computation_order
from alpha_pipeline.kernels import elementwise
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.operators import operators
from alpha_pipeline.typing import Array

AHEAD = 64  # nodes a thread looks ahead for a ready one; more would keep more values in memory
WAITING = 4  # finished factors that may wait for the caller before the threads pause


def evaluate(
    nodes: Sequence[Node], panel: Panel, threads: int = 2, dtype: type[np.floating] = np.float64
) -> Iterator[tuple[int, Array]]:
    """
    Values of a batch of factors, each as soon as it is finished.

    Args:
        nodes: the factors; sub-expressions they share are computed once.
        panel: fields of shape (bars, symbols).
        threads: nodes computed side by side.
        dtype: float64, or float32 for half the memory: kernels still compute in float64 and round what they store, so
            each node adds a relative error of at most about 1e-7 to what the rounding of its arguments brings.

    Yields:
        (position in `nodes`, (bars, symbols) of `dtype`), every position once. Values are finite or NaN. The array is
        read-only and the caller's to keep; memory of arrays dropped before the next step is used again.

    Raises:
        DataError: the panel lacks a field.
    """
    batch = _Batch(nodes, panel, dtype)
    if threads > 1 and len(batch.unfinished) > 1:
        yield from _side_by_side(batch, threads)
        return
    while (node := batch.next_ready()) is not None:
        batch.finish(node, batch.compute(node, batch.buffer(node)))
        yield from batch.results()


def _side_by_side(batch: "_Batch", threads: int) -> Iterator[tuple[int, Array]]:
    """Worker threads compute ready nodes; the caller receives results meanwhile."""
    changed = batch.changed
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while (task := batch.next_task()) is not None:
                values = batch.compute(*task)
                with changed:
                    batch.finish(task[0], values)
                    changed.notify_all()
                del values, task
        except BaseException as error:  # handed to the caller, who raises it
            with changed:
                failed.append(error)
                changed.notify_all()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        while batch.positions:
            with changed:
                while not batch.finished and not failed:
                    changed.wait()
            if failed:
                raise failed[0]
            yield from batch.results()
    finally:
        with changed:
            batch.stopped = True
            changed.notify_all()
        for worker in workers:
            worker.join()


class _Batch:
    """State of one batch: requested and computed nodes, free buffers."""

    def __init__(self, nodes: Sequence[Node], panel: Panel, dtype: type[np.floating]) -> None:
        self.panel, self.dtype = panel, dtype
        order = computation_order(nodes)
        self.uses = Counter(argument for node in order for argument in set(node.arguments))
        self.positions: dict[Node, list[int]] = {}
        for position, node in enumerate(nodes):
            self.positions.setdefault(node, []).append(position)
        self.outputs = frozenset(self.positions)
        self.values: dict[Node, Array] = {}
        self.finished: deque[Node] = deque()
        self.free: list[Array] = []
        self.lent: list[Array] = []
        self.unfinished = order[::-1]
        self.stopped = False
        self.changed = threading.Condition()

    def next_task(self) -> tuple[Node, Array | None] | None:
        """A ready node and its buffer; waits for one, None at the end of the batch."""
        with self.changed:
            while self.unfinished and not self.stopped:
                node = self.next_ready() if len(self.finished) < WAITING else None
                if node is not None:
                    return node, self.buffer(node)
                self.changed.wait()
        return None

    def next_ready(self) -> Node | None:
        """The first node in order whose arguments are computed."""
        for back in range(1, min(len(self.unfinished), AHEAD) + 1):
            node = self.unfinished[-back]
            if all(argument in self.values for argument in node.arguments):
                del self.unfinished[-back]
                return node
        return None

    def buffer(self, node: Node) -> Array | None:
        """Buffer for the values of a node, reused when one is free."""
        if not node.arguments:
            return None
        self.take_back()
        return self.free.pop() if self.free else np.empty(self.panel.shape, self.dtype)

    def compute(self, node: Node, out: Array | None) -> Array:
        if out is None:
            if node.operator == CONSTANT:
                return np.full((1, 1), float(node.parameters[0]), self.dtype)
            return _clean(self.panel[str(node.parameters[0])], self.dtype)
        operator = operators()[node.operator]
        if operator.kernel is None:
            raise DataError(f"operator {operator.name!r} is a formula and has no values of its own")
        series = [float(a.parameters[0]) if a.is_constant else self.values[a] for a in node.arguments]
        anchor = {"origin": self.panel.origin} if operator.anchored else {}
        operator.kernel(*series, *node.parameters, **anchor, out=out)
        if self.dtype == np.float32 and operator.group != "arithmetic":
            elementwise.apply(np.positive, out, out=out)  # a float64 beyond float32 was stored as an infinity
        return out

    def finish(self, node: Node, values: Array) -> None:
        self.values[node] = values
        if node in self.positions:
            self.finished.append(node)
        for argument in set(node.arguments):
            self.uses[argument] -= 1
            self.forget(argument)

    def forget(self, node: Node) -> None:
        """Release values without remaining users."""
        if self.uses[node] == 0 and node not in self.positions and node in self.values:
            values = self.values.pop(node)
            if node.arguments:
                (self.lent if node in self.outputs else self.free).append(values)

    def results(self) -> Iterator[tuple[int, Array]]:
        while self.finished:
            node = self.finished[0]
            for position in self.positions[node]:
                values = self.values[node]
                view = np.full(self.panel.shape, values[0, 0]) if node.is_constant else values.view()
                del values
                view.flags.writeable = False
                yield position, view
                del view
            with self.changed:
                self.finished.popleft()
                del self.positions[node]
                self.forget(node)
                self.changed.notify_all()

    def take_back(self) -> None:
        """Reuse the buffers of finished factors that the caller has dropped."""
        lent: list[Array] = []
        while self.lent:
            values = self.lent.pop()
            # Two references: this name and the call's own argument. A view held outside would be a third.
            (self.free if sys.getrefcount(values) == 2 else lent).append(values)
        self.lent = lent


def _clean(values: Array, dtype: type[np.floating]) -> Array:
    """A field as kernels expect it: C order, infinities as NaN; a copy only where needed."""
    with np.errstate(over="ignore"):
        plain = np.ascontiguousarray(values, dtype=dtype)
    if np.isinf(plain).any():
        return np.where(np.isinf(plain), dtype(np.nan), plain)
    return plain
