"""
The data frame, tables made from it, and assignments to their columns and to parts of series.

Methods of single series are in `series`.
"""

import difflib
import re
from collections.abc import Collection
from dataclasses import replace

from alpha_pipeline.expressions.node import Node
from alpha_pipeline.expressions.node import field as field_node
from alpha_pipeline.expressions.pandas_code.code_values import (
    Frame,
    Given,
    Missing,
    Named,
    Refusal,
    Table,
    Value,
    is_across,
    kind,
    take,
)
from alpha_pipeline.expressions.pandas_code.refusals import refused_name
from alpha_pipeline.expressions.pandas_code.semantics import across, as_series, choose

_LABEL = re.compile(r"(.*_)?(label|target|future|forward|fwd|next)(_.*)?$|y(_.*)?$", re.IGNORECASE)
_KNOWN = "df['close'], df[['open', 'close']].max(axis=1), df.copy(), df.assign(name=series)"


def column(owner: Frame | Table, name: str, fields: Collection[str] | None, is_attribute: bool = False) -> Value:
    """`df['name']` or `df.name`; added columns come before those of the data."""
    series = dict(owner.columns).get(name)
    if series is not None:
        return series
    if isinstance(owner, Table):
        raise Refusal(
            f"the table has no column {name[:64]!r}", ", ".join(n for n, _ in owner.columns) or None, "unknown"
        )
    if is_attribute and (fields is None or name not in fields):
        refusal = refused_name(name, f".{name}", "")
        if refusal.suggestion is not None:
            raise refusal
    if fields is not None and name not in fields:
        if _LABEL.match(name):
            reason = f"the column {name[:64]!r} sounds like a label, and labels lie in the future"
            raise Refusal(reason, f"one of {', '.join(sorted(fields))}", "leak")
        close = difflib.get_close_matches(name[:64].lower(), sorted(fields), n=1, cutoff=0.5)
        reason = f"unknown column {name[:64]!r}; the columns are {', '.join(sorted(fields))}"
        raise Refusal(reason, f"df['{close[0]}']" if close else None, "unknown")
    if not name.isidentifier() or not name.isascii() or len(name) > 64 or name.startswith("_"):
        raise Refusal(f"{name[:64]!r} is no name of a column", "df['close']", "unknown")
    return field_node(name)


def columns(owner: Frame | Table, names: tuple[Value, ...], fields: Collection[str] | None) -> Table:
    """`df[['open', 'close']]`."""
    if not names or not all(isinstance(name, str) for name in names):
        raise Refusal("columns are chosen by a list of names", "df[['open', 'close']]")
    return Table(tuple((str(name), as_series(column(owner, str(name), fields))) for name in names))


def with_column(owner: Frame | Table, name: str, value: Value) -> Frame | Table:
    """The frame after `df['name'] = value`."""
    if isinstance(value, str) or not isinstance(value, Node | Missing | bool):
        raise Refusal(f"a column must be a series or a number; found {kind(value)}", "df['name'] = df['close'].diff()")
    added = value if isinstance(value, Missing) else as_series(value)
    others = tuple((other, series) for other, series in owner.columns if other != name)
    return replace(owner, columns=(*others, (name, added)))  # type: ignore[arg-type]  # a table of NaN fails when used


def assigned_part(series: Value, condition: Value, value: Value) -> Node:
    """`series[condition] = value`."""
    if not isinstance(series, Node | Missing | bool):
        raise Refusal(f"{kind(series)} has no parts to assign to", "df['name'] = series")
    return choose(condition, value, series)


def frame_method(frame: Frame, name: str, given: Given, named: Named, fields: Collection[str] | None) -> Value:
    """`df.name(...)`."""
    if name == "copy":
        take(given, named, deep=None)
        return Frame(frame.columns)
    if name == "assign" and not given:
        changed: Frame | Table = frame
        for column_name, value in named.items():
            changed = with_column(changed, column_name, value)
        return changed
    if name == "get":
        (key,) = take(given, named, key=None)
        if isinstance(key, str):
            return column(frame, key, fields)
    if name == "sort_index" and not given and not named:
        return frame  # bars are in order
    raise refused_name(name, f"df.{name}()", _KNOWN)


def table_method(table: Table, name: str, given: Given, named: Named) -> Value:
    """`table.name(axis=1)`."""
    if name == "copy":
        return Table(table.columns)
    if name not in {"max", "min", "mean", "sum"}:
        raise refused_name(name, f".{name}() of a table", "max, min, mean and sum with axis=1")
    axis, skip = take(given, named, axis=None, skipna=True)
    if not is_across(axis):
        raise Refusal(f".{name}() of a table over time uses the whole sample", f"{name}(axis=1)", "leak")
    if not table.columns or not isinstance(skip, bool):
        raise Refusal(f"{name}(axis=1) needs columns", "pd.concat([a, b], axis=1)")
    return across(name, table.series, skip)


def table_of(parts: Value) -> Table:
    """The table of `pd.concat(parts, axis=1)` or `pd.DataFrame(parts)`."""
    if isinstance(parts, Table):
        return parts
    named = parts.items() if isinstance(parts, dict) else enumerate(parts) if isinstance(parts, tuple) else None
    if named is None:
        raise Refusal(f"expected a list or a dictionary of series; found {kind(parts)}", "[a, b]")
    return Table(tuple((str(name), as_series(part)) for name, part in named))
