"""
Attributes and methods of all values a variable can hold, dispatched to their modules.

Nothing is looked up on Python objects; other owners and names are refused.
"""

from collections.abc import Collection

from alpha_pipeline.expressions.node import Node
from alpha_pipeline.expressions.pandas_code.code_values import (
    Builtin,
    Frame,
    Given,
    Index,
    Missing,
    Module,
    Named,
    Numbers,
    Refusal,
    Rolling,
    Span,
    Table,
    Value,
    Weighted,
    kind,
)
from alpha_pipeline.expressions.pandas_code.frames import column, frame_method, table_method
from alpha_pipeline.expressions.pandas_code.functions import module_attribute, numpy_call, pandas_call
from alpha_pipeline.expressions.pandas_code.refusals import refused_name
from alpha_pipeline.expressions.pandas_code.semantics import as_numbers
from alpha_pipeline.expressions.pandas_code.series import KNOWN, series_method
from alpha_pipeline.expressions.pandas_code.window_functions import row_method, span_method
from alpha_pipeline.expressions.pandas_code.windows import rolling_method, weighted_method


def attribute(owner: Value, name: str, fields: Collection[str] | None) -> Value:
    """`owner.name` without a call."""
    if isinstance(owner, Frame | Table):
        if name == "index":
            return Index()
        return column(owner, name, fields, is_attribute=True)
    if isinstance(owner, Module):
        return module_attribute(owner.name, name)
    if isinstance(owner, Node):
        if name == "index":
            return Index()
        if name == "values":
            return owner
        if name == "loc":
            raise Refusal(".loc picks rows of a series", "series.where(condition)", "leak")
        raise refused_name(name, f".{name}", KNOWN)
    if isinstance(owner, Span) and name in {"values", "iloc"}:
        return owner
    if isinstance(owner, Index):
        raise Refusal(f"the index has no .{name} here; the calendar is no part of a factor", "columns of df", "unknown")
    raise Refusal(f"{kind(owner)} has no attribute .{name} here", kind="unknown")


def method(owner: Value, name: str, given: Given, named: Named, fields: Collection[str] | None) -> Value:
    """`owner.name(...)`."""
    match owner:
        case Node():
            return series_method(owner, name, given, named)
        case Rolling():
            return as_numbers(rolling_method(owner, name, given, named))
        case Weighted():
            return weighted_method(owner, name, given, named)
        case Frame():
            return frame_method(owner, name, given, named, fields)
        case Table():
            return table_method(owner, name, given, named)
        case Span():
            return span_method(owner, name, given, named)
        case Numbers():
            return row_method(owner, name)
        case Missing():
            raise Refusal(f"NaN has no method .{name}()")
        case Module(name="np"):
            return numpy_call(name, given, named)
        case Module(name="pd"):
            return pandas_call(name, given, named)
        case Builtin():
            raise refused_name(name, f"np.{owner.name}.{name}()", "functions of numpy itself")
        case Index():
            raise Refusal(f"the index has no .{name}() here; the calendar is no part of a factor", kind="unknown")
    raise refused_name(name, f".{name}() of {kind(owner)}", "methods of df['close']")
