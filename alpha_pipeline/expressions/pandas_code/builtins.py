"""
Python built-ins and registry operators called by name, each with its translation.

Functions of numpy and pandas are in `functions`; other names are refused.
"""

from collections.abc import Callable

from alpha_pipeline.expressions.node import Node, build, constant
from alpha_pipeline.expressions.pandas_code.code_values import (
    Frame,
    Given,
    Index,
    Named,
    Numbers,
    Refusal,
    Span,
    Table,
    Value,
    kind,
    plain_number,
    take,
    whole_range,
)
from alpha_pipeline.expressions.pandas_code.semantics import arithmetic, as_series, truncate
from alpha_pipeline.expressions.pandas_code.window_functions import lift
from alpha_pipeline.operators import Operator, operators

MAX_RANGE = 64


def builtin(name: str, given: Given, named: Named) -> Value:
    """`name(...)` of a name other than a local function."""
    if name in _BUILTINS and not named:
        return _BUILTINS[name](given)
    operator = operators().get(name)
    if operator is not None and operator.kernel is not None and not named:
        return _operator(operator, given)
    raise Refusal(
        f"the function {name[:64]!r} is not translated", "np.where, np.log, np.sign, rolling windows", "unknown"
    )


def _operator(operator: Operator, given: Given) -> Node:
    """An operator called by its canonical name, where pandas has no idiom."""
    if len(given) != len(operator.parameters):
        raise Refusal(f"{operator.name} takes {len(operator.parameters)} arguments", operator.signature(), "type")
    series = [as_series(value) for value in given[: len(operator.series)]]
    if all(node.is_constant for node in series):
        raise Refusal(f"{operator.name} needs a series, not numbers alone", operator.example, "type")
    literals = zip(operator.numbers, given[len(series) :], strict=True)
    return build(operator.name, series, [plain_number(value, f"`{parameter.name}`") for parameter, value in literals])


def _abs(given: Given) -> Value:
    return lift(lambda x: build("abs", [as_series(x)]), *take(given, {}, x=None))


def _range(given: Given) -> Value:
    return tuple(constant(float(n)) for n in whole_range(given, "range", MAX_RANGE))


def _number(is_whole: bool) -> Callable[[Given], Value]:
    def read(given: Given) -> Value:
        (value,) = take(given, {}, x=None)
        number = constant(plain_number(value, "what float() and int() convert"))
        return truncate(number) if is_whole else number

    return read


def _sum(given: Given) -> Value:
    (parts,) = take(given, {}, parts=None)
    if not isinstance(parts, tuple) or not parts:
        raise Refusal(f"sum() adds a list of series; found {kind(parts)}", "sum([a, b])", "unknown")
    total = constant(0.0)
    for part in parts:
        total = arithmetic("add", total, part)
    return total


def _len(given: Given) -> Value:
    (value,) = take(given, {}, x=None)
    if isinstance(value, Span):
        return constant(float(value.window))
    if isinstance(value, tuple | Numbers):
        return constant(float(len(value) if isinstance(value, tuple) else len(value.values)))
    if isinstance(value, Frame | Table | Node | Index):
        return Index()
    raise Refusal(f"len() of {kind(value)} is not translated")


def _extreme(name: str) -> Callable[[Given], Value]:
    def read(given: Given) -> Value:
        values = [
            as_series(value) for value in (given[0] if len(given) == 1 and isinstance(given[0], tuple) else given)
        ]
        if len(values) < 2 or not all(value.is_constant for value in values):
            raise Refusal(f"{name}() does not compare series", f"np.{name}imum(a, b)", "unknown")
        result = values[0]
        for value in values[1:]:
            result = build(f"{name}imum", [result, value])
        return result

    return read


def _zip(given: Given) -> Value:
    if not all(isinstance(value, tuple | Numbers) for value in given):
        raise Refusal("zip() joins lists of literal values", "zip([5, 10], [0.7, 0.3])")
    return tuple(zip(*(_listed(value) for value in given), strict=False))


def _enumerate(given: Given) -> Value:
    (values,) = take(given, {}, values=None)
    return tuple((constant(float(n)), value) for n, value in enumerate(_listed(values)))


def _listed(value: Value) -> tuple[Value, ...]:
    if isinstance(value, Numbers):
        return tuple(constant(number) for number in value.values)
    if isinstance(value, tuple):
        return value
    raise Refusal(f"expected a list; found {kind(value)}", "[5, 10, 20]")


_BUILTINS: dict[str, Callable[[Given], Value]] = {
    "abs": _abs, "range": _range, "float": _number(False), "int": _number(True), "sum": _sum, "len": _len,
    "max": _extreme("max"), "min": _extreme("min"), "zip": _zip, "enumerate": _enumerate,
    "list": lambda given: _listed(given[0] if given else ()), "tuple": lambda given: _listed(given[0] if given else ()),
}  # fmt: skip
