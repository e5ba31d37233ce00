"""
Semantics of pandas on nodes: missing values in comparisons, conditions as numbers, infinities, choices.

pandas keeps infinities; here they are NaN from where they arise, and differ only where careful code depends on them.
"""

from alpha_pipeline.expressions.node import Node, build, constant
from alpha_pipeline.expressions.pandas_code.code_values import Index, Missing, Refusal, Rolling, Value, Weighted, kind

_LOGIC = ("both", "either", "negate")
_WHOLE = ("sign", "floor", "present_count", "ts_count", "ts_argmin", "ts_argmax")
_KEEPS_WHOLE = ("where", "keep_if", "fill", "maximum", "minimum", "add", "subtract", "multiply", "negative", "plain",
                "abs", "delay", "clip")  # fmt: skip


def as_series(value: Value) -> Node:
    """A node of a series or a number."""
    if isinstance(value, bool):
        return constant(float(value))
    if isinstance(value, Node):
        return value
    if isinstance(value, Rolling | Weighted):
        raise Refusal("a window needs a reduction", "series.rolling(20).mean()")
    if isinstance(value, Missing):
        word = "an infinity" if value.is_infinite else "NaN"
        raise Refusal(f"{word} can only be a replacement, as in x.where(condition, np.nan)", "x.isna() finds NaN")
    if isinstance(value, Index):
        raise Refusal("the length and the index of the sample change with later bars", "windows of n bars", "leak")
    raise Refusal(f"expected a series or a number; found {kind(value)}", "df['close']")


def is_condition(node: Node) -> bool:
    return node.unit is not None and node.unit.kind == "boolean"


def as_condition(value: Value) -> Node:
    """A boolean node."""
    node = as_series(value)
    if not is_condition(node):
        raise Refusal(f"expected a condition such as a > b; found {kind(value)}", "(a > b) & (c > d)", "type")
    return node


def decided(value: Value) -> Node:
    """A condition that pandas can select by or negate: one without a lag."""
    node = as_condition(value)
    if _is_moved(node):
        reason = "a condition moved in time is neither true nor false at the first bars"
        raise Refusal(reason, "condition.shift(1, fill_value=False)")
    return node


def _is_moved(node: Node) -> bool:
    is_logic = node.operator in {"both", "either", "negate"}
    return any(_is_moved(a) for a in node.arguments) if is_logic else node.operator in {"delay", "ffill"}


def as_numbers(node: Node) -> Node:
    """A condition that pandas has converted to numbers."""
    return build("plain", [node]) if is_condition(node) else node


def logic(name: str, x: Value, y: Value) -> Node:
    """`x & y` or `x | y`; a side that was moved in time and has no value makes it false."""
    node = build(name, [as_condition(x), as_condition(y)])
    return build("fill", [node], [0.0]) if _is_moved(node) else node


def comparison(name: str, x: Value, y: Value) -> Node:
    """Comparison as in pandas: a missing side makes it false (true for !=)."""
    compared = build(name, [as_series(x), as_series(y)])
    return build("fill", [compared], [1.0 if name == "not_equal" else 0.0])


def arithmetic(name: str, x: Value, y: Value) -> Node:
    """Arithmetic as in pandas: the sum of two conditions is their `or`, the product their `and`."""
    left, right = as_series(x), as_series(y)
    if is_condition(left) and is_condition(right) and name in {"add", "subtract", "multiply"}:
        if name == "subtract":
            raise Refusal("pandas does not subtract conditions", "a.astype(int) - b.astype(int)", "type")
        if any(_is_moved(part) for side in (left, right) for part in (side, *side.arguments)):
            sign = "+" if name == "add" else "*"
            reason = "a condition moved in time holds numbers or truth values, by how it was filled"
            raise Refusal(reason, f"a.astype(float) {sign} b.astype(float)", "type")
        return logic("either" if name == "add" else "both", left, right)
    if name == "divide" and right.operator == "add":
        level, ratio = sorted(right.arguments, key=lambda part: part.operator == "divide")
        if level.is_constant and ratio.operator == "divide" and not ratio.arguments[1].is_constant:
            # 100 / (1 + gain / loss) is 0 where nothing was lost: there pandas divides by an infinity.
            gain, loss = ratio.arguments
            return build(
                "divide",
                [build("multiply", [left, loss]), arithmetic("add", arithmetic("multiply", level, loss), gain)],
            )
    return as_numbers(build(name, [left, right]))


def extreme(name: str, x: Value, y: Value) -> Node:
    """`np.maximum(x, y)` and the like."""
    node = build(name, [as_series(x), as_series(y)])
    return node if _is_truth(x) and _is_truth(y) else as_numbers(node)


def _infinite(x: Node) -> Node | None:
    """Where pandas has an infinity and a series here a missing value; None where that is not known."""
    if x.operator in {"add", "subtract", "multiply"} and sum(a.is_constant for a in x.arguments) == 1:
        return _infinite(next(a for a in x.arguments if not a.is_constant))
    if x.operator in {"negative", "abs"}:
        return _infinite(x.arguments[0])
    if x.operator == "divide" and not x.arguments[1].is_constant:
        zero = comparison("equal", x.arguments[1], constant(0.0))
        if x.arguments[0].is_constant:
            return zero
        present = build("negate", [build("is_missing", [x.arguments[0]])])
        return build("both", [build("both", [zero, present]), comparison("not_equal", x.arguments[0], constant(0.0))])
    if x.operator == "ts_return":
        before = build("delay", [x.arguments[0]], x.parameters)  # type: ignore[arg-type]  # a lag is a number
        return _infinite(build("divide", [x.arguments[0], before]))
    if x.operator == "log":
        return comparison("equal", x.arguments[0], constant(0.0))
    return None


def replace(x: Node, old: Value, new: Value) -> Node:
    """`x.replace(old, new)` for numbers, NaN and infinities, or a list of them."""
    values = old if isinstance(old, tuple) else (old,)
    replaced = x
    for value in values:
        if not isinstance(value, Missing):
            replaced = choose(comparison("equal", replaced, value), new, replaced)
        elif not value.is_infinite:
            replaced = fillna(replaced, new)
    if not any(isinstance(value, Missing) and value.is_infinite for value in values) or isinstance(new, Missing):
        return replaced
    infinite = _infinite(x)
    if infinite is None:
        reason = "infinities count as missing here, from where they arise"
        raise Refusal(reason, "replace([np.inf, -np.inf], np.nan).fillna(0)")
    return choose(infinite, new, replaced)


def fillna(x: Node, value: Value) -> Node:
    """`x` with `value` where it is missing."""
    if isinstance(value, Missing) or x.is_constant:
        return x
    node = as_series(value)
    if node.is_constant:
        return build("fill", [x], [float(node.parameters[0])])
    return choose(build("is_missing", [x]), node, x)


def choose(condition: Value, x: Value, y: Value) -> Node:
    """`x` where the condition holds, else `y`; one of them may be NaN."""
    held = decided(condition)
    if isinstance(y, Missing):
        return as_numbers(build("keep_if", [as_series(x), held]))
    if isinstance(x, Missing):
        return as_numbers(build("keep_if", [as_series(y), build("negate", [held])]))
    node = build("where", [held, as_series(x), as_series(y)])
    return node if _is_truth(x) and _is_truth(y) else as_numbers(node)


def _is_truth(value: Value) -> bool:
    return isinstance(value, bool) or (isinstance(value, Node) and is_condition(value))


def clip(x: Node, low: Value, high: Value) -> Node:
    """`x.clip(lower, upper)`; a bound may be left out, and is where it is missing."""
    bounds = [b for b in (low, high) if b is not None]
    if len(bounds) == 2 and all(isinstance(b, Node) and b.is_constant for b in bounds):
        numbers = sorted(float(as_series(b).parameters[0]) for b in bounds)
        return build("clip", [x], numbers)
    for bound, name, present in ((low, "maximum", "larger_present"), (high, "minimum", "smaller_present")):
        if bound is None or isinstance(bound, Missing):
            continue
        node = as_series(bound)
        if node.is_constant:
            x = build(name, [x, node])
        else:
            x = build("keep_if", [build(present, [x, node]), build("negate", [build("is_missing", [x])])])
    return x


def truncate(x: Node) -> Node:
    """`x.astype(int)`: towards zero; a condition becomes 0 or 1."""
    if is_condition(x):
        return build("plain", [x])
    if _is_whole(x):
        return x
    return build("multiply", [build("sign", [x]), build("floor", [build("abs", [x])])])


def _is_whole(x: Node) -> bool:
    if x.is_constant:
        return float(x.parameters[0]).is_integer()
    if x.operator in _KEEPS_WHOLE:
        values = (
            x.arguments[1:] if x.operator == "where" else x.arguments[:1] if x.operator == "keep_if" else x.arguments
        )
        return all(_is_whole(value) for value in values) and all(float(p).is_integer() for p in x.parameters)
    return x.operator in _WHOLE or is_condition(x)


def across(name: str, series: tuple[Node, ...], skip_missing: bool) -> Node:
    """The reduction of several series at each bar, missing values left out on demand."""
    pairwise = {("max", True): "larger_present", ("min", True): "smaller_present", ("max", False): "maximum",
                ("min", False): "minimum"}.get((name, skip_missing))  # fmt: skip
    if pairwise is not None:
        return _folded(pairwise, series)
    filled = [fillna(x, constant(0.0)) if skip_missing else x for x in series]
    total = _folded("add", tuple(filled))
    if name == "sum":
        return total
    if not skip_missing:
        return build("divide", [total, constant(float(len(series)))])
    count = tuple(build("plain", [build("negate", [build("is_missing", [x])])]) for x in series)
    return build("divide", [total, _folded("add", count)])


def _folded(name: str, series: tuple[Node, ...]) -> Node:
    result = series[0]
    for other in series[1:]:
        result = build(name, [result, other])
    return result
