"""
Functions of numpy and pandas, built-in names and operators called by name, each with the node it means.

Methods of series are in `pandas_calls`; a name that is not here is refused.
"""

from alpha_pipeline.expressions.nodes import Node, build, constant
from alpha_pipeline.expressions.pandas_values import (
    Given,
    Named,
    Refusal,
    Table,
    Value,
    as_condition,
    as_series,
    choose,
    clip,
    plain_number,
    take,
    whole,
)
from alpha_pipeline.operators import Operator, operators

_UNARY = ("abs", "sign", "log", "log1p", "exp", "sqrt", "tanh", "square", "floor")
_NUMPY = {
    "absolute": "abs", "fabs": "abs", "maximum": "maximum", "minimum": "minimum", "fmax": "larger_present",
    "fmin": "smaller_present", "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide",
    "true_divide": "divide", "power": "power", "negative": "negative", **{name: name for name in _UNARY},
}  # fmt: skip


def builtin(name: str, given: Given, named: Named) -> Value:
    """`name(...)` of a name that is no local function."""
    if name == "abs" and len(given) == 1 and not named:
        return build("abs", [as_series(given[0])])
    if name == "range" and 1 <= len(given) <= 3 and not named:
        numbers = range(*(whole(value, "range") for value in given))
        if len(numbers) > 64:
            raise Refusal("a range has at most 64 numbers here", kind="limit")
        return tuple(constant(float(n)) for n in numbers)
    if name in {"float", "int"} and len(given) == 1:
        return as_series(given[0])
    operator = operators().get(name)
    if operator is not None and operator.kernel is not None and not named:
        return _operator(operator, given)
    raise Refusal(f"the function {name!r} is not translated", "np.where, np.log, np.sign, rolling windows", "unknown")


def _operator(operator: Operator, given: Given) -> Node:
    """An operator of the registry called by its canonical name, for what pandas has no idiom for."""
    if len(given) != len(operator.parameters):
        raise Refusal(f"{operator.name} takes {len(operator.parameters)} arguments", operator.signature(), "type")
    series = [as_series(value) for value in given[: len(operator.series)]]
    numbers = zip(operator.numbers, given[len(series) :], strict=True)
    return build(operator.name, series, [plain_number(value, f"`{parameter.name}`") for parameter, value in numbers])


def numpy_call(name: str, given: Given, named: Named) -> Node:
    """`np.name(...)`."""
    if name == "where":
        condition, x, y = take(given, named, condition=None, x=None, y=None)
        return choose(as_condition(condition), x, y)
    if name == "clip":
        x, low, high = take(given, named, a=None, a_min=None, a_max=None)
        return clip(as_series(x), [low, high], {})
    if name in {"nan_to_num", "isnan"}:
        x, value = take(given, named, x=None, nan=constant(0.0))
        return (
            build("fill", [as_series(x)], [plain_number(value, "nan")])
            if name == "nan_to_num"
            else build("is_missing", [as_series(x)])
        )
    if name in _NUMPY:
        operator = operators()[_NUMPY[name]]
        values = [
            as_series(value) for value in take(given, named, **dict.fromkeys(("x1", "x2")[: len(operator.series)]))
        ]
        return build(operator.name, values)
    if name in {"roll", "flip", "cumsum", "mean", "std", "sum", "max", "min", "gradient", "convolve", "interp", "fft"}:
        raise Refusal(
            f"np.{name} uses the whole sample, later bars included", "series.rolling(n) or series.shift(n)", "leak"
        )
    raise Refusal(f"np.{name} is not translated", "np.where, np.log, np.sign, np.maximum", "unknown")


def pandas_call(name: str, given: Given, named: Named) -> Value:
    """`pd.name(...)`."""
    if name == "Series":
        data, *_ = take(given, named, data=None, index=None, name=None, dtype=None)
        return as_series(data)
    if name == "concat":
        parts, axis = take(given, named, objs=None, axis=None)
        if isinstance(parts, tuple) and parts and isinstance(axis, Node) and axis.parameters == (1.0,):
            return Table(tuple(as_series(part) for part in parts))
        raise Refusal("only pd.concat([a, b], axis=1) is translated")
    raise Refusal(f"pd.{name} is not translated", "methods of df['close']", "unknown")
