"""
Trees to values: every distinct node of a batch is computed once, in recycled buffers, by several threads.

What a node computes is its operator's kernel; kernels release the interpreter lock.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.expressions.analysis import walk
from alpha_pipeline.expressions.nodes import CONSTANT, FIELD, Node
from alpha_pipeline.operators import operators
from alpha_pipeline.panel import Array, Panel


def evaluate(nodes: Sequence[Node], panel: Panel, threads: int = 2) -> Iterator[tuple[int, Array]]:
    """
    Values of a batch of factors, each as soon as it is finished.

    Args:
        nodes: the factors; sub-expressions they share are computed once.
        panel: fields of shape (bars, symbols).
        threads: nodes computed side by side.

    Yields:
        (position in `nodes`, float64 (bars, symbols)), every position once. Values are finite or NaN. The array is
        read-only and the caller's to keep; memory of arrays dropped before the next step is used again.

    Raises:
        DataError: the panel lacks a field.
    """
    batch = _Batch(nodes, panel)
    if threads <= 1:
        for node in batch.order:
            batch.finish(node, batch.compute(node))
            yield from batch.results(node)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: dict[Future[Array], Node] = {}
        try:
            while batch.unfinished or running:
                while len(running) < threads and (ready := batch.next_ready()) is not None:
                    running[pool.submit(batch.compute, ready)] = ready
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    node = running.pop(future)
                    batch.finish(node, future.result())
                    del future
                    yield from batch.results(node)
        finally:
            wait(running)


class _Batch:
    """The graph of one batch: what is wanted, what is computed, which buffers are free."""

    def __init__(self, nodes: Sequence[Node], panel: Panel) -> None:
        self.panel = panel
        self.order: list[Node] = []
        self.uses: Counter[Node] = Counter()
        self.wanted: dict[Node, list[int]] = {}
        seen: set[Node] = set()
        for position, node in enumerate(nodes):
            self.wanted.setdefault(node, []).append(position)
            for step in walk(node):
                if step not in seen:
                    seen.add(step)
                    self.order.append(step)
                    self.uses.update(set(step.arguments))
        self.outputs = frozenset(self.wanted)
        self.values: dict[Node, Array] = {}
        self.free: list[Array] = []
        self.lent: list[Array] = []
        self.unfinished = list(reversed(self.order))

    def next_ready(self) -> Node | None:
        """The earliest node in depth-first order whose arguments are there; a short look ahead keeps few alive."""
        for back in range(1, min(len(self.unfinished), 64) + 1):
            node = self.unfinished[-back]
            if all(argument in self.values for argument in node.arguments):
                del self.unfinished[-back]
                return node
        return None

    def compute(self, node: Node) -> Array:
        if node.operator == FIELD:
            return _clean(self.panel[str(node.parameters[0])])
        if node.operator == CONSTANT:
            return np.full((1, 1), float(node.parameters[0]))
        operator = operators()[node.operator]
        if operator.kernel is None:
            raise DataError(f"operator {operator.name!r} is a formula and has no values of its own")
        series = [float(a.parameters[0]) if a.is_constant else self.values[a] for a in node.arguments]
        out = self.buffer()
        anchor = {"origin": self.panel.origin} if operator.anchored else {}
        operator.kernel(*series, *node.parameters, **anchor, out=out)
        return out

    def buffer(self) -> Array:
        try:
            return self.free.pop()
        except IndexError:
            return np.empty(self.panel.shape)

    def finish(self, node: Node, values: Array) -> None:
        self.values[node] = values
        for argument in set(node.arguments):
            self.uses[argument] -= 1
            if self.uses[argument] == 0 and argument not in self.wanted:
                self.release(argument)

    def release(self, node: Node) -> None:
        values = self.values.pop(node)
        if node.arguments:
            (self.lent if node in self.outputs else self.free).append(values)

    def results(self, node: Node) -> Iterator[tuple[int, Array]]:
        for position in self.wanted.pop(node, ()):
            values = self.values[node]
            if node.is_constant:
                values = np.full(self.panel.shape, values[0, 0])
            view = values.view()
            view.flags.writeable = False
            yield position, view
            del view
        self.reclaim(node)

    def reclaim(self, node: Node) -> None:
        """Take back the buffers of finished factors that nobody outside holds any more."""
        if self.uses[node] == 0 and node in self.values:
            values = self.values.pop(node)
            if node.arguments:
                self.lent.append(values)
            del values
        kept: list[Array] = []
        while self.lent:
            values = self.lent.pop()
            # Two references: this name and the call's own argument. A view held outside would be a third.
            (self.free if sys.getrefcount(values) == 2 else kept).append(values)
        self.lent = kept


def _clean(values: Array) -> Array:
    """A field as kernels expect it: C order, float64, infinities as NaN; a copy only where needed."""
    plain = np.ascontiguousarray(values, dtype=np.float64)
    if np.isinf(plain).any():
        return np.where(np.isinf(plain), np.nan, plain)
    return plain
