"""
Methods of series, of rolling and ewm windows, each with the node it means.

Functions of numpy and pandas are in `pandas_functions`. A name that is not in these tables is refused; names that read
the future say so.
"""

from collections.abc import Callable, Sequence

from alpha_pipeline.expressions.nodes import Node, build, constant
from alpha_pipeline.expressions.pandas_functions import numpy_call, pandas_call
from alpha_pipeline.expressions.pandas_values import (
    MISSING,
    Frame,
    Given,
    Index,
    Missing,
    Module,
    Named,
    Refusal,
    Rolling,
    Table,
    Value,
    Weighted,
    as_condition,
    as_series,
    choose,
    clip,
    comparison,
    plain_number,
    take,
    whole,
)

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
        return numpy_call(name, given, named) if owner.name == "np" else pandas_call(name, given, named)
    if isinstance(owner, Frame) and name == "copy":
        return owner
    raise _unknown(name, "method")


def _series_method(x: Node, name: str, given: Given, named: Named) -> Value:
    if name in _SERIES:
        return _SERIES[name](x, given, named)
    if name in _NAMED_OPERATORS or name in _NAMED_COMPARISONS:
        (other,) = take(given, named, other=None)
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
    (lag,) = take(given, named, periods=constant(1.0))
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
    window, min_periods = take(given, known, window=None, min_periods=None)
    bars = whole(window, "the window")
    if bars < 1:
        raise Refusal(f"the window must be at least 1 bar; found {bars}", kind="leak" if bars < 0 else "type")
    return Rolling(x, bars, bars if min_periods is None else whole(min_periods, "min_periods"))


def _ewm(x: Node, given: Given, named: Named) -> Weighted:
    com, span, halflife, alpha, min_periods, adjust, _ = take(
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
    (value,) = take(given, named, value=None)
    if isinstance(value, Missing):
        return x
    node = as_series(value)
    return (
        build("fill", [x], [float(node.parameters[0])])
        if node.is_constant
        else choose(build("is_missing", [x]), node, x)
    )


def _ffill(x: Node, given: Given, named: Named) -> Node:
    (limit,) = take((), named if not given else {"limit": given[0]}, limit=None)
    if limit is None:
        raise Refusal("ffill without a limit has unbounded memory", "ffill(limit=20)", "leak")
    return build("ffill", [x], [whole(limit, "limit") + 1])


def _series_where(x: Node, given: Given, named: Named) -> Node:
    condition, other = take(given, named, cond=None, other=MISSING)
    return choose(as_condition(condition), x, other)


def _series_mask(x: Node, given: Given, named: Named) -> Node:
    condition, other = take(given, named, cond=None, other=MISSING)
    return choose(as_condition(condition), other, x)


def _replace(x: Node, given: Given, named: Named) -> Node:
    old, new = take(given, named, to_replace=None, value=None)
    wanted = old if isinstance(old, tuple) else (old,)
    kept = x
    for value in wanted:
        if isinstance(value, Missing) or (isinstance(value, Node) and value.operator == "negative"):
            continue  # infinities: no series holds any
        kept = choose(comparison("equal", kept, as_series(value)), new, kept)
    return kept


def _rank(x: Node, given: Given, named: Named) -> Node:
    axis, _, pct = take(given, named, axis=constant(0.0), method="average", pct=False)
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
    return lambda x, given, named: build(name, [x, *take(given, named)])  # type: ignore[list-item]  # always empty


_SERIES: dict[str, Callable[[Node, Given, Named], Value]] = {
    "shift": _shift, "diff": _diff, "pct_change": _pct_change, "rolling": _rolling, "ewm": _ewm, "fillna": _fillna,
    "ffill": _ffill, "clip": clip, "where": _series_where, "mask": _series_mask, "replace": _replace, "rank": _rank,
    "astype": _astype, "copy": _same, "rename": _same, "squeeze": _same, "round": _round, "abs": _unary("abs"),
    "isna": _unary("is_missing"), "isnull": _unary("is_missing"),
    "notna": lambda x, given, named: build("negate", [build("is_missing", [x])]),
}  # fmt: skip


def _rolling_method(rolling: Rolling, name: str, given: Given, named: Named) -> Node:
    x, window = rolling.series, rolling.window
    strict = rolling.min_count >= window
    if name in _STRICT:
        if name in {"std", "var"}:
            (ddof,) = take(given, named, ddof=constant(1.0))
            if plain_number(ddof, "ddof") != 1.0:
                raise Refusal("only ddof=1 is translated", f"rolling(n).{name}()")
        else:
            take(given, named)
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
        (fraction,) = take(given, named, q=None)
        return build("ts_quantile", [x], [window, plain_number(fraction, "the quantile")])
    if name == "rank":
        _, _, pct = take(given, named, method="average", ascending=True, pct=False)
        ranked = build("ts_rank", [x], [window])
        return ranked if pct is True else build("multiply", [ranked, constant(float(window))])
    if name in {"corr", "cov"}:
        (other,) = take(given, named, other=None)
        return build(f"ts_{name}", [x, as_series(other)], [window])
    raise Refusal(
        f"rolling(...).{name} is not translated", "mean, std, sum, min, max, median, rank, corr, ...", "unknown"
    )


def _table_method(table: Table, name: str, given: Given, named: Named) -> Node:
    (axis,) = take(given, named, axis=None)
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


def _unknown(name: str, what: str) -> Refusal:
    if name in _LEAKS:
        return Refusal(f".{name} uses the whole sample or a fixed place in it", _LEAKS[name], "leak")
    known = "shift, diff, pct_change, rolling, ewm, fillna, clip, where, abs"
    return Refusal(f"the {what} .{name} is not translated; known are {known}", kind="unknown")
