"""
The registry: one decorated function (or one formula) is one operator.

Parser, types, look-back, documentation, the model's vocabulary, tables and the generic tests all read from here. What
an operator computes is in the rooms beside; how texts become calls is in `expressions`.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_type_hints

from alpha_pipeline.operators import units
from alpha_pipeline.operators.units import Unit
from alpha_pipeline.typing import Array

Kind = Literal["series", "window", "lag", "count", "number"]


class UnitError(Exception):
    """The units of the arguments do not fit; the parser turns it into an `ExpressionError` with a caret."""


@dataclass(frozen=True)
class Parameter:
    """
    One parameter of an operator.

    Args:
        name: as written in `name=value`.
        kind: "series" (an expression), "window" or "lag" (bars), "count" (of values) or "number".
        accepts: unit of a series: "any", "plain", "boolean", or "like" (same dimensions as the first series).
        default: number or field name taken when left out; None means it must be given.
        minimum: smallest value of a window or number.
        maximum: largest value of a number.
    """

    name: str
    kind: Kind
    accepts: str = "any"
    default: float | str | None = None
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True)
class Operator:
    """
    One word of the factor language.

    Args:
        name: canonical name, as printed by the DSL.
        parameters: in call order; series first.
        unit: rule from the units of the series (None for a literal number) and the numbers to the unit of the result.
        returns: that rule in words: "same", "ratio", "rank", ...
        doc: one line for people and models.
        example: a call that parses.
        aliases: other names people and models write; shared aliases are told apart by their arguments.
        lookback: extra bars of history needed, from the numbers.
        kernel: fills `out` from series and numbers; None for a formula.
        anchored: the kernel also takes `origin`, the number of the bar in row 0.
        formula: DSL text over the parameter names; None for a kernel.
        commutative: series may be swapped.
        recursive: infinite memory; `lookback` is then the warm-up after which a slice agrees to 1e-9.
        symbol: infix or prefix spelling, "" for a call.
        group: heading in tables: arithmetic, logic, time series, cross section, indicator.
    """

    name: str
    parameters: tuple[Parameter, ...]
    unit: Callable[[tuple[Unit | None, ...], tuple[float | None, ...]], Unit]
    returns: str
    doc: str
    example: str
    aliases: tuple[str, ...] = ()
    lookback: Callable[..., int] = lambda *numbers: 0
    kernel: Callable[..., None] | None = None
    formula: str | None = None
    commutative: bool = False
    recursive: bool = False
    symbol: str = ""
    group: str = ""
    anchored: bool = False

    @property
    def series(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if p.kind == "series")

    @property
    def numbers(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if p.kind != "series")

    @property
    def is_windowed(self) -> bool:
        return any(p.kind in {"window", "lag"} for p in self.parameters)

    def signature(self) -> str:
        parts = [p.name if p.default is None else f"{p.name}={_plain(p.default)}" for p in self.parameters]
        return f"{self.name}({', '.join(parts)})"


Series = Annotated[Array, Parameter("", "series")]
Plain = Annotated[Array, Parameter("", "series", accepts="plain")]
Flag = Annotated[Array, Parameter("", "series", accepts="boolean")]
Like = Annotated[Array, Parameter("", "series", accepts="like")]
Window = Annotated[int, Parameter("", "window", minimum=1)]
Window2 = Annotated[int, Parameter("", "window", minimum=2)]
Window3 = Annotated[int, Parameter("", "window", minimum=3)]
Window4 = Annotated[int, Parameter("", "window", minimum=4)]
Lag = Annotated[int, Parameter("", "lag", minimum=1)]
Count = Annotated[int, Parameter("", "count", minimum=1)]
Number = Annotated[float, Parameter("", "number")]
Positive = Annotated[float, Parameter("", "number", minimum=1e-12)]
Fraction01 = Annotated[float, Parameter("", "number", minimum=0.0, maximum=1.0)]

_operators: dict[str, Operator] = {}

Rule = Callable[[tuple[Unit | None, ...], tuple[float | None, ...]], Unit]


def _first(series: tuple[Unit | None, ...]) -> Unit:
    return next((unit for unit in series if unit), units.RATIO)


def _sum(series: tuple[Unit | None, ...], literals: tuple[float | None, ...]) -> Unit:
    x, y = series
    unit = x.plus(y) if x and y else x or y or units.RATIO
    return units.RATIO if unit.kind == "boolean" else unit


def _power(series: tuple[Unit | None, ...], literals: tuple[float | None, ...]) -> Unit:
    base, exponent = series[0] or units.RATIO, literals[1]
    if base.is_plain:
        return units.RATIO
    if exponent is None:
        raise UnitError(f"a {base} can only be raised to a literal number, so that the unit of the result is known")
    return base.power(exponent)


# From the units of the series (None for a literal number) and the values of the literals to the unit of the result.
RULES: dict[str, Rule] = {
    "kept": lambda series, _: _first(series),
    # Arithmetic on conditions, such as their mean, gives a ratio.
    "same": lambda series, _: units.RATIO if _first(series).kind == "boolean" else _first(series),
    "sum": _sum,
    "product": lambda series, _: (series[0] or units.RATIO).times(series[1] or units.RATIO),
    "quotient": lambda series, _: (series[0] or units.RATIO).over(series[1] or units.RATIO),
    "power": _power,
    "square": lambda series, _: (series[0] or units.RATIO).power(2),
    "root": lambda series, _: (series[0] or units.RATIO).power(0.5),
    "either": lambda series, _: series[1] or series[2] or units.RATIO,
    "ratio": lambda series, _: units.RATIO,
    "return": lambda series, _: units.RETURN,
    "rank": lambda series, _: units.RANK,
    "boolean": lambda series, _: units.BOOLEAN,
    "count": lambda series, _: units.COUNT,
}


def operators() -> Mapping[str, Operator]:
    """Every operator by canonical name, in order of declaration."""
    return _operators


def operator(
    returns: str,
    example: str,
    *,
    aliases: tuple[str, ...] = (),
    lookback: Callable[..., int] = lambda *numbers: 0,
    commutative: bool = False,
    recursive: bool = False,
    symbol: str = "",
    group: str = "",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Declare an operator by its function: name, parameters, types and documentation come from it.

    Args:
        returns: a key of RULES, the unit of the result.
        example, aliases, lookback, commutative, recursive, symbol, group: see `Operator`.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        parameters = tuple(p for p in _parameters(function) if p.name not in {"origin", "out"})
        _add(
            Operator(
                function.__name__.rstrip("_"),
                parameters,
                RULES[returns],
                returns,
                inspect.cleandoc(function.__doc__ or ""),
                example,
                aliases,
                lookback,
                function,
                None,
                commutative,
                recursive,
                symbol,
                group or function.__module__.rpartition(".")[2].replace("_", " "),
                "origin" in inspect.signature(function).parameters,
            )
        )
        return function

    return declare


def formula(
    name: str, parameters: tuple[Parameter, ...], text: str, doc: str, example: str, aliases: tuple[str, ...] = ()
) -> None:
    """Declare an operator that is an abbreviation: a DSL text over its parameter names, expanded when parsed."""
    _add(
        Operator(
            name, parameters, RULES["ratio"], "see formula", doc, example, aliases, formula=text, group="indicators"
        )
    )


def _add(new: Operator) -> None:
    if new.name in _operators:
        raise ValueError(f"operator {new.name!r} is declared twice")
    _operators[new.name] = new


def _parameters(function: Callable[..., None]) -> list[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        template: Any = getattr(hints[name], "__metadata__", (Parameter("", "series"),))[0]
        default = None if parameter.default is inspect.Parameter.empty else parameter.default
        found.append(Parameter(name, template.kind, template.accepts, default, template.minimum, template.maximum))
    return found


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
