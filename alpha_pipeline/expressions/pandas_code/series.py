"""
Methods of series, each with its translation.

Windows are in `windows`, functions of numpy and pandas in `functions`, refused names in `refusals`.
"""

from collections.abc import Callable

from alpha_pipeline.expressions.node import Node, build, constant
from alpha_pipeline.expressions.pandas_code.code_values import (
    NAN,
    Given,
    Index,
    Missing,
    Named,
    Refusal,
    Value,
    is_across,
    take,
    whole_number,
)
from alpha_pipeline.expressions.pandas_code.refusals import refused_name
from alpha_pipeline.expressions.pandas_code.semantics import (
    arithmetic,
    as_series,
    choose,
    clip,
    comparison,
    fillna,
    is_condition,
    logic,
    replace,
    truncate,
)
from alpha_pipeline.expressions.pandas_code.windows import ewm, rolling

KNOWN = "shift, diff, pct_change, rolling, ewm, fillna, ffill, clip, where, mask, replace, abs, astype"
ARITHMETIC = {
    "add": "add", "sub": "subtract", "subtract": "subtract", "mul": "multiply", "multiply": "multiply", "div": "divide",
    "divide": "divide", "truediv": "divide", "pow": "power",
}  # fmt: skip
COMPARISONS = {
    "gt": "greater", "ge": "greater_equal", "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip


def series_method(x: Node, name: str, given: Given, named: Named) -> Value:
    """`x.name(...)`."""
    if name in _METHODS:
        return _METHODS[name](x, given, named)
    plain = name.removeprefix("r")
    if name in ARITHMETIC or (name != plain and plain in ARITHMETIC):
        (other,) = take(given, named, other=None)
        left, right = (x, other) if name in ARITHMETIC else (other, x)
        return arithmetic(ARITHMETIC.get(name) or ARITHMETIC[plain], left, right)
    if name in COMPARISONS:
        (other,) = take(given, named, other=None)
        return comparison(COMPARISONS[name], x, other)
    raise refused_name(name, f".{name}()", KNOWN)


def _lag(periods: Value, what: str) -> int:
    bars = whole_number(periods, f"the lag of {what}")
    if bars < 0:
        raise Refusal(f"{what}({bars}) reads {-bars} bar{'s' * (bars < -1)} of the future", f"{what}({-bars})", "leak")
    return bars


def _shift(x: Node, given: Given, named: Named) -> Node:
    periods, freq, _, fill = take(given, named, periods=constant(1.0), freq=None, axis=constant(0.0), fill_value=NAN)
    if freq is not None:
        raise Refusal("shift(..., freq) moves the index, not the values", "shift(n)")
    lag = _lag(periods, "shift")
    if lag == 0:
        return x
    moved = build("delay", [x], [lag])
    if isinstance(fill, Missing):
        return moved
    if is_condition(x):
        return build("fill", [moved], [float(as_series(fill).parameters[0])])
    before = build("is_missing", [build("delay", [build("is_missing", [x])], [lag])])
    return choose(before, fill, moved)


def _diff(x: Node, given: Given, named: Named) -> Node:
    (periods,) = take(given, named, periods=constant(1.0))
    lag = _lag(periods, "diff")
    if is_condition(x):
        raise Refusal("pandas does not subtract conditions", "condition.astype(int).diff()", "type")
    return build("delta", [x], [lag])


def _pct_change(x: Node, given: Given, named: Named) -> Node:
    options = {key: value for key, value in named.items() if not (key == "fill_method" and value is None)}
    (periods,) = take(given, options, periods=constant(1.0))
    return build("ts_return", [x], [_lag(periods, "pct_change")])


def _fillna(x: Node, given: Given, named: Named) -> Node:
    if (method := named.get("method")) is not None:
        if method in ("ffill", "pad"):
            raise Refusal("fillna(method='ffill') without a limit has unbounded memory", "ffill(limit=5)", "leak")
        raise Refusal(
            f"fillna(method={str(method)[:20]!r}) fills from later bars", "ffill(limit=5) or fillna(0)", "leak"
        )
    (value,) = take(given, named, value=None)
    return fillna(x, value)


def _ffill(x: Node, given: Given, named: Named) -> Node:
    (limit,) = take(given, named, limit=None)
    if limit is None:
        raise Refusal("ffill without a limit has unbounded memory", "ffill(limit=5)", "leak")
    return build("ffill", [x], [whole_number(limit, "the limit of ffill") + 1])


def _where(x: Node, given: Given, named: Named) -> Node:
    condition, other = take(given, named, cond=None, other=NAN)
    return choose(condition, x, other)


def _mask(x: Node, given: Given, named: Named) -> Node:
    condition, other = take(given, named, cond=None, other=NAN)
    return choose(condition, other, x)


def _replace(x: Node, given: Given, named: Named) -> Node:
    old, new = take(given, named, to_replace=None, value=None)
    if isinstance(old, dict) or new is None:
        raise Refusal("replace takes the old and the new value", "replace(0, np.nan)")
    return replace(x, old, new)


def _rank(x: Node, given: Given, named: Named) -> Node:
    axis, method, fraction = take(given, named, axis=constant(0.0), method="average", pct=False)
    if not is_across(axis):
        raise Refusal(".rank() over the whole sample uses later bars", "rolling(20).rank(pct=True)", "leak")
    if fraction is not True or method != "average":
        raise Refusal("only rank(axis=1, pct=True) is translated", "rank(axis=1, pct=True)")
    return build("cs_rank", [x])


def _astype(x: Node, given: Given, named: Named) -> Node:
    dtype, _ = take(given, named, dtype=None, copy=None)
    text = dtype if isinstance(dtype, str) else ""
    if text in {"float", "float64", "f8"}:
        return build("plain", [x]) if is_condition(x) else x
    if text in {"int", "int64", "int32", "int8", "i8"}:
        return truncate(x)
    if text in {"bool", "boolean"}:
        return x if is_condition(x) else comparison("not_equal", x, constant(0.0))
    raise Refusal("this type is not translated; values are 64-bit floats", "astype(float)", "type")


def _between(x: Node, given: Given, named: Named) -> Node:
    low, high, inclusive = take(given, named, left=None, right=None, inclusive="both")
    if inclusive not in ("both", "neither", "left", "right"):
        raise Refusal("inclusive is 'both', 'neither', 'left' or 'right'", "between(a, b)")
    above = comparison("greater_equal" if inclusive in ("both", "left") else "greater", x, low)
    below = comparison("less_equal" if inclusive in ("both", "right") else "less", x, high)
    return logic("both", above, below)


def _clip(x: Node, given: Given, named: Named) -> Node:
    low, high, _ = take(given, named, lower=None, upper=None, axis=None)
    return clip(x, low, high)


def _combine_first(x: Node, given: Given, named: Named) -> Node:
    (other,) = take(given, named, other=None)
    return fillna(x, other)


def _reindex(x: Node, given: Given, named: Named) -> Node:
    (index,) = take(given, named, index=None)
    if not isinstance(index, Index):
        raise refused_name("reindex", ".reindex()", KNOWN)
    return x


def _same(x: Node, given: Given, named: Named) -> Node:
    return x


def _missing(x: Node, given: Given, named: Named) -> Node:
    take(given, named)
    return build("is_missing", [x])


def _present(x: Node, given: Given, named: Named) -> Node:
    return build("negate", [_missing(x, given, named)])


def _abs(x: Node, given: Given, named: Named) -> Node:
    take(given, named)
    return build("abs", [x])


_METHODS: dict[str, Callable[[Node, Given, Named], Value]] = {
    "shift": _shift, "diff": _diff, "pct_change": _pct_change, "rolling": rolling, "ewm": ewm, "fillna": _fillna,
    "ffill": _ffill, "pad": _ffill, "clip": _clip, "where": _where, "mask": _mask, "replace": _replace, "rank": _rank,
    "astype": _astype, "between": _between, "combine_first": _combine_first, "reindex": _reindex, "copy": _same,
    "rename": _same, "squeeze": _same, "to_numpy": _same, "infer_objects": _same, "abs": _abs, "isna": _missing,
    "isnull": _missing, "notna": _present, "notnull": _present,
}  # fmt: skip
