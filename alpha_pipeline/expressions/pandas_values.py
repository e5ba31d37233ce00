"""
What variables of translated pandas code can hold: nodes and a few descriptions, never Python objects of the text.

They are combined in `pandas_calls` and `pandas_code`.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from alpha_pipeline.expressions.nodes import Node, build, constant


class Refusal(Exception):  # noqa: N818  # the reader turns it into an ExpressionError with a place
    """A construct that is not translated."""

    def __init__(self, reason: str, suggestion: str | None = None, kind: str = "syntax") -> None:
        super().__init__(reason)
        self.reason, self.suggestion, self.kind = reason, suggestion, kind


@dataclass(frozen=True)
class Frame:
    """The data frame given, and the columns the code has added to it, latest last."""

    columns: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Module:
    """numpy ("np") or pandas ("pd")."""

    name: str


@dataclass(frozen=True)
class Index:
    """The index of the frame; only good for being passed on."""


@dataclass(frozen=True)
class Missing:
    """The literal NaN (or an infinity, which no series holds)."""


@dataclass(frozen=True)
class Rolling:
    """`series.rolling(window, min_periods)`."""

    series: Node
    window: int
    min_count: int


@dataclass(frozen=True)
class Weighted:
    """`series.ewm(...)`."""

    series: Node
    alpha: float
    adjust: bool
    min_count: int


@dataclass(frozen=True)
class Table:
    """`pd.concat([a, b], axis=1)`: series side by side, to be reduced along axis 1."""

    series: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Function:
    """A local function, read again at every call."""

    definition: ast.FunctionDef
    variables: dict[str, "Value"]


MISSING = Missing()
Value = Union[  # noqa: UP007  # a recursive alias cannot be spelled with bars before Python 3.12
    Node, Frame, Module, Index, Missing, Rolling, Weighted, Table, Function, tuple["Value", ...], str, bool, None
]

Given = Sequence[Value]
Named = Mapping[str, Value]


def as_series(value: Value) -> Node:
    """A node of a series or a number."""
    if isinstance(value, bool):
        return constant(float(value))
    if isinstance(value, Node):
        return value
    if isinstance(value, Rolling | Weighted):
        raise Refusal("a window needs a reduction", "series.rolling(20).mean()")
    if isinstance(value, Missing):
        raise Refusal("NaN can only be a replacement, as in x.where(condition, np.nan)")
    raise Refusal(f"expected a series or a number; found {type(value).__name__}")


def as_condition(value: Value) -> Node:
    """A boolean node."""
    node = as_series(value)
    if node.unit is None or node.unit.kind != "boolean":
        raise Refusal("expected a condition such as a > b", "(a > b) & (c > d)", "type")
    return node


def comparison(name: str, x: Node, y: Node) -> Node:
    """As pandas compares: a missing side makes it false (true for !=)."""
    compared = build(name, [x, y])
    return build("fill", [compared], [1.0 if name == "not_equal" else 0.0])


def whole(value: Value, what: str) -> int:
    """A literal whole number."""
    if isinstance(value, Node) and value.is_constant and float(value.parameters[0]).is_integer():
        return int(value.parameters[0])
    raise Refusal(f"{what} must be a whole number of bars", kind="type")


def plain_number(value: Value, what: str) -> float:
    """A literal number."""
    if isinstance(value, Node) and value.is_constant:
        return float(value.parameters[0])
    raise Refusal(f"{what} must be a literal number", kind="type")


def take(given: Given, named: Named, **defaults: Value) -> list[Value]:
    """Values of parameters by position or name, in order; refuses what does not fit."""
    names = list(defaults)
    if len(given) > len(names):
        raise Refusal(f"takes at most {len(names)} arguments: {', '.join(names)}")
    values = dict(zip(names, given, strict=False))
    for name, value in named.items():
        if name not in defaults or name in values:
            raise Refusal(f"the argument {name!r} is not translated; known are {', '.join(names) or 'none'}")
        values[name] = value
    return [values.get(name, default) for name, default in defaults.items()]


def choose(condition: Node, x: Value, y: Value) -> Node:
    """`x` where the condition holds, else `y`; either may be NaN."""
    if isinstance(y, Missing):
        return build("keep_if", [as_series(x), condition])
    if isinstance(x, Missing):
        return build("keep_if", [as_series(y), build("negate", [condition])])
    return build("where", [condition, as_series(x), as_series(y)])


def clip(x: Node, given: Given, named: Named) -> Node:
    """`x.clip(lower, upper)`; a bound may be left out."""
    low, high = take(given, named, lower=None, upper=None)
    bounded = x if low is None else build("maximum", [x, as_series(low)])
    return bounded if high is None else build("minimum", [bounded, as_series(high)])
