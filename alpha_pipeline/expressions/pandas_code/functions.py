"""
Functions of numpy and pandas, each with its translation.

Methods of series are in `series`, Python built-ins in `builtins`; other names are refused.
"""

import math
from collections.abc import Callable

from alpha_pipeline.expressions.node import Node, build, constant
from alpha_pipeline.expressions.pandas_code.code_values import (
    NAN,
    Builtin,
    Given,
    Missing,
    Named,
    Numbers,
    Refusal,
    Span,
    Value,
    is_across,
    plain_number,
    take,
)
from alpha_pipeline.expressions.pandas_code.frames import table_of
from alpha_pipeline.expressions.pandas_code.refusals import refused_name
from alpha_pipeline.expressions.pandas_code.semantics import (
    arithmetic,
    as_series,
    choose,
    clip,
    comparison,
    extreme,
    fillna,
    logic,
    truncate,
)
from alpha_pipeline.expressions.pandas_code.series import ARITHMETIC
from alpha_pipeline.expressions.pandas_code.window_functions import (
    lift,
    literal_row,
    numbers,
    row_method,
    slope,
    span_method,
)

_UNARY = ("abs", "sign", "log", "log1p", "exp", "sqrt", "tanh", "square", "floor", "negative")
_SAME = {"absolute": "abs", "fabs": "abs", **{name: name for name in _UNARY}}
_PAIRS = {"maximum": "maximum", "minimum": "minimum", "fmax": "larger_present", "fmin": "smaller_present"}
_ARITHMETIC = {**ARITHMETIC, "true_divide": "divide", "power": "power", "float_power": "power"}
_COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
_KNOWN = "np.where, np.log, np.exp, np.sqrt, np.sign, np.abs, np.maximum, np.minimum, np.clip, np.tanh, np.select"
_DTYPES = {"float64": "float", "float32": "float32", "int64": "int", "int32": "int", "int8": "int", "bool_": "bool"}


def _ceil(x: Node) -> Node:
    return build("negative", [build("floor", [build("negative", [x])])])


def _cube_root(x: Node) -> Node:
    return build("multiply", [build("sign", [x]), build("power", [build("abs", [x]), constant(1.0 / 3.0)])])


_DERIVED: dict[str, Callable[[Node], Node]] = {
    "log2": lambda x: build("divide", [build("log", [x]), constant(math.log(2.0))]),
    "log10": lambda x: build("divide", [build("log", [x]), constant(math.log(10.0))]),
    "expm1": lambda x: build("subtract", [build("exp", [x]), constant(1.0)]),
    "reciprocal": lambda x: build("divide", [constant(1.0), x]),
    "ceil": _ceil,
    "trunc": truncate,
    "cbrt": _cube_root,
    "isnan": lambda x: build("is_missing", [x]),
    "isfinite": lambda x: build("negate", [build("is_missing", [x])]),
}


def module_attribute(module: str, name: str) -> Value:
    """`np.name` without a call."""
    if name in {"nan", "NaN", "NAN", "NA"}:
        return NAN
    if name in {"inf", "Inf", "PINF", "NINF"}:
        return Missing(is_infinite=True)
    if name in {"pi", "e"}:
        return constant(math.pi if name == "pi" else math.e)
    if name in _DTYPES:
        return _DTYPES[name]
    refusal = refused_name(name, f"{module}.{name}", _KNOWN)
    if refusal.kind == "leak" and name not in {"mean", "sum", "std", "var", "min", "max", "median", "prod", "ptp"}:
        raise refusal
    return Builtin(name)


def numpy_call(name: str, given: Given, named: Named) -> Value:
    """`np.name(...)`."""
    if name in _SAME or name in _DERIVED:
        function = _DERIVED.get(name) or (lambda x: build(_SAME[name], [x]))
        return lift(lambda x: function(as_series(x)), *take(given, named, x=None))
    if name in _PAIRS:
        return lift(lambda x, y: extreme(_PAIRS[name], x, y), *take(given, named, x1=None, x2=None))
    if name in _ARITHMETIC:
        return lift(lambda x, y: arithmetic(_ARITHMETIC[name], x, y), *take(given, named, x1=None, x2=None))
    if name in _COMPARISONS:
        return lift(lambda x, y: comparison(name, x, y), *take(given, named, x1=None, x2=None))
    if name in {"logical_and", "logical_or"}:
        word = "both" if name == "logical_and" else "either"
        return lift(lambda x, y: logic(word, x, y), *take(given, named, x1=None, x2=None))
    if name in _NUMPY:
        return _NUMPY[name](given, named)
    if given and isinstance(given[0], Span):
        return span_method(given[0], name, given[1:], named, is_numpy=True)
    if name == "dot" and len(given) == 2 and isinstance(given[1], Span):
        return span_method(given[1], name, given[:1], named)
    if given and isinstance(given[0], Numbers):
        return row_method(given[0], name)
    raise refused_name(name, f"np.{name}()", _KNOWN)


def _where(given: Given, named: Named) -> Value:
    condition, x, y = take(given, named, condition=None, x=None, y=None)
    if x is None or y is None:
        raise Refusal("np.where needs a condition and two values", "np.where(condition, a, b)")
    return (
        lift(choose, condition, x, y)
        if not isinstance(x, Missing) and not isinstance(y, Missing)
        else (choose(condition, x, y))
    )


def _clip(given: Given, named: Named) -> Value:
    x, low, high = take(given, named, a=None, a_min=None, a_max=None)
    return clip(as_series(x), low, high)


def _select(given: Given, named: Named) -> Value:
    conditions, choices, chosen = take(given, named, condlist=None, choicelist=None, default=constant(0.0))
    if not isinstance(conditions, tuple) or not isinstance(choices, tuple) or len(conditions) != len(choices):
        raise Refusal("np.select takes as many conditions as choices", "np.select([a > b, a < b], [1, -1], default=0)")
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        chosen = choose(condition, choice, chosen)
    return chosen


def _nan_to_num(given: Given, named: Named) -> Value:
    x, _, value, high, low = take(given, named, x=None, copy=True, nan=constant(0.0), posinf=None, neginf=None)
    number = plain_number(value, "nan")
    if any(bound is not None and plain_number(bound, "an infinity") != number for bound in (high, low)):
        raise Refusal("infinities count as missing here, so they become the same number", "np.nan_to_num(x, nan=0.0)")
    return fillna(as_series(x), constant(number))


def _filled(value: float | None) -> Callable[[Given, Named], Value]:
    def read(given: Given, named: Named) -> Value:
        options = {key: part for key, part in named.items() if key != "dtype"}
        if value is not None:
            take(given, options, like=None)
            return constant(value)
        _, number = take(given, options, like=None, fill_value=None)
        return number if isinstance(number, Missing) else constant(plain_number(number, "the value"))

    return read


def _polyfit(given: Given, named: Named) -> Value:
    time, span, degree = take(given, named, x=None, y=None, deg=None)
    if not isinstance(span, Span):
        raise refused_name("polyfit", "np.polyfit()", _KNOWN)
    return slope(time, span, degree)


def _row(given: Given, named: Named) -> Value:
    (part,) = take(given, named, object=None)
    return part if isinstance(part, Node | Span) else literal_row(part)


def _arange(given: Given, named: Named) -> Value:
    take((), {key: value for key, value in named.items() if key != "dtype"})
    return numbers(given)


_NUMPY: dict[str, Callable[[Given, Named], Value]] = {
    "where": _where, "clip": _clip, "select": _select, "nan_to_num": _nan_to_num, "zeros": _filled(0.0),
    "zeros_like": _filled(0.0), "ones": _filled(1.0), "ones_like": _filled(1.0), "full": _filled(None),
    "full_like": _filled(None), "polyfit": _polyfit, "array": _row, "asarray": _row, "arange": _arange,
    "logical_not": lambda given, named: build("negate", [as_series(v) for v in take(given, named, x=None)]),
    "errstate": lambda given, named: Builtin("errstate"),
}  # fmt: skip


def pandas_call(name: str, given: Given, named: Named) -> Value:
    """`pd.name(...)`."""
    if name == "Series":
        data, *_ = take(given, named, data=None, index=None, name=None, dtype=None)
        if isinstance(data, Span):
            return Span(data.series, data.origin, data.window, False, data.weights)
        return data if isinstance(data, Missing | Numbers) else as_series(data)
    if name == "concat":
        parts, axis = take(given, named, objs=None, axis=None)
        if not is_across(axis):
            raise Refusal("pd.concat along time changes the number of bars", "pd.concat([a, b], axis=1)")
        return table_of(parts)
    if name == "DataFrame":
        data, *_ = take(given, named, data=None, index=None)
        return table_of({} if data is None else data)
    if name in {"isna", "isnull", "notna", "notnull"}:
        missing = build("is_missing", [as_series(value) for value in take(given, named, obj=None)])
        return missing if name.startswith("is") else build("negate", [missing])
    raise refused_name(name, f"pd.{name}()", "pd.Series, pd.concat([a, b], axis=1), and methods of df['close']")
