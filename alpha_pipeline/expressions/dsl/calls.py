"""
Calls to nodes: synonyms, overloads, defaults, durations, and error messages.

Names come from the operator registry; the grammar around calls is in `parser`.
"""

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from alpha_pipeline.errors import ExpressionError, SettingError
from alpha_pipeline.expressions.node import Node, NodeError, build
from alpha_pipeline.market.durations import Clock, duration_bars
from alpha_pipeline.operators import Operator, Parameter, operators

_DURATION = re.compile(r"([0-9]{1,9})\s*(min|minute|h|hour|d|day|w|week)s?", re.ASCII | re.IGNORECASE)
_UNITS = {"m": "min", "h": "h", "d": "d", "w": "w"}
_LEAKS = {
    "lead": "delay(x, n)", "future": "delay(x, n)", "next": "delay(x, n)", "future_return": "ts_return(x, n)",
    "forward_return": "ts_return(x, n)", "forward_returns": "ts_return(x, n)", "bfill": "fill(x, 0)",
    "backfill": "fill(x, 0)", "interpolate": "fill(x, 0)", "centered_mean": "ts_mean(x, n)", "savgol": "ema(x, n)",
    "fft": "ts_detrend(x, n)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call: a node, or a duration such as "5d"."""

    value: Node | str
    position: int


@dataclass(frozen=True)
class Context:
    """
    What a text is read against.

    Args:
        source: the full text, for carets.
        clock: bars of the market; resolves durations.
        expand: reads a formula or a default written in the language, with parameter names bound to arguments.
    """

    source: str
    clock: Clock
    expand: Callable[[str, dict[str, Node]], Node]

    def refuse(
        self, reason: str, position: int, suggestion: str | None = None, kind: str = "syntax"
    ) -> ExpressionError:
        return ExpressionError(reason, self.source, position, suggestion, kind)


class _MisfitError(Exception):
    """The arguments do not fit this candidate operator."""

    def __init__(self, reason: str, position: int | None = None, kind: str = "type") -> None:
        super().__init__(reason)
        self.reason, self.position, self.kind = reason, position, kind


@lru_cache(maxsize=1)
def synonyms() -> dict[str, tuple[Operator, ...]]:
    """Lower-case name to the operators it may mean, the canonical one first."""
    table: dict[str, list[Operator]] = {name: [operator] for name, operator in operators().items()}
    for operator in operators().values():
        for alias in operator.aliases:
            table.setdefault(alias, []).append(operator)
    return {name: tuple(operators) for name, operators in table.items()}


def nearest_names(name: str, count: int = 3) -> list[str]:
    """Operator names with a similar spelling, closest first."""
    return difflib.get_close_matches(name.lower(), synonyms(), n=count, cutoff=0.6)


def call(
    name: str,
    position: int,
    arguments: Sequence[Argument],
    named: dict[str, Argument],
    context: Context,
    fields: Collection[str] = (),
) -> Node:
    """The node of `name(arguments, ...)`; ExpressionError with a caret when there is none."""
    candidates = synonyms().get(name.lower())
    if candidates is None:
        raise _unknown(name, position, context, fields)
    if len(candidates) > 1 and len(arguments) > 1 and _is_window(arguments[-1]):
        # max(close, 20) means the last 20 bars; max(close, 0) and max(close, open) compare cell by cell.
        candidates = tuple(sorted(candidates, key=lambda operator: not operator.is_windowed))
    failures: list[tuple[Operator, _MisfitError]] = []
    for operator in candidates:
        try:
            series, numbers = _bind(operator, arguments, named, context)
        except _MisfitError as misfit:
            failures.append((operator, misfit))
            continue
        return make(operator, series, numbers, position, context)
    nearest, reason = min(failures, key=lambda f: abs(len(f[0].parameters) - len(arguments) - len(named)))
    where = position if reason.position is None else reason.position
    raise context.refuse(reason.reason, where, nearest.example, reason.kind)


def make(
    operator: Operator,
    series: Sequence[Argument],
    numbers: Sequence[tuple[float, int]],
    position: int,
    context: Context,
) -> Node:
    """Build a node or expand a formula; the caret of an error is under the invalid argument."""
    nodes = [a.value for a in series if isinstance(a.value, Node)]
    try:
        if operator.formula is None:
            return build(operator.name, nodes, [value for value, _ in numbers])
        values: dict[str, Node] = dict(zip((p.name for p in operator.series), nodes, strict=True))
        for parameter, (value, where) in zip(operator.numbers, numbers, strict=True):
            if reason := _misfit(operator, parameter, value):
                kind = "leak" if value < 0 and parameter.kind != "number" else "type"
                raise context.refuse(reason, where, operator.example, kind)
            values[parameter.name] = context.expand(repr(float(value)), {})
        return context.expand(operator.formula, values)
    except NodeError as error:
        places = [a.position for a in series] + [where for _, where in numbers]
        at = position if error.argument is None or operator.symbol else places[error.argument]
        raise context.refuse(error.reason, at, error.suggestion, error.kind) from None
    except ExpressionError as error:
        if error.source == context.source:
            raise
        raise context.refuse(f"{operator.name}: {error.reason}", position, error.suggestion, error.kind) from None


def _misfit(operator: Operator, parameter: Parameter, value: float) -> str:
    """Why a number is invalid for a parameter of a formula; empty when valid."""
    subject = f"`{parameter.name}` of {operator.name} must be"
    if parameter.kind != "number" and (value != int(value) or value < parameter.minimum):
        return f"{subject} a whole number of bars, {parameter.minimum:g} or more; found {value:g}"
    if not parameter.minimum <= value <= parameter.maximum:
        return f"{subject} at least {parameter.minimum:g}; found {value:g}"
    return ""


def _bind(
    operator: Operator, arguments: Sequence[Argument], named: dict[str, Argument], context: Context
) -> tuple[list[Argument], list[tuple[float, int]]]:
    """Series and numbers of a call in the operator's order, or _MisfitError."""
    parameters = operator.parameters
    given = list(arguments)
    skipped = 0
    if given and _is_number(given[0]) and operator.series and operator.series[0].default is not None:
        skipped = len(operator.series)  # atr(14): the series are left to their defaults
    bound: dict[str, Argument] = {}
    if operator.formula and len(given) < len(parameters) and 0 < _leading_series(given) < len(operator.series):
        bound = _partial_series(operator, given)
        skipped = len(operator.series)
        given = given[_leading_series(given) :]
    if len(given) > len(parameters) - skipped:
        raise _MisfitError(
            f"{operator.name} takes {_count(parameters)}: {operator.signature()}; found {len(arguments)}"
        )
    bound.update({parameter.name: argument for parameter, argument in zip(parameters[skipped:], given, strict=False)})
    for name, argument in named.items():
        parameter_name = _parameter_named(operator, name)
        if parameter_name is None or parameter_name in bound:
            problem = "given twice" if parameter_name in bound else "unknown"
            raise _MisfitError(f"`{name}` is {problem} in {operator.signature()}", argument.position, "syntax")
        bound[parameter_name] = argument
    series: list[Argument] = []
    numbers: list[tuple[float, int]] = []
    for parameter in parameters:
        argument = bound.get(parameter.name) or _default(operator, parameter, context)
        if parameter.kind == "series":
            if isinstance(argument.value, str):
                raise _MisfitError(
                    f"`{parameter.name}` of {operator.name} must be a series, not a duration", argument.position
                )
            series.append(argument)
        else:
            numbers.append((_number(operator, parameter, argument, context), argument.position))
    return series, numbers


def _partial_series(operator: Operator, given: Sequence[Argument]) -> dict[str, Argument]:
    """vwap(20, ...) or natr(close, 14): the series given, assigned by field name, else from the left."""
    by_field = {p.name: p for p in operator.series}
    bound: dict[str, Argument] = {}
    for position, argument in enumerate(given[: _leading_series(given)]):
        node = argument.value
        name = str(node.parameters[0]) if isinstance(node, Node) and node.operator == "field" else ""
        target = name if name in by_field and name not in bound else operator.series[position].name
        if target in bound:
            raise _MisfitError(f"{operator.name} takes {operator.signature()}", argument.position)
        bound[target] = argument
    return bound


def _leading_series(given: Sequence[Argument]) -> int:
    for position, argument in enumerate(given):
        if _is_number(argument):
            return position
    return len(given)


def _parameter_named(operator: Operator, name: str) -> str | None:
    names = [p.name for p in operator.parameters]
    if name in names:
        return name
    bars = [p.name for p in operator.numbers if p.kind != "number"]
    if (
        name.lower() in {"window", "n", "d", "period", "periods", "length", "span", "lag", "timeperiod"}
        and len(bars) == 1
    ):
        return bars[0]
    plain = {"q": "fraction", "quantile": "fraction", "lower": "low", "upper": "high", "limits": "fraction"}.get(name)
    return plain if plain in names else None


def _default(operator: Operator, parameter: Parameter, context: Context) -> Argument:
    if parameter.default is None:
        what = "a window in bars" if parameter.kind in {"window", "lag"} else f"`{parameter.name}`"
        raise _MisfitError(f"{operator.name} needs {what}: {operator.signature()}")
    text = parameter.default if isinstance(parameter.default, str) else repr(float(parameter.default))
    try:
        return Argument(context.expand(text, {}), 0)
    except ExpressionError as error:
        raise _MisfitError(f"`{parameter.name}` of {operator.name}: {error.reason}", kind=error.kind) from None


def _number(operator: Operator, parameter: Parameter, argument: Argument, context: Context) -> float:
    value = argument.value
    if isinstance(value, str):
        if parameter.kind == "number":
            raise _MisfitError(
                f"`{parameter.name}` of {operator.name} must be a number, not a duration", argument.position
            )
        return _bars(value, argument.position, context)
    if not value.is_constant:
        kind = "a number" if parameter.kind == "number" else "a whole number of bars or a duration such as '5d'"
        raise _MisfitError(f"`{parameter.name}` of {operator.name} must be {kind}, not a series", argument.position)
    return float(value.parameters[0])


def _bars(duration: str, position: int, context: Context) -> float:
    """A duration in bars; refused when not a whole number of bars."""
    match = _DURATION.fullmatch(duration.strip("\"' "))
    if match is None:
        raise context.refuse("a duration is a number and a unit: min, h, d or w", position, "'5d'")
    bar = context.clock.bar
    try:
        return float(duration_bars(f"{match[1]}{_UNITS[match[2][0].lower()]}", context.clock))
    except SettingError as error:
        counted = str(error).split(" is ", 1)[1].split(";")[0]
        raise context.refuse(
            f"{duration} is {counted}; a window is a whole number of bars", position, f"'{bar}' or a multiple of it",
            "type",
        ) from None  # fmt: skip


def _is_number(argument: Argument) -> bool:
    return isinstance(argument.value, str) or argument.value.is_constant


def _is_window(argument: Argument) -> bool:
    """Whether an argument reads as a window: a duration, or a whole number above one."""
    if isinstance(argument.value, str):
        return True
    if not argument.value.is_constant:
        return False
    value = float(argument.value.parameters[0])
    return value > 1 and value == int(value)


def _count(parameters: Sequence[Parameter]) -> str:
    least = sum(p.default is None for p in parameters)
    most = len(parameters)
    return f"{most} argument{'s' * (most != 1)}" if least == most else f"{least} to {most} arguments"


def _unknown(name: str, position: int, context: Context, fields: Collection[str]) -> ExpressionError:
    if name in fields:
        return context.refuse(f"{name} is a field and takes no arguments", position, f"delay({name}, 1)", "type")
    if name.lower() in _LEAKS:
        reason = f"{name} reads the future: a factor may only use bars up to the current one"
        return context.refuse(reason, position, _LEAKS[name.lower()], "leak")
    close = nearest_names(name, 1)
    suggestion = synonyms()[close[0]][0].example if close else None
    reason = f"unknown operator {name!r}" + (f"; did you mean {close[0]}?" if close else "")
    if not close:
        reason += "; there are " + ", ".join(list(operators())[:60])
    return context.refuse(reason, position, suggestion, "unknown")
