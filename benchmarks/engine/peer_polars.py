"""
Factors as polars computes a batch: one long frame, one `with_columns` per level of the trees.

Sub-expressions that factors share are one column, dropped after the last level that reads it.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from alpha_pipeline.expressions import Node, walk
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

BAR, SYMBOL = "bar", "symbol"


def _over(build: Callable[..., pl.Expr], group: str) -> Callable[..., pl.Expr]:
    return lambda *arguments: build(*arguments).over(group)


OPERATORS: dict[str, Callable[..., pl.Expr]] = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y, "negative": lambda x: -x, "abs": lambda x: x.abs(), "sign": lambda x: x.sign(),
    "log": lambda x: x.log(), "plain": lambda x: x,
    "delay": _over(lambda x, n: x.shift(n), SYMBOL), "delta": _over(lambda x, n: x.diff(n), SYMBOL),
    "ts_mean": _over(lambda x, n: x.rolling_mean(n), SYMBOL), "ts_sum": _over(lambda x, n: x.rolling_sum(n), SYMBOL),
    "ts_std": _over(lambda x, n: x.rolling_std(n), SYMBOL), "ts_min": _over(lambda x, n: x.rolling_min(n), SYMBOL),
    "ts_max": _over(lambda x, n: x.rolling_max(n), SYMBOL),
    "ts_rank": _over(lambda x, n: x.rolling_rank(n) / n, SYMBOL),
    "ts_corr": _over(lambda x, y, n: pl.rolling_corr(x, y, window_size=n), SYMBOL),
    "cs_rank": _over(lambda x: x.rank() / x.count(), BAR),
}  # fmt: skip


def frame(panel: Panel) -> pl.DataFrame:
    """The panel as it is read: keys and fields, each symbol's bars together."""
    bars, symbols = panel.shape
    keys = {SYMBOL: np.repeat(np.arange(symbols), bars), BAR: np.tile(np.arange(bars), symbols)}
    return pl.DataFrame(keys | {name: values.T.reshape(-1) for name, values in panel.fields.items()})


def evaluated(nodes: Sequence[Node], data: pl.DataFrame) -> pl.DataFrame:
    """Columns "0", "1", ...: the factors in order, rows as in `data`."""
    levels = _levels(nodes)
    last_read: dict[Node, int] = {node: len(levels) for node in nodes}
    for level, steps in enumerate(levels):
        for argument in (a for step in steps for a in step.arguments):
            last_read[argument] = max(last_read.get(argument, 0), level)
    names = {step: f"n{i}" for i, step in enumerate(step for steps in levels for step in steps)}
    work = data
    for level, steps in enumerate(levels):
        work = work.with_columns(_expression(step, names).alias(names[step]) for step in steps)
        work = work.drop([names[step] for step, read in last_read.items() if read == level and step in names])
    return work.select(_column(node, names).alias(str(i)) for i, node in enumerate(nodes))


def matrices(found: pl.DataFrame, panel: Panel) -> Iterator[Array]:
    """The columns as (bars, symbols)."""
    for column in found.iter_columns():
        yield column.to_numpy().reshape(panel.shape[::-1]).T


def _levels(nodes: Sequence[Node]) -> list[list[Node]]:
    """Operator nodes of the batch by depth, each once; fields and numbers are no work."""
    distinct = dict.fromkeys(step for node in nodes for step in walk(node) if step.arguments)
    depths = sorted({step.depth for step in distinct})
    return [[step for step in distinct if step.depth == depth] for depth in depths]


def _expression(step: Node, names: dict[Node, str]) -> pl.Expr:
    return OPERATORS[step.operator](*(_column(a, names) for a in step.arguments), *step.parameters)


def _column(node: Node, names: dict[Node, str]) -> pl.Expr:
    if node.is_constant:
        return pl.lit(node.parameters[0])
    return pl.col(names.get(node) or str(node.parameters[0]))
