"""
Expression trees of all dialects: frozen, hash-consed nodes without negative lags.

Texts are parsed and printed in `dsl` and `pandas_code`; operators are defined in the registry.
"""

import hashlib
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha_pipeline.operators import Operator, Unit, operators, unit_of_field
from alpha_pipeline.operators.registry import UnitError

MAX_NODES = 2_000
MAX_DEPTH = 64
MAX_WINDOWS = 64
MAX_LOOKBACK = 5_000

FIELD, CONSTANT = "field", "constant"


class NodeError(Exception):
    """An invalid node; `argument` counts series, then numbers; None for the call itself."""

    def __init__(self, reason: str, kind: str, argument: int | None = None, suggestion: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.kind, self.argument, self.suggestion = reason, kind, argument, suggestion


@dataclass(frozen=True, eq=False, repr=False, slots=True, weakref_slot=True)
class Node:
    """
    One distinct computation. Equal trees are the same object: compare with `is` or `==`.

    Args:
        operator: canonical operator name, "field" or "constant".
        arguments: series it is computed from.
        parameters: windows (int) and numbers (float); the name of a field; the value of a constant.
        unit: of the values; None for a constant, which agrees with everything.
        lookback: bars of history needed before the current one (the warm-up for recursive operators).
        size: nodes of the tree, shared ones counted each time.
        depth: longest path to a leaf.
        windows: windows and lags in the tree.
        digest: SHA-256 over operator, parameters and arguments; the same in every process.
    """

    operator: str
    arguments: tuple["Node", ...]
    parameters: tuple[int | float | str, ...]
    unit: Unit | None
    lookback: int
    size: int
    depth: int
    windows: int
    digest: bytes

    @property
    def is_constant(self) -> bool:
        return self.operator == CONSTANT

    def __str__(self) -> str:
        return _printer[0](self) if _printer else f"{self.operator}:{self.digest.hex()[:8]}"

    def __repr__(self) -> str:
        return f"<Node {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.operator, self.arguments, self.parameters)


_interned: "weakref.WeakValueDictionary[tuple[Any, ...], Node]" = weakref.WeakValueDictionary()
_lock = threading.Lock()
_printer: list[Callable[["Node"], str]] = []


def prints_nodes(function: Callable[[Node], str]) -> Callable[[Node], str]:
    """Register the function that prints a node, for `str(node)`; the last one registered is used."""
    _printer[:] = [function]
    return function


def field(name: str) -> Node:
    """The values of one field of the panel."""
    return _intern(FIELD, (), (name,), unit_of_field(name), 0, 0)


def constant(value: float) -> Node:
    """A number; refused when infinite or NaN."""
    if not math.isfinite(value):
        raise NodeError("a number must be finite; this one overflows or is undefined", "limit")
    return _intern(CONSTANT, (), (float(value) + 0.0,), None, 0, 0)


def build(name: str, arguments: Sequence[Node], numbers: Sequence[float] = ()) -> Node:
    """
    The node of one operator call, checked and simplified where that changes no bit.

    Raises:
        NodeError: units do not fit, a window is no positive whole number, or a limit is passed.
    """
    operator = operators()[name]
    parameters = _numbers(operator, numbers)
    if name == "clip":  # the bounds in either order, as in pandas
        parameters = tuple(sorted(parameters))
    _check_units(operator, arguments)
    if all(argument.is_constant for argument in arguments):
        return _fold(operator, arguments, parameters)
    short = _simplified(name, arguments, parameters)
    if short is not None:
        return short
    ordered = tuple(sorted(arguments, key=_order)) if operator.commutative else tuple(arguments)
    literals = tuple(float(a.parameters[0]) if a.is_constant else None for a in ordered)
    try:
        unit = operator.unit(tuple(a.unit for a in ordered), literals)
    except UnitError as error:
        raise NodeError(str(error), "type") from None
    try:
        own = operator.lookback(*parameters)
    except (ZeroDivisionError, OverflowError):  # a weight of zero never forgets
        raise NodeError(f"{name} with these numbers needs all of history", "limit", len(ordered)) from None
    lookback = own + max(argument.lookback for argument in ordered)
    if lookback > MAX_LOOKBACK:
        raise NodeError(f"needs {lookback:,} bars of history; the limit is {MAX_LOOKBACK:,}", "limit")
    return _intern(name, ordered, parameters, unit, lookback, int(operator.is_windowed))


def walk(node: Node) -> list[Node]:
    """The distinct nodes of a factor, arguments before their users."""
    seen: set[Node] = set()
    ordered: list[Node] = []
    stack = [(node, False)]
    while stack:
        current, done = stack.pop()
        if done:
            ordered.append(current)
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            stack += [(argument, False) for argument in reversed(current.arguments)]
    return ordered


def fields_used(node: Node) -> frozenset[str]:
    """Names of the panel fields the factor reads."""
    return frozenset(str(n.parameters[0]) for n in walk(node) if n.operator == FIELD)


def _numbers(operator: Operator, numbers: Sequence[float]) -> tuple[int | float, ...]:
    checked: list[int | float] = []
    for position, (parameter, value) in enumerate(zip(operator.numbers, numbers, strict=True), len(operator.series)):
        where = f"`{parameter.name}` of {operator.name}"
        if parameter.kind == "number":
            if not parameter.minimum <= value <= parameter.maximum:
                bounds = f"between {parameter.minimum:g} and {parameter.maximum:g}"
                raise NodeError(f"{where} must be {bounds}; found {value:g}", "type", position)
            checked.append(float(value) + 0.0)
            continue
        if value != int(value):
            suggestion = f"{max(1, round(value))}"
            raise NodeError(f"{where} must be a whole number of bars; found {value:g}", "type", position, suggestion)
        if value < 0:
            reason = f"{where} is {value:g}: a negative lag reads {-value:g} bars of the future"
            raise NodeError(reason, "leak", position, f"{-value:g}")
        if value < parameter.minimum:
            reason = f"{where} must be at least {parameter.minimum:g} bars; found {value:g}"
            raise NodeError(reason, "type", position, f"{parameter.minimum:g}")
        if value > MAX_LOOKBACK:
            reason = f"{where} is {value:,.0f} bars; the limit is {MAX_LOOKBACK:,}"
            raise NodeError(reason if value < 1e15 else f"{where} is beyond {MAX_LOOKBACK:,} bars", "limit", position)
        checked.append(int(value))
    return tuple(checked)


def _check_units(operator: Operator, arguments: Sequence[Node]) -> None:
    reference: Unit | None = None
    for position, (parameter, argument) in enumerate(zip(operator.series, arguments, strict=True)):
        unit = argument.unit
        if parameter.accepts == "boolean":
            if unit is None or unit.kind != "boolean":
                actual = "a number" if unit is None else f"a {unit}"
                reason = f"`{parameter.name}` of {operator.name} must be a condition; found {actual}"
                raise NodeError(reason, "type", position, "a comparison such as close > open")
            continue
        if operator.group != "arithmetic" and unit is None:
            reason = f"`{parameter.name}` of {operator.name} must be a series; found the number {argument}"
            raise NodeError(reason, "type", position)
        if parameter.accepts == "plain" and unit is not None and not unit.is_plain:
            reason = f"{operator.name} needs a plain number, not a {unit}"
            raise NodeError(reason, "type", position, "divide by something of the same unit, or use ts_zscore(x, 20)")
        if parameter.accepts == "comparable" and (level := _level(argument)):
            reason = f"{operator.name} compares symbols, and the {level.unit} of one says nothing about that of another"
            x = str(level) if level.size < 12 else "x"
            past = f"{x} / ts_mean({x}, 20)" if level.operator == FIELD else f"ts_zscore({x}, 20)"
            remedy = f"{past}, which compares with the symbol's own past; or plain({x}) if the level itself is meant"
            raise NodeError(reason, "type", position, remedy)
        if parameter.accepts == "like" and unit is not None and reference is not None and not unit.agrees(reference):
            verb = {"+": "add", "-": "subtract"}.get(operator.symbol, "compare" if operator.symbol else "combine")
            reason = f"cannot {verb} a {reference} and a {unit}: their units differ"
            remedy = "make both plain numbers first, for example with ts_zscore(x, 20), cs_rank(x) or a ratio"
            raise NodeError(reason, "type", position, remedy)
        reference = reference or unit


def _level(node: Node) -> Node | None:
    """The node not comparable across symbols: this one or the argument of its logarithm; None when comparable."""
    x = node.arguments[0] if node.operator in {"log", "log1p"} else node
    return None if x.unit is None or x.unit.is_comparable else x


def _fold(operator: Operator, arguments: Sequence[Node], parameters: tuple[int | float, ...]) -> Node:
    if operator.group != "arithmetic" or operator.returns == "boolean" or operator.kernel is None:
        raise NodeError(f"{operator.name} of numbers alone does not depend on any data", "type")
    out = np.empty((1, 1))
    operator.kernel(*(np.full((1, 1), float(a.parameters[0])) for a in arguments), *parameters, out=out)
    return constant(out[0, 0])


def _simplified(name: str, arguments: Sequence[Node], parameters: tuple[int | float, ...]) -> Node | None:
    """An existing node with the same bits in every cell, or None."""
    x = arguments[0]
    y = arguments[1] if len(arguments) > 1 else None
    value = y.parameters[0] if y is not None and y.is_constant else None
    first = x.parameters[0] if x.is_constant else None
    if (name in {"add", "subtract"} and value == 0.0) or (name in {"multiply", "divide", "power"} and value == 1.0):
        return x
    if (name == "add" and first == 0.0) or (name == "multiply" and first == 1.0):
        return y
    if name == "negative" and x.operator == "negative":
        return x.arguments[0]
    if name == "multiply" and y is not None and -1.0 in {value, first}:
        return build("negative", [x if value == -1.0 else y])
    if name == "subtract" and y is not None and first == 0.0:
        return build("negative", [y])
    if name in {"add", "subtract"} and y is not None and y.operator == "negative":
        return build("subtract" if name == "add" else "add", [x, y.arguments[0]])
    if name == "add" and y is not None and x.operator == "negative":
        return build("subtract", [y, x.arguments[0]])  # wherever the commutative order would have put them
    if name in {"abs", "plain", "sign"} and x.operator == name:
        return x
    if name == "plain" and x.unit is not None and x.unit.is_plain and x.unit.kind != "boolean":
        return x
    if name in {"ts_mean", "ts_sum", "ts_min", "ts_max", "ts_median", "decay_linear"} and parameters == (1,):
        return x
    if name in {"minimum", "maximum"} and x is y:
        return x
    return None


def _order(node: Node) -> tuple[bool, int, bytes]:
    """Place among commutative arguments: large sub-trees first, numbers last."""
    return node.is_constant, -node.size, node.digest


def _intern(
    operator: str,
    arguments: tuple[Node, ...],
    parameters: tuple[int | float | str, ...],
    unit: Unit | None,
    lookback: int,
    windowed: int,
) -> Node:
    key = (operator, arguments, parameters)
    with _lock:
        existing = _interned.get(key)
        if existing is not None:
            return existing
        size = 1 + sum(a.size for a in arguments)
        depth = 1 + max((a.depth for a in arguments), default=0)
        windows = windowed + sum(a.windows for a in arguments)
        for count, limit, what in (
            (size, MAX_NODES, "nodes"),
            (depth, MAX_DEPTH, "levels of nesting (each further term of a sum is one)"),
            (windows, MAX_WINDOWS, "windows"),
        ):
            if count > limit:
                raise NodeError(f"the expression has {count:,} {what}; the limit is {limit:,}", "limit")
        content = repr((operator, parameters)).encode() + b"".join(a.digest for a in arguments)
        node = Node(
            operator, arguments, parameters, unit, lookback, size, depth, windows, hashlib.sha256(content).digest()
        )
        _interned[key] = node
        return node


def _rebuild(operator: str, arguments: tuple[Node, ...], parameters: tuple[Any, ...]) -> Node:
    if operator == FIELD:
        return field(parameters[0])
    return constant(parameters[0]) if operator == CONSTANT else build(operator, arguments, parameters)
