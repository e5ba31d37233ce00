"""
Functions in `rolling(n).apply(function)`: values of one window, literal weights, and their reductions.

A function is translated once with the window as its argument; its result is an operator over windows, or refused.
"""

import itertools
from collections.abc import Callable

from alpha_pipeline.expressions.node import Node, build, constant
from alpha_pipeline.expressions.pandas_code.code_values import (
    Given,
    Named,
    Numbers,
    Refusal,
    Rolling,
    Span,
    Value,
    is_number,
    kind,
    plain_number,
    take,
    whole_number,
    whole_range,
)
from alpha_pipeline.expressions.pandas_code.semantics import as_numbers
from alpha_pipeline.expressions.pandas_code.windows import edge, reduced, spread, when_full

_SAME = {"sum": "sum", "mean": "mean", "min": "min", "max": "max", "median": "median", "amin": "min", "amax": "max",
         "average": "mean", "nanmean": "mean", "nansum": "sum", "nanmin": "min", "nanmax": "max"}  # fmt: skip
_TRANSPARENT = ("add", "subtract", "multiply", "divide", "negative", "abs", "log", "log1p", "exp", "sqrt", "square",
                "power", "sign", "tanh", "plain", "floor")  # fmt: skip
_KNOWN = (
    "mean, sum, std, min, max, median, prod, quantile, argmax, v[0], v[-1], np.dot(v, weights), np.polyfit(t, v, 1)"
)
MAX_NUMBERS = 5_000


def span_of(window: Rolling, named: Named) -> Span:
    """The window passed to a function of `apply`."""
    (raw, _) = take((), named, raw=False, engine=None)
    if not window.is_strict:
        raise Refusal("apply with min_periods is not translated", f"rolling({window.window}).apply(function, raw=True)")
    return Span(window.series, window.series, window.window, raw is True)


def applied(window: Rolling, result: Value) -> Node:
    """The result of `apply`, from the value its function returned."""
    if not isinstance(result, Node) or result.is_constant:
        raise Refusal(f"a function given to apply must return one number per window; found {kind(result)}", _KNOWN)
    # apply gives NaN when any value is missing, whatever the function would make of the others.
    return as_numbers(result if _propagates(result, window) else when_full(result, window.series, window.window))


def _propagates(node: Node, window: Rolling) -> bool:
    """Whether one missing value in the window always makes the node NaN."""
    if node.operator.startswith(("ts_", "decay_")) and node.parameters[:1] == (window.window,):
        return any(_is_made_of(argument, window.series) for argument in node.arguments)
    if node.operator == "keep_if":
        return any(part.operator == "present_count" for part in _parts(node.arguments[1]))
    return node.operator in _TRANSPARENT and any(_propagates(argument, window) for argument in node.arguments)


def _is_made_of(node: Node, x: Node) -> bool:
    return node is x or (node.operator in _TRANSPARENT and any(_is_made_of(a, x) for a in node.arguments))


def _parts(node: Node) -> list[Node]:
    return [node] + [part for argument in node.arguments for part in _parts(argument)]


def lift(function: Callable[..., Node], *values: Value) -> Value:
    """A function of series, cell by cell, on the values of a window or on literal numbers where one is given."""
    spans = [value for value in values if isinstance(value, Span)]
    rows = [value for value in values if isinstance(value, Numbers)]
    if not spans and not rows:
        return function(*values)
    for value in values:
        if not isinstance(value, Span | Numbers | bool) and not (isinstance(value, Node) and value.is_constant):
            raise Refusal(
                f"the values of a window cannot be combined with {kind(value)} inside apply",
                "windows outside apply, such as (x - x.rolling(20).mean()) / x.rolling(20).std()",
            )
    if not spans:
        return _rows(function, values)
    first = spans[0]
    if rows:
        return _weighted(function, first, rows, values)
    if any(s.weights is not None or s.is_ranked or s.window != first.window for s in spans):
        raise Refusal("weighted values of a window can only be summed", "np.dot(v, weights)")
    inner = [value.series if isinstance(value, Span) else value for value in values]
    return Span(function(*inner), first.origin, first.window, first.is_array)


def _weighted(function: Callable[..., Node], span: Span, rows: list[Numbers], values: tuple[Value, ...]) -> Span:
    one = constant(1.0)
    probe = [function(*(constant(w) if isinstance(v, Numbers) else one for v in values)) for w in (2.0, 3.0)]
    is_product = [p.parameters for p in probe] == [(2.0,), (3.0,)] and len(values) == 2
    if not is_product or span.weights is not None or span.is_ranked:
        raise Refusal("literal numbers can only weigh the values of a window", "np.dot(v, weights)")
    return Span(span.series, span.origin, span.window, span.is_array, _fitting(rows[0], span))


def _fitting(row: Numbers, span: Span) -> tuple[float, ...]:
    if len(row.values) != span.window:
        raise Refusal(f"{len(row.values)} weights do not fit a window of {span.window}", kind="type")
    return row.values


def _rows(function: Callable[..., Node], values: tuple[Value, ...]) -> Numbers:
    lengths = {len(value.values) for value in values if isinstance(value, Numbers)}
    if len(lengths) != 1:
        raise Refusal(f"rows of {' and '.join(map(str, sorted(lengths)))} numbers do not fit each other", kind="type")
    size = lengths.pop()
    columns = [value.values if isinstance(value, Numbers) else (value,) * size for value in values]
    cells = [function(*(constant(c) if isinstance(c, float) else c for c in row)) for row in zip(*columns, strict=True)]
    return Numbers(tuple(float(cell.parameters[0]) for cell in cells))


def numbers(given: Given) -> Numbers:
    """`np.arange(...)`."""
    return Numbers(tuple(float(n) for n in whole_range(given, "np.arange", MAX_NUMBERS)))


def row_method(row: Numbers, name: str) -> Node:
    """`weights.sum()` and the like."""
    if name in {"sum", "mean", "min", "max"} and row.values:
        size = len(row.values)
        statistics = {
            "sum": sum(row.values),
            "mean": sum(row.values) / size,
            "min": min(row.values),
            "max": max(row.values),
        }
        return constant(statistics[name])
    raise Refusal(f"{name} of literal numbers is not translated", "sum, mean, min, max", "unknown")


def item(span: Span, place: Value) -> Node:
    """`v[place]`: one value of the window, counted from its oldest or, when negative, from its newest."""
    number = whole_number(place, "a place in a window")
    age = -number - 1 if number < 0 else span.window - 1 - number
    if not 0 <= age < span.window:
        raise Refusal(
            f"a window of {span.window} has no place {number}", "v[-1] is the newest, v[0] the oldest", "type"
        )
    if span.weights is not None:
        raise Refusal("weighted values of a window can only be summed", "np.dot(v, weights)")
    if span.is_ranked and age:
        raise Refusal("only the rank of the newest value is translated", "v.rank(pct=True).iloc[-1]")
    return build("ts_rank", [span.series], [span.window]) if span.is_ranked else edge(span.series, span.window, age)


def span_method(span: Span, name: str, given: Given, named: Named, is_numpy: bool = False) -> Value:
    """`v.name(...)`, or `np.name(v, ...)`."""
    x, bars = span.series, span.window
    if name in {"copy", "values", "to_numpy"}:
        return span
    if name in {"dot", "average"} and (given or named):
        (row,) = take(given, named, weights=None)
        if isinstance(row, Numbers):
            weighted = Span(x, span.origin, bars, span.is_array, _fitting(row, span))
            total = _sum(weighted)
            return build("divide", [total, row_method(row, "sum")]) if name == "average" else total
    if span.weights is not None:
        return _sum(span) if name in {"sum", "nansum"} else _refuse(name)
    if name == "rank":
        (fraction,) = take(given, named, pct=False)
        return Span(x, span.origin, bars, span.is_array, None, True) if fraction is True else _refuse(name)
    window = Rolling(x, bars, None)
    if name in {"std", "var"}:
        # numpy divides by n, pandas by n - 1, and np.std passes its own default on.
        (freedom,) = take(given, named, ddof=constant(0.0 if span.is_array or is_numpy else 1.0))
        return spread(window, name, plain_number(freedom, "ddof"))
    if name in {"quantile", "percentile"}:
        (fraction,) = take(given, named, q=None)
        return build("ts_quantile", [x], [bars, plain_number(fraction, "q") / (100.0 if name == "percentile" else 1.0)])
    take(given, named)
    if name in _SAME:
        return reduced(window, _SAME[name])
    if name in {"skew", "kurt"} and not span.is_array:
        return reduced(window, name)
    if name == "prod":
        return build("ts_product", [x], [bars])
    if name == "ptp":
        return build("subtract", [reduced(window, "max"), reduced(window, "min")])
    if name in {"argmax", "argmin"}:
        return build("subtract", [build(f"ts_{name}", [x], [bars]), constant(1.0)])
    return _refuse(name)


def _refuse(name: str) -> Value:
    raise Refusal(f"{name} inside apply is not translated", _KNOWN, "unknown")


def _sum(span: Span) -> Node:
    """Sum of the values times their weights; a line of weights is a linear decay."""
    weights = span.weights or ()
    steps = {round(b - a, 12) for a, b in itertools.pairwise(weights)}
    x, bars = span.series, span.window
    if len(steps) <= 1:
        step = weights[1] - weights[0] if bars > 1 else 0.0
        line = build("multiply", [build("decay_linear", [x], [bars]), constant(step * bars * (bars + 1) / 2)])
        rest = constant(weights[0] - step)
        return (
            line
            if is_number(rest, 0.0)
            else build("add", [line, build("multiply", [build("ts_sum", [x], [bars]), rest])])
        )
    total = build("multiply", [x, constant(weights[-1])])
    for age in range(1, bars):
        total = build("add", [total, build("multiply", [build("delay", [x], [age]), constant(weights[-1 - age])])])
    return total


def slope(time: Value, span: Span, degree: Value) -> tuple[Value, ...]:
    """`np.polyfit(np.arange(n), v, 1)`: slope and intercept of the line through a window."""
    if not isinstance(time, Numbers) or not is_number(degree, 1.0):
        raise Refusal("only lines over np.arange are fitted", "np.polyfit(np.arange(len(v)), v, 1)[0]")
    row = _fitting(time, span)
    steps = {b - a for a, b in itertools.pairwise(row)}
    if len(steps) != 1 or 0.0 in steps or span.weights is not None or span.is_ranked:
        raise Refusal("only lines over evenly spaced bars are fitted", "np.polyfit(np.arange(len(v)), v, 1)[0]")
    rise = build("ts_slope", [span.series], [span.window])
    rise = build("divide", [rise, constant(steps.pop())])
    middle = constant(sum(row) / len(row))
    mean = build("ts_mean", [span.series], [span.window])
    return rise, build("subtract", [mean, build("multiply", [rise, middle])])


def literal_row(value: Value) -> Numbers:
    """`np.array([...])` of literal numbers."""
    if isinstance(value, Numbers):
        return value
    if not isinstance(value, tuple):
        raise Refusal(
            f"np.array takes a list of literal numbers here; found {kind(value)}", "np.array([0.2, 0.3, 0.5])"
        )
    return Numbers(tuple(plain_number(part, "a weight") for part in value))
