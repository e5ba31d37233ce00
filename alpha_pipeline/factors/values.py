"""
Factor values of the library on the bars of a window.

Expressions are evaluated by `expressions.evaluate`; here factors are assigned to run dates and values to a table.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from alpha_pipeline.expressions import Node, evaluate, fields_used, lookback, parse
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array, Flags


def library_nodes(library: pd.DataFrame, market: Market) -> dict[str, Node]:
    """
    Parsed expressions of all factors active on any run date of `library`, by factor_id.

    Args:
        library: rows of `tables.LIBRARY`, one or more run dates; retired factors are left out.
        market: gives the bar that durations are resolved by.

    Raises:
        ExpressionError: an expression no longer parses.
    """
    active = library[library["status"] != "retired"].drop_duplicates("factor_id")
    return {str(row.factor_id): parse(str(row.expression), bar=market.clock) for row in active.itertuples()}


def named_expressions(factors: pd.DataFrame) -> dict[str, str]:
    """
    Expression by factor_id, and by name where only one factor has that name.

    Args:
        factors: columns factor_id, name, expression, one row a factor.
    """
    unique = factors.drop_duplicates("name", keep=False)
    names = dict(zip(unique["name"].astype(str), unique["expression"].astype(str), strict=True))
    ids = dict(zip(factors["factor_id"].astype(str), factors["expression"].astype(str), strict=True))
    return names | ids


def evaluate_all(nodes: Mapping[str, Node], panel: Panel) -> dict[str, Array]:
    """
    Values of each factor on the panel, float64 (bars, symbols); one batch, shared sub-expressions once.

    A field missing from the panel is NaN, so that a discontinued source ends no run date.
    """
    names = list(nodes)
    values = dict(evaluate([nodes[name] for name in names], _with_all_fields(nodes.values(), panel)))
    return {name: values[position] for position, name in enumerate(names)}


def evaluate_one(node: Node, panel: Panel) -> Array:
    """Values of one factor on the panel, float64 (bars, symbols)."""
    return next(evaluate([node], _with_all_fields([node], panel), threads=1))[1]


def factor_values(
    library: pd.DataFrame, panel: Panel, market: Market, start: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    """
    Values for the bars closed in (start, end], each run date with its own library.

    Args:
        library: rows of `tables.LIBRARY` for the run dates of the window.
        panel: bars up to `end` with the look-back before `start`.
        market: of the panel.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        Columns of `tables.FACTOR_VALUES`: timestamp, symbol, then one column per factor_id; NaN during warm-up, where a
        field is missing, and on days whose library does not have the factor.
    """
    nodes = library_nodes(library, market)
    first = panel.closed_by(start)
    warm_up = max((lookback(node) for node in nodes.values()), default=0)
    piece = panel.rows(max(0, first - warm_up), panel.closed_by(end))
    values = {name: array[min(first, warm_up) :] for name, array in evaluate_all(nodes, piece).items()}
    window = piece.rows(min(first, warm_up), None)
    is_active = _active_bars(library, window)
    values = {name: np.where(is_active[name][:, None], array, np.nan) for name, array in values.items()}
    bars, symbols = window.shape
    return pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex(np.repeat(window.timestamps, symbols)).tz_localize("UTC"),
            "symbol": pd.array(list(window.symbols) * bars, dtype="str"),
            **{name: array.reshape(-1) for name, array in values.items()},
        }
    )


def _with_all_fields(nodes: Iterable[Node], panel: Panel) -> Panel:
    return panel.with_fields(sorted(frozenset().union(*(fields_used(node) for node in nodes))))


def _active_bars(library: pd.DataFrame, window: Panel) -> dict[str, Flags]:
    """Per factor (bars,), whether it is active in the library of the bar's day."""
    days = partition_days(pd.Series(pd.DatetimeIndex(window.timestamps).tz_localize("UTC")))
    active = library[library["status"] != "retired"]
    return {
        str(name): days.isin(rows["run_date"].dt.tz_localize(None)).to_numpy()
        for name, rows in active.groupby("factor_id")
    }
