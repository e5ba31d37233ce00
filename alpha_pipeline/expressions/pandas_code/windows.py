"""
Windows: `rolling(...)` and `ewm(...)` and their reductions.

A window that needs all values is an operator of `time_series`, one that needs some of `partial`; functions of `apply`
are translated in `window_functions`.
"""

from collections.abc import Callable

from alpha_pipeline.expressions.node import Node, build, constant
from alpha_pipeline.expressions.pandas_code.code_values import (
    NAN,
    Given,
    Named,
    Refusal,
    Rolling,
    Value,
    Weighted,
    plain_number,
    take,
    whole_number,
)
from alpha_pipeline.expressions.pandas_code.semantics import as_series, choose, comparison, is_condition

CARRIED = 24  # bars over which the last exponentially weighted mean is repeated, as pandas does without end

_STRICT = {
    "mean": "ts_mean", "sum": "ts_sum", "std": "ts_std", "var": "ts_var", "min": "ts_min", "max": "ts_max",
    "median": "ts_median", "skew": "ts_skew", "kurt": "ts_kurt",
}  # fmt: skip
_PRESENT = {
    "mean": "present_mean", "sum": "present_sum", "std": "present_std", "min": "present_min", "max": "present_max",
}  # fmt: skip
_KNOWN = "mean, std, var, sum, min, max, median, skew, kurt, quantile, rank, corr, cov, count, apply"
_OPTIONS = {  # options of rolling that are not translated, and what to write instead
    "win_type": ("a weighted window is not translated", "ewm(span=20).mean(), or decay_linear(x, 20)"),
    "closed": ("a window that leaves bars out is not translated", "shift(1).rolling(n)"),
    "step": ("a window that skips bars changes their number", "rolling(n)"),
    "on": ("a window over another column is not translated", "rolling(n), with n counted in bars"),
    "method": ("a window over a table is not translated", "rolling(n)"),
}


def rolling(x: Node, given: Given, named: Named) -> Rolling:
    """`x.rolling(...)`."""
    if named.get("center") not in (None, False) or (len(given) > 2 and given[2] not in (None, False)):
        raise Refusal("rolling(center=True) reads the future: half of a centred window is later", "rolling(n)", "leak")
    for name, (reason, remedy) in _OPTIONS.items():
        if named.get(name) is not None:
            raise Refusal(f"rolling(..., {name}=...): {reason}", remedy)
    options = {key: value for key, value in named.items() if key not in _OPTIONS}
    window, least, _ = take(given, options, window=None, min_periods=None, center=None)
    bars = whole_number(window, "the window of rolling")
    if bars < 1:
        raise Refusal(
            f"the window of rolling must be at least 1 bar; found {bars}",
            f"rolling({max(1, -bars)})",
            "leak" if bars < 0 else "type",
        )
    count = None if least is None else whole_number(least, "min_periods")
    if count is not None and not 0 <= count <= bars:
        raise Refusal(f"min_periods must be between 0 and the window of {bars}; found {count}", kind="type")
    return Rolling(x, bars, count)


def ewm(x: Node, given: Given, named: Named) -> Weighted:
    """`x.ewm(...)`."""
    com, span, halflife, alpha, least, adjust, ignored = take(
        given, named, com=None, span=None, halflife=None, alpha=None, min_periods=constant(0.0), adjust=True,
        ignore_na=False,
    )  # fmt: skip
    rules: dict[str, tuple[Value, Callable[[float], float]]] = {
        "com": (com, lambda v: 1.0 / (1.0 + v)),
        "span": (span, lambda v: 2.0 / (v + 1.0)),
        "halflife": (halflife, lambda v: 1.0 - 0.5 ** (1.0 / v) if v > 0 else 0.0),
        "alpha": (alpha, lambda v: v),
    }
    present = [(name, value, rule) for name, (value, rule) in rules.items() if value is not None]
    if len(present) != 1:
        raise Refusal("ewm needs exactly one of span, com, halflife, alpha", "ewm(span=20)")
    if ignored is not False:
        raise Refusal("ewm(ignore_na=True) is not translated", "ewm(span=20), in which gaps age the values before")
    name, value, rule = present[0]
    number = plain_number(value, name)
    weight = rule(number) if number > -1 else 0.0
    if not 0.0 < weight <= 1.0 or not isinstance(adjust, bool):
        raise Refusal(f"ewm({name}={number:g}) has no valid weight", "ewm(span=20)", "type")
    return Weighted(x, weight, adjust, max(1, whole_number(least, "min_periods")))


def weighted_method(weighted: Weighted, name: str, given: Given, named: Named) -> Node:
    """`x.ewm(...).name(...)`."""
    if name in {"std", "var", "corr", "cov"}:
        remedy = "rolling(20).std(), or ((x - x.ewm(span=20).mean()) ** 2).ewm(span=20).mean() ** 0.5"
        raise Refusal(f"ewm(...).{name} is not translated", remedy)
    if name != "mean":
        raise Refusal(f"ewm(...).{name} is not translated", "ewm(span=20).mean()")
    take(given, named)
    parameters = [weighted.alpha, float(weighted.adjust), weighted.min_count]
    return build("ffill", [build("ewm_mean", [weighted.series], parameters)], [CARRIED + 1])


def rolling_method(window: Rolling, name: str, given: Given, named: Named) -> Node:
    """`x.rolling(...).name(...)`."""
    if name in {"agg", "aggregate"}:
        (inner,) = take(given, named, func=None)
        if not isinstance(inner, str) or inner in {"agg", "aggregate"}:
            raise Refusal(f"rolling(...).{name} takes one name here", f"rolling({window.window}).mean()")
        return rolling_method(window, inner, (), {})
    named = {key: value for key, value in named.items() if key != "engine"}
    if name in _REDUCTIONS:
        return _REDUCTIONS[name](window, given, named)
    if name in _STRICT:
        take(given, named)
        return reduced(window, name)
    if name in {"shift", "diff", "fillna", "clip", "abs"}:
        raise Refusal("a window needs a reduction", "rolling(20).mean()")
    raise Refusal(f"rolling(...).{name} is not translated", f"one of {_KNOWN}", "unknown")


def reduced(window: Rolling, name: str) -> Node:
    """A reduction without arguments, strict or over the values present."""
    x, bars = window.series, window.window
    if name in {"min", "max"} and is_condition(x):
        x = build("plain", [x])  # in pandas the extremes of conditions are numbers
    if window.is_strict:
        return build(_STRICT[name], [x], [bars])
    least = max(1, window.min_count or 0)
    if name == "var":
        return build("square", [build("present_std", [x], [bars, least])])
    if name not in _PRESENT:
        raise _without_minimum(name, bars)
    node = build(_PRESENT[name], [x], [bars, least])
    # A sum of nothing is 0, and enough when no value is asked for.
    return build("fill", [node], [0.0]) if name == "sum" and window.min_count == 0 else node


def _without_minimum(name: str, bars: int) -> Refusal:
    return Refusal(
        f"rolling(..., min_periods=...).{name} is not translated for windows with gaps", f"rolling({bars}).{name}(...)"
    )


def spread(window: Rolling, name: str, freedom: float) -> Node:
    """Deviation ("std") or variance ("var") with a divisor of n - freedom, freedom 0 or 1."""
    if freedom not in {0.0, 1.0}:
        raise Refusal("ddof must be 0 or 1", f"rolling({window.window}).{name}()", "type")
    sample = reduced(window, name)
    if freedom == 1.0:
        return sample
    power = 0.5 if name == "std" else 1.0
    if window.is_strict:
        return build("multiply", [sample, constant(((window.window - 1) / window.window) ** power)])
    count = build("present_count", [window.series], [window.window])
    share = build("divide", [build("subtract", [count, constant(1.0)]), count])
    spread = build("multiply", [sample, share if name == "var" else build("sqrt", [share])])
    if (window.min_count or 0) > 1:
        return spread
    return choose(comparison("equal", count, constant(1.0)), constant(0.0), spread)


def _spread(name: str) -> Callable[[Rolling, Given, Named], Node]:
    def read(window: Rolling, given: Given, named: Named) -> Node:
        (freedom,) = take(given, named, ddof=constant(1.0))
        return spread(window, name, plain_number(freedom, "ddof"))

    return read


def _error(window: Rolling, given: Given, named: Named) -> Node:
    count = _count(window, (), {})
    return build("divide", [_spread("std")(window, given, named), build("sqrt", [build("plain", [count])])])


def _count(window: Rolling, given: Given, named: Named) -> Node:
    """Values present; `min_periods` counts bars here, not values."""
    take(given, named)
    count = build("present_count", [window.series], [window.window])
    least = window.window if window.min_count is None else window.min_count
    if least < 2:
        return count
    young = build("is_missing", [build("delay", [build("is_missing", [window.series])], [least - 1])])
    return choose(young, NAN, count)


def _quantile(window: Rolling, given: Given, named: Named) -> Node:
    fraction, rule = take(given, named, q=None, interpolation="linear")
    if rule != "linear":
        raise Refusal("only quantiles linear between neighbours are translated", "quantile(0.8)")
    if not window.is_strict:
        raise _without_minimum("quantile", window.window)
    return build("ts_quantile", [window.series], [window.window, plain_number(fraction, "the quantile")])


def _rank(window: Rolling, given: Given, named: Named) -> Node:
    method, ascending, fraction = take(given, named, method="average", ascending=True, pct=False)
    if method != "average":
        raise Refusal("only average ranks are translated", "rolling(20).rank(pct=True)")
    if not window.is_strict:
        raise _without_minimum("rank", window.window)
    bars = float(window.window)
    ranked = build("ts_rank", [window.series], [window.window])
    if ascending is False:
        ranked = build("subtract", [constant(1.0 + 1.0 / bars), ranked])
    return ranked if fraction is True else build("multiply", [ranked, constant(bars)])


def _pair(name: str) -> Callable[[Rolling, Given, Named], Node]:
    def read(window: Rolling, given: Given, named: Named) -> Node:
        other, pairwise, freedom = take(given, named, other=None, pairwise=None, ddof=constant(1.0))
        if other is None or pairwise not in (None, False) or plain_number(freedom, "ddof") != 1.0:
            raise Refusal(f"rolling(...).{name} takes the other series only", f"rolling(20).{name}(df['volume'])")
        x, y = window.series, as_series(other)
        return build(f"ts_{name}", [x, y], [window.window]) if window.is_strict else _partial_pair(window, name, x, y)

    return read


def _partial_pair(window: Rolling, name: str, x: Node, y: Node) -> Node:
    """Over the bars on which both are present, by the formula of pandas: mean of products less product of means."""
    sizes = [window.window, max(1, window.min_count or 0)]
    both = [
        build("keep_if", [a, build("negate", [build("is_missing", [b])])]) if a is not b else a
        for a, b in ((x, y), (y, x))
    ]
    product = build("multiply", both)
    means = [build("present_mean", [part], sizes) for part in (*both, product)]
    count = build("present_count", [product], [window.window])
    bias = build("divide", [count, build("subtract", [count, constant(1.0)])])
    covariance = build(
        "multiply", [build("subtract", [means[2], build("multiply", means[:2])]), build("plain", [bias])]
    )
    if name == "cov":
        return covariance
    spreads = [build("present_std", [part], sizes) for part in both]
    return build("divide", [covariance, build("multiply", spreads)])


def _edge(is_first: bool) -> Callable[[Rolling, Given, Named], Node]:
    def read(window: Rolling, given: Given, named: Named) -> Node:
        take(given, named)
        if not window.is_strict:
            raise _without_minimum("first" if is_first else "last", window.window)
        return edge(window.series, window.window, window.window - 1 if is_first else 0)

    return read


def edge(x: Node, window: int, age: int) -> Node:
    """The value `age` bars back, where all values of the window are present."""
    value = build("delay", [x], [age]) if age else x
    return when_full(value, x, window)


def when_full(value: Node, x: Node, window: int) -> Node:
    """`value` where all of the last `window` values of x are present."""
    count = build("present_count", [x], [window])
    return choose(comparison("equal", count, constant(float(window))), value, NAN)


_REDUCTIONS: dict[str, Callable[[Rolling, Given, Named], Node]] = {
    "std": _spread("std"), "var": _spread("var"), "sem": _error, "count": _count, "quantile": _quantile, "rank": _rank,
    "corr": _pair("corr"), "cov": _pair("cov"), "first": _edge(True), "last": _edge(False),
}  # fmt: skip
