"""
Values of variables in translated pandas code: nodes and a few descriptions, never Python objects of the code.

Rules for combining them as in pandas are in `semantics`.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from alpha_pipeline.expressions.node import Node


class Refusal(Exception):  # noqa: N818  # the reader turns it into an ExpressionError with a place
    """A construct that is not translated."""

    def __init__(self, reason: str, suggestion: str | None = None, kind: str = "syntax") -> None:
        super().__init__(reason)
        self.reason, self.suggestion, self.kind = reason, suggestion, kind


@dataclass(frozen=True)
class Frame:
    """The data frame given, and the columns the code has added to it, latest last."""

    columns: tuple[tuple[str, "Value"], ...]


@dataclass(frozen=True)
class Module:
    """numpy ("np"), pandas ("pd") or one whose names mean nothing here ("")."""

    name: str


@dataclass(frozen=True)
class Builtin:
    """A function of numpy that is passed on instead of called, as in `apply(np.mean)`."""

    name: str


@dataclass(frozen=True)
class Index:
    """The index of the frame or its length; it can only be passed on."""


@dataclass(frozen=True)
class Missing:
    """The literal NaN, or an infinity."""

    is_infinite: bool = False


@dataclass(frozen=True)
class Rolling:
    """`series.rolling(window, min_periods)`; `min_count` is None by default."""

    series: Node
    window: int
    min_count: int | None

    @property
    def is_strict(self) -> bool:
        """Whether every value of the window must be present."""
        return self.min_count is None or self.min_count >= self.window


@dataclass(frozen=True)
class Weighted:
    """`series.ewm(...)`."""

    series: Node
    alpha: float
    adjust: bool
    min_count: int


@dataclass(frozen=True)
class Table:
    """Series side by side, to be reduced along axis 1: `pd.concat([a, b], axis=1)`, `df[['open', 'close']]`."""

    columns: tuple[tuple[str, Node], ...]

    @property
    def series(self) -> tuple[Node, ...]:
        return tuple(series for _, series in self.columns)


@dataclass(frozen=True)
class Numbers:
    """Literal numbers in a row, as in `np.arange(10)`: weights and time axes of windows."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Span:
    """
    The values of one window, inside a function given to `rolling(n).apply`.

    Args:
        series: of each value, computed from the values of `origin` cell by cell.
        origin: the series that was rolled.
        window: number of values.
        is_array: `raw=True`.
        weights: numbers the values are multiplied by, oldest first.
        is_ranked: the ranks of the values within the window, as fractions, are meant instead.
    """

    series: Node
    origin: Node
    window: int
    is_array: bool
    weights: tuple[float, ...] | None = None
    is_ranked: bool = False


@dataclass(frozen=True, eq=False)
class Function:
    """A local function or lambda, translated at each call."""

    definition: ast.FunctionDef | ast.Lambda
    variables: dict[str, "Value"]
    defaults: tuple["Value", ...] = ()

    @property
    def name(self) -> str:
        return self.definition.name if isinstance(self.definition, ast.FunctionDef) else "the lambda"


NAN = Missing()
Value = Union[  # noqa: UP007  # a recursive alias cannot be spelled with bars before Python 3.12
    Node, Frame, Module, Builtin, Index, Missing, Rolling, Weighted, Table, Numbers, Span, Function,
    tuple["Value", ...], dict[str, "Value"], str, bool, None,
]  # fmt: skip

Given = Sequence[Value]
Named = Mapping[str, Value]

_KINDS = {
    Frame: "a data frame", Module: "a module", Builtin: "a function", Index: "an index", Missing: "NaN",
    Rolling: "a window", Weighted: "a window", Table: "a table", Numbers: "literal numbers", Span: "a window's values",
    Function: "a function", tuple: "a list", dict: "a dictionary", str: "a text", bool: "True or False",
}  # fmt: skip


def kind(value: Value) -> str:
    """Kind of a value, for messages."""
    if isinstance(value, Node):
        return "a number" if value.is_constant else "a series"
    return _KINDS.get(type(value), "None")


def take(given: Given, named: Named, **defaults: Value) -> list[Value]:
    """Values of parameters by position or name, in order; other arguments are refused."""
    names = list(defaults)
    if len(given) > len(names):
        raise Refusal(f"takes at most {len(names)} arguments{': ' * bool(names)}{', '.join(names)}")
    values = dict(zip(names, given, strict=False))
    for name, value in named.items():
        if name not in defaults or name in values:
            raise Refusal(f"the argument {name!r} is not translated; known are {', '.join(names) or 'none'}")
        values[name] = value
    return [values.get(name, default) for name, default in defaults.items()]


def whole_number(value: Value, what: str) -> int:
    """A literal whole number."""
    if isinstance(value, Node) and value.is_constant and float(value.parameters[0]).is_integer():
        return int(value.parameters[0])
    suggestion = "a number of bars; on hourly bars five days are 120" if isinstance(value, str) else None
    raise Refusal(f"{what} must be a whole number of bars", suggestion, "type")


def whole_range(given: Given, name: str, limit: int) -> range:
    """`range(...)` of literal whole numbers, at most `limit` of them."""
    bounds = [whole_number(value, f"a bound of {name}") for value in given]
    if not 1 <= len(bounds) <= 3 or (len(bounds) == 3 and bounds[2] == 0):
        raise Refusal(f"{name} takes one to three whole numbers", f"{name}(1, 5)")
    if max(map(abs, bounds)) > 1_000_000 or len(range(*bounds)) > limit:
        raise Refusal(f"{name} has at most {limit:,} numbers here", kind="limit")
    return range(*bounds)


def plain_number(value: Value, what: str) -> float:
    """A literal number."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, Node) and value.is_constant:
        return float(value.parameters[0])
    raise Refusal(f"{what} must be a literal number", kind="type")


def is_number(value: Value, number: float) -> bool:
    """Whether a value is this literal number."""
    return isinstance(value, Node) and value.is_constant and value.parameters == (number,)


def is_across(axis: Value) -> bool:
    """Whether an axis runs along the columns of one bar."""
    return axis == "columns" or is_number(axis, 1.0)
