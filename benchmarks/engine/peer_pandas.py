"""Factors as plain pandas computes them: one wide frame per node, rolling methods where it has them."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.expressions import Node, walk
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

Frame = pd.DataFrame
Memo = dict[Node, Frame | float]


def _compared(compare: Callable[[Frame, Frame], Frame]) -> Callable[[Frame, Frame], Frame]:
    return lambda x, y: compare(x, y).astype(float).mask(pd.isna(x) | pd.isna(y))


def _windows(f: Callable[[Array], float]) -> Callable[[Frame, int], Frame]:
    return lambda x, n: x.rolling(n).apply(f, raw=True)


def _slope(v: Array) -> float:
    time = np.arange(len(v)) - (len(v) - 1) / 2
    return time @ v / (time @ time)


def _rsquare(v: Array) -> float:
    time = np.arange(len(v)) - (len(v) - 1) / 2
    rest = v - v.mean()
    return (time @ rest) ** 2 / (time @ time) / (rest @ rest)


def _weighted(v: Array) -> float:
    weights = np.arange(1.0, len(v) + 1)
    return v @ weights / weights.sum()


OPERATORS: dict[str, Callable[..., Frame]] = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y, "power": lambda x, y: x**y, "negative": lambda x: -x, "abs": lambda x: x.abs(),
    "plain": lambda x: x, "sign": np.sign, "log": np.log, "signed_power": lambda x, y: np.sign(x) * x.abs() ** y,
    "maximum": np.maximum, "minimum": np.minimum,
    "less": _compared(lambda x, y: x < y), "less_equal": _compared(lambda x, y: x <= y),
    "greater": _compared(lambda x, y: x > y), "greater_equal": _compared(lambda x, y: x >= y),
    "where": lambda c, x, y: Frame(np.where(c == 1, x, y)).mask(c.isna()),
    "delay": lambda x, n: x.shift(n), "delta": lambda x, n: x.diff(n), "ts_return": lambda x, n: x / x.shift(n) - 1,
    "ts_mean": lambda x, n: x.rolling(n).mean(), "ts_sum": lambda x, n: x.rolling(n).sum(),
    "ts_min": lambda x, n: x.rolling(n).min(), "ts_max": lambda x, n: x.rolling(n).max(),
    "ts_std": lambda x, n: x.rolling(n).std(), "ts_rank": lambda x, n: x.rolling(n).rank(pct=True),
    "ts_quantile": lambda x, n, q: x.rolling(n).quantile(q), "ts_corr": lambda x, y, n: x.rolling(n).corr(y),
    "ts_cov": lambda x, y, n: x.rolling(n).cov(y), "ts_product": _windows(np.prod),
    "ts_argmin": _windows(lambda v: np.argmin(v) + 1.0), "ts_argmax": _windows(lambda v: np.argmax(v) + 1.0),
    "ts_slope": _windows(_slope), "ts_rsquare": _windows(_rsquare), "decay_linear": _windows(_weighted),
    "ts_detrend": _windows(lambda v: v[-1] - v.mean() - _slope(v) * (len(v) - 1) / 2),
    "cs_rank": lambda x: x.rank(axis=1, pct=True), "cs_scale": lambda x, a: x.div(x.abs().sum(axis=1), axis=0) * a,
    "group_demean": lambda x, group: x - x.T.groupby(group.iloc[0].to_numpy()).transform("mean").T,
}  # fmt: skip


def values(nodes: Sequence[Node], panel: Panel, shared: bool) -> Iterator[Array]:
    """
    One factor after the other: (bars, symbols) each, infinities as NaN.

    Args:
        nodes: the factors.
        panel: what they read.
        shared: keep sub-expressions from factor to factor; otherwise only within one.
    """
    memo: Memo = {}
    for node in nodes:
        memo = memo if shared else {}
        for step in walk(node):
            if step not in memo:
                memo[step] = _computed(step, memo, panel)
        yield memo[node].to_numpy()


def _computed(step: Node, memo: Memo, panel: Panel) -> Frame | float:
    if step.operator == "field":
        return Frame(panel[str(step.parameters[0])])
    if step.is_constant:
        return float(step.parameters[0])
    found = OPERATORS[step.operator](*(memo[a] for a in step.arguments), *step.parameters)
    return found.replace([np.inf, -np.inf], np.nan)
