"""
One windowed operator at a time, as each engine does it best on one wide matrix.

Every engine gets the data in the layout it prefers before the clock starts, and answers in its own type.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from benchmarks.engine.panels import PRICES
from benchmarks.engine.peers import has

OPERATORS = ("mean", "std", "sum", "min", "max", "corr", "rank", "ts_rank", "quantile", "skew")
FRACTION = 0.8


class Prepared:
    """Calls ready to be timed, by operator, and how to read what they return as (bars, symbols)."""

    def __init__(self, calls: Mapping[str, Callable[[], Any]], read: Callable[[Any], Array], series: int = 1) -> None:
        self.calls, self.read, self.series = calls, read, series


def engines() -> dict[str, Callable[[Array, Array, int], Prepared]]:
    """Those installed, ours first: (x, y, window) to calls."""
    peers = {"KunQuant": kunquant, "polars": polars, "pandas": pandas, "bottleneck": bottleneck, "numbagg": numbagg}
    return {"ours": ours, **{name: prepare for name, prepare in peers.items() if has(name)}}


def texts(x: str, y: str, window: int) -> dict[str, str]:
    """The operators in the DSL."""
    plain = {name: f"ts_{name}({x}, {window})" for name in ("mean", "std", "sum", "min", "max", "skew")}
    return plain | {
        "corr": f"ts_corr({x}, {y}, {window})", "rank": f"cs_rank({x})", "ts_rank": f"ts_rank({x}, {window})",
        "quantile": f"ts_quantile({x}, {window}, {FRACTION})",
    }  # fmt: skip


def ours(x: Array, y: Array, window: int) -> Prepared:
    """A batch of four series per call: how the engine is used, and buffers get used again."""
    names = ("a", "b", "c", "d")
    panel = _panel(dict.fromkeys(names, x) | {"y": y})
    nodes = {o: [parse(texts(n, "y", window)[o]) for n in names] for o in OPERATORS}

    def call(operator: str) -> Array:
        kept = np.empty(0)
        for position, values in evaluate(nodes[operator], panel, threads=1):
            kept = values if position == len(names) - 1 else kept
            del values
        return kept

    return Prepared({o: lambda o=o: call(o) for o in OPERATORS}, lambda found: found, series=len(names))


def kunquant(x: Array, y: Array, window: int) -> Prepared:
    """Compiled once per window."""
    panel = _panel(dict.fromkeys(PRICES[:5], x) | {"vwap": y})
    calls = {o: lambda run=run: run(panel)["out"] for o, run in _compiled(window).items()}
    return Prepared(calls, lambda found: found)


def pandas(x: Array, y: Array, window: int) -> Prepared:
    frame, other = pd.DataFrame(x), pd.DataFrame(y)
    calls = {
        "corr": lambda: frame.rolling(window).corr(other),
        "rank": lambda: frame.rank(axis=1, pct=True),
        "ts_rank": lambda: frame.rolling(window).rank(pct=True),
        "quantile": lambda: frame.rolling(window).quantile(FRACTION),
    }
    for name in ("mean", "std", "sum", "min", "max", "skew"):
        calls[name] = lambda name=name: getattr(frame.rolling(window), name)()
    return Prepared(calls, lambda found: found.to_numpy())


def polars(x: Array, y: Array, window: int) -> Prepared:
    """Wide: a column per symbol; for the rank across symbols a column per bar."""
    import polars as pl

    count = x.shape[1]
    left, right = [f"x{i}" for i in range(count)], [f"y{i}" for i in range(count)]
    frame = pl.DataFrame(np.hstack([x, y]), schema=left + right)
    across = pl.DataFrame(np.ascontiguousarray(x.T), schema=[f"t{i}" for i in range(len(x))])
    all_x = pl.col(left)
    expressions = {
        "mean": all_x.rolling_mean(window), "std": all_x.rolling_std(window), "sum": all_x.rolling_sum(window),
        "min": all_x.rolling_min(window), "max": all_x.rolling_max(window),
        "ts_rank": all_x.rolling_rank(window) / window,
        "quantile": all_x.rolling_quantile(FRACTION, "linear", window), "skew": all_x.rolling_skew(window, bias=False),
        "corr": [pl.rolling_corr(a, b, window_size=window).alias(a) for a, b in zip(left, right, strict=True)],
    }  # fmt: skip
    calls = {o: lambda e=e: frame.select(e) for o, e in expressions.items()}
    calls["rank"] = lambda: across.select(pl.all().rank() / count)
    return Prepared(calls, lambda found: found.to_numpy() if found.height == len(x) else found.to_numpy().T)


def bottleneck(x: Array, y: Array, window: int) -> Prepared:
    """Symbol-major, where its windows are contiguous; it has no correlation, quantile or skewness."""
    import bottleneck as bn

    series = np.ascontiguousarray(x.T)
    calls = {
        "mean": lambda: bn.move_mean(series, window), "std": lambda: bn.move_std(series, window, ddof=1),
        "sum": lambda: bn.move_sum(series, window), "min": lambda: bn.move_min(series, window),
        "max": lambda: bn.move_max(series, window), "rank": lambda: bn.rankdata(x, axis=1).T,
        "ts_rank": lambda: bn.move_rank(series, window),
    }  # fmt: skip
    return Prepared(calls, lambda found: found.T)


def numbagg(x: Array, y: Array, window: int) -> Prepared:
    """Symbol-major; first calls compile."""
    import numbagg as nb

    series, other = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
    calls = {
        "mean": lambda: nb.move_mean(series, window=window), "std": lambda: nb.move_std(series, window=window),
        "sum": lambda: nb.move_sum(series, window=window), "corr": lambda: nb.move_corr(series, other, window=window),
    }  # fmt: skip
    for call in calls.values():
        call()
    return Prepared(calls, lambda found: found.T)


@cache
def _compiled(window: int) -> dict[str, Callable[[Panel], Mapping[str, Array]]]:
    from benchmarks.engine import peer_kunquant

    written = texts("volume", "vwap", window)  # prices are not ranked
    return peer_kunquant.compiled({o: peer_kunquant.trees({"out": parse(text)}) for o, text in written.items()})


def _panel(fields: Mapping[str, Array]) -> Panel:
    bars, symbols = next(iter(fields.values())).shape
    names: Sequence[str] = [f"S{i:04d}" for i in range(symbols)]
    return Panel(np.arange(bars).astype("datetime64[us]"), tuple(names), dict(fields))
