"""
Methods of series, rolling and ewm windows, and functions of numpy and pandas, each with the node it means.

A name that is not in these tables is refused; names that read the future say so.
"""

from collections.abc import Callable, Mapping, Sequence

from alpha_pipeline.expressions.nodes import Node, build, constant
from alpha_pipeline.expressions.pandas_values import (
    MISSING,
    Frame,
    Index,
    Missing,
    Module,
    Refusal,
    Rolling,
    Table,
    Value,
    Weighted,
    as_condition,
    as_series,
    comparison,
    plain_number,
    whole,
)
from alpha_pipeline.operators import Operator, operators

_SAMPLE = {  # methods over the whole sample, and what a factor may use instead
    "rolling(n).{name}()": "mean std var sum min max median skew kurt prod sem",
    "rolling(n).corr(other)": "corr cov autocorr",
    "rolling(n).quantile(q)": "quantile mode describe",
    "rolling(n).max()": "idxmax idxmin nlargest nsmallest",
    "rolling(n).rank(pct=True)": "sort_values sort_index",
    "rolling(n).mean()": "resample asfreq fft",
    "shift(n)": "iloc loc iat at tail head last first reindex merge join",
    "fillna(0)": "bfill backfill interpolate",
    "the series itself": "values to_numpy sample",
}
_LEAKS = {name: remedy.format(name=name) for remedy, names in _SAMPLE.items() for name in names.split()}
_UNBOUNDED = {"expanding", "cumsum", "cumprod", "cummax", "cummin"}
_NAMED_OPERATORS = {
    "add": "add", "sub": "subtract", "subtract": "subtract", "mul": "multiply", "multiply": "multiply", "div": "divide",
    "divide": "divide", "truediv": "divide", "pow": "power",
}  # fmt: skip
_NAMED_COMPARISONS = {
    "gt": "greater", "ge": "greater_equal", "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip
_UNARY = ("abs", "sign", "log", "log1p", "exp", "sqrt", "tanh", "square", "floor")
_STRICT = {
    "mean": "ts_mean", "sum": "ts_sum", "std": "ts_std", "var": "ts_var", "min": "ts_min", "max": "ts_max",
    "median": "ts_median", "skew": "ts_skew", "kurt": "ts_kurt",
}  # fmt: skip
_PRESENT = {
    "mean": "present_mean",
    "sum": "present_sum",
    "std": "present_std",
    "min": "present_min",
    "max": "present_max",
}
_NUMPY = {
    "absolute": "abs", "fabs": "abs", "maximum": "maximum", "minimum": "minimum", "fmax": "larger_present",
    "fmin": "smaller_present", "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide",
    "true_divide": "divide", "power": "power", "negative": "negative", **{name: name for name in _UNARY},
}  # fmt: skip

Given = Sequence[Value]
Named = Mapping[str, Value]


def attribute(owner: Value, name: str) -> Value:
    """`owner.name` that is not called."""
    if isinstance(owner, Module):
        if name in {"nan", "NaN", "inf"}:
            return MISSING
        if name in {"pi", "e"}:
            return constant(3.141592653589793 if name == "pi" else 2.718281828459045)
    if isinstance(owner, Node | Frame) and name == "index":
        return Index()
    raise _unknown(name, "attribute")


def method(owner: Value, name: str, given: Given, named: Named) -> Value:
    """`owner.name(...)`."""
    if isinstance(owner, Node) and not owner.is_constant:
        return _series_method(owner, name, given, named)
    if isinstance(owner, Rolling):
        return _rolling_method(owner, name, given, named)
    if isinstance(owner, Weighted):
        if name != "mean" or given or named:
            raise Refusal(f"ewm(...).{name} is not translated", "ewm(span=20).mean()")
        return build("ewm_mean", [owner.series], [owner.alpha, float(owner.adjust), owner.min_count])
    if isinstance(owner, Table):
        return _table_method(owner, name, given, named)
    if isinstance(owner, Module):
        return _numpy(name, given, named) if owner.name == "np" else _pandas(name, given, named)
    if isinstance(owner, Frame) and name == "copy":
        return owner
    raise _unknown(name, "method")


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


def _take(given: Given, named: Named, **defaults: Value) -> list[Value]:
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


def _series_method(x: Node, name: str, given: Given, named: Named) -> Value:
    if name in _SERIES:
        return _SERIES[name](x, given, named)
    if name in _NAMED_OPERATORS or name in _NAMED_COMPARISONS:
        (other,) = _take(given, named, other=None)
        if name in _NAMED_OPERATORS:
            return build(_NAMED_OPERATORS[name], [x, as_series(other)])
        return comparison(_NAMED_COMPARISONS[name], x, as_series(other))
    if name in _UNBOUNDED:
        raise Refusal(
            f"{name} has no bounded memory, so its values depend on where history begins", "rolling(n)", "leak"
        )
    if name in _LEAKS:
        raise Refusal(f".{name} uses the whole sample, later bars included", _LEAKS[name], "leak")
    raise _unknown(name, "method")


def _lag(given: Given, named: Named, what: str) -> int:
    (lag,) = _take(given, named, periods=constant(1.0))
    bars = whole(lag, what)
    if bars < 0:
        raise Refusal(f"{what}({bars}) reads {-bars} bars of the future", f"{what}({-bars})", "leak")
    return bars


def _shift(x: Node, given: Given, named: Named) -> Node:
    lag = _lag(given, named, "shift")
    return build("delay", [x], [lag]) if lag else x


def _diff(x: Node, given: Given, named: Named) -> Node:
    return build("delta", [x], [_lag(given, named, "diff")])


def _pct_change(x: Node, given: Given, named: Named) -> Node:
    kept = {key: value for key, value in named.items() if not (key == "fill_method" and value is None)}
    return build("ts_return", [x], [_lag(given, kept, "pct_change")])


def _rolling(x: Node, given: Given, named: Named) -> Rolling:
    if named.get("center") not in (None, False):
        raise Refusal("a centred window reads the future", "rolling(n)", "leak")
    known = {key: value for key, value in named.items() if key != "center"}
    window, min_periods = _take(given, known, window=None, min_periods=None)
    bars = whole(window, "the window")
    if bars < 1:
        raise Refusal(f"the window must be at least 1 bar; found {bars}", kind="leak" if bars < 0 else "type")
    return Rolling(x, bars, bars if min_periods is None else whole(min_periods, "min_periods"))


def _ewm(x: Node, given: Given, named: Named) -> Weighted:
    com, span, halflife, alpha, min_periods, adjust, _ = _take(
        given,
        named,
        com=None,
        span=None,
        halflife=None,
        alpha=None,
        min_periods=constant(0.0),
        adjust=True,
        ignore_na=False,
    )
    rules: dict[str, tuple[Value, Callable[[float], float]]] = {
        "com": (com, lambda v: 1.0 / (1.0 + v)),
        "span": (span, lambda v: 2.0 / (v + 1.0)),
        "halflife": (halflife, lambda v: 1.0 - 0.5 ** (1.0 / v) if v > 0 else 0.0),
        "alpha": (alpha, lambda v: v),
    }
    present = [(name, value, rule) for name, (value, rule) in rules.items() if value is not None]
    if len(present) != 1:
        raise Refusal("ewm needs exactly one of span, com, halflife, alpha", "ewm(span=20)")
    name, value, rule = present[0]
    weight = rule(plain_number(value, name)) if plain_number(value, name) > -1 else 0.0
    if not 0.0 < weight <= 1.0 or not isinstance(adjust, bool):
        raise Refusal(f"ewm({name}={plain_number(value, name):g}) has no valid weight", "ewm(span=20)", "type")
    return Weighted(x, weight, adjust, max(1, whole(min_periods, "min_periods")))


def _fillna(x: Node, given: Given, named: Named) -> Node:
    if "method" in named:
        raise Refusal("fillna(method=...) is not translated", "ffill(limit=n)", "leak")
    (value,) = _take(given, named, value=None)
    if isinstance(value, Missing):
        return x
    node = as_series(value)
    return (
        build("fill", [x], [float(node.parameters[0])])
        if node.is_constant
        else _where(build("is_missing", [x]), node, x)
    )


def _ffill(x: Node, given: Given, named: Named) -> Node:
    (limit,) = _take((), named if not given else {"limit": given[0]}, limit=None)
    if limit is None:
        raise Refusal("ffill without a limit has unbounded memory", "ffill(limit=20)", "leak")
    return build("ffill", [x], [whole(limit, "limit") + 1])


def _clip(x: Node, given: Given, named: Named) -> Node:
    low, high = _take(given, named, lower=None, upper=None)
    bounded = x if low is None else build("maximum", [x, as_series(low)])
    return bounded if high is None else build("minimum", [bounded, as_series(high)])


def _where(condition: Node, x: Value, y: Value) -> Node:
    if isinstance(y, Missing):
        return build("keep_if", [as_series(x), condition])
    if isinstance(x, Missing):
        return build("keep_if", [as_series(y), build("negate", [condition])])
    return build("where", [condition, as_series(x), as_series(y)])


def _series_where(x: Node, given: Given, named: Named) -> Node:
    condition, other = _take(given, named, cond=None, other=MISSING)
    return _where(as_condition(condition), x, other)


def _series_mask(x: Node, given: Given, named: Named) -> Node:
    condition, other = _take(given, named, cond=None, other=MISSING)
    return _where(as_condition(condition), other, x)


def _replace(x: Node, given: Given, named: Named) -> Node:
    old, new = _take(given, named, to_replace=None, value=None)
    wanted = old if isinstance(old, tuple) else (old,)
    kept = x
    for value in wanted:
        if isinstance(value, Missing) or (isinstance(value, Node) and value.operator == "negative"):
            continue  # infinities: no series holds any
        kept = _where(comparison("equal", kept, as_series(value)), new, kept)
    return kept


def _rank(x: Node, given: Given, named: Named) -> Node:
    axis, _, pct = _take(given, named, axis=constant(0.0), method="average", pct=False)
    across = axis in ("columns",) or (isinstance(axis, Node) and axis.parameters == (1.0,))
    if not across:
        raise Refusal("rank over the whole sample uses later bars", "rolling(n).rank(pct=True)", "leak")
    if pct is not True:
        raise Refusal("only rank(pct=True) is translated", "rank(axis=1, pct=True)")
    return build("cs_rank", [x])


def _astype(x: Node, given: Given, named: Named) -> Node:
    return build("plain", [x]) if x.unit is not None and x.unit.kind == "boolean" else x


def _same(x: Node, given: Given, named: Named) -> Node:
    return x


def _round(x: Node, given: Given, named: Named) -> Node:
    raise Refusal("rounding is not translated; it changes nothing a factor needs", "the series itself")


def _unary(name: str) -> Callable[[Node, Given, Named], Value]:
    return lambda x, given, named: build(name, [x, *_take(given, named)])  # type: ignore[list-item]  # always empty


_SERIES: dict[str, Callable[[Node, Given, Named], Value]] = {
    "shift": _shift, "diff": _diff, "pct_change": _pct_change, "rolling": _rolling, "ewm": _ewm, "fillna": _fillna,
    "ffill": _ffill, "clip": _clip, "where": _series_where, "mask": _series_mask, "replace": _replace, "rank": _rank,
    "astype": _astype, "copy": _same, "rename": _same, "squeeze": _same, "round": _round, "abs": _unary("abs"),
    "isna": _unary("is_missing"), "isnull": _unary("is_missing"),
    "notna": lambda x, given, named: build("negate", [build("is_missing", [x])]),
}  # fmt: skip


def _rolling_method(rolling: Rolling, name: str, given: Given, named: Named) -> Node:
    x, window = rolling.series, rolling.window
    strict = rolling.min_count >= window
    if name in _STRICT:
        if name in {"std", "var"}:
            (ddof,) = _take(given, named, ddof=constant(1.0))
            if plain_number(ddof, "ddof") != 1.0:
                raise Refusal("only ddof=1 is translated", f"rolling(n).{name}()")
        else:
            _take(given, named)
        if strict:
            return build(_STRICT[name], [x], [window])
        if name in _PRESENT:
            return build(_PRESENT[name], [x], [window, max(1, rolling.min_count)])
        raise Refusal(f"{name} with min_periods is not translated", f"rolling({window}).{name}()")
    if name == "count" and not given and not named:
        return build("present_count", [x], [window])
    if not strict:
        raise Refusal(f"{name} with min_periods is not translated", f"rolling({window}).{name}()")
    if name == "quantile":
        (fraction,) = _take(given, named, q=None)
        return build("ts_quantile", [x], [window, plain_number(fraction, "the quantile")])
    if name == "rank":
        _, _, pct = _take(given, named, method="average", ascending=True, pct=False)
        ranked = build("ts_rank", [x], [window])
        return ranked if pct is True else build("multiply", [ranked, constant(float(window))])
    if name in {"corr", "cov"}:
        (other,) = _take(given, named, other=None)
        return build(f"ts_{name}", [x, as_series(other)], [window])
    raise Refusal(
        f"rolling(...).{name} is not translated", "mean, std, sum, min, max, median, rank, corr, ...", "unknown"
    )


def _table_method(table: Table, name: str, given: Given, named: Named) -> Node:
    (axis,) = _take(given, named, axis=None)
    if not (isinstance(axis, Node) and axis.parameters == (1.0,)) and axis != "columns":
        raise Refusal("reducing a table over time uses the whole sample", f"{name}(axis=1)", "leak")
    pairwise = {"max": "larger_present", "min": "smaller_present"}.get(name)
    if pairwise is None:
        raise Refusal(f"{name}(axis=1) is not translated", "max(axis=1) or min(axis=1)")
    return _folded(pairwise, table.series)


def _folded(name: str, series: Sequence[Node]) -> Node:
    result = series[0]
    for other in series[1:]:
        result = build(name, [result, other])
    return result


def _numpy(name: str, given: Given, named: Named) -> Node:
    if name == "where":
        condition, x, y = _take(given, named, condition=None, x=None, y=None)
        return _where(as_condition(condition), x, y)
    if name == "clip":
        x, low, high = _take(given, named, a=None, a_min=None, a_max=None)
        return _clip(as_series(x), [low, high], {})
    if name in {"nan_to_num", "isnan"}:
        x, value = _take(given, named, x=None, nan=constant(0.0))
        return (
            build("fill", [as_series(x)], [plain_number(value, "nan")])
            if name == "nan_to_num"
            else build("is_missing", [as_series(x)])
        )
    if name in _NUMPY:
        operator = operators()[_NUMPY[name]]
        values = [
            as_series(value) for value in _take(given, named, **dict.fromkeys(("x1", "x2")[: len(operator.series)]))
        ]
        return build(operator.name, values)
    if name in {"roll", "flip", "cumsum", "mean", "std", "sum", "max", "min", "gradient", "convolve", "interp", "fft"}:
        raise Refusal(
            f"np.{name} uses the whole sample, later bars included", "series.rolling(n) or series.shift(n)", "leak"
        )
    raise Refusal(f"np.{name} is not translated", "np.where, np.log, np.sign, np.maximum", "unknown")


def _pandas(name: str, given: Given, named: Named) -> Value:
    if name == "Series":
        data, *_ = _take(given, named, data=None, index=None, name=None, dtype=None)
        return as_series(data)
    if name == "concat":
        parts, axis = _take(given, named, objs=None, axis=None)
        if isinstance(parts, tuple) and parts and isinstance(axis, Node) and axis.parameters == (1.0,):
            return Table(tuple(as_series(part) for part in parts))
        raise Refusal("only pd.concat([a, b], axis=1) is translated")
    raise Refusal(f"pd.{name} is not translated", "methods of df['close']", "unknown")


def _unknown(name: str, what: str) -> Refusal:
    if name in _LEAKS:
        return Refusal(f".{name} uses the whole sample or a fixed place in it", _LEAKS[name], "leak")
    known = "shift, diff, pct_change, rolling, ewm, fillna, clip, where, abs"
    return Refusal(f"the {what} .{name} is not translated; known are {known}", kind="unknown")
