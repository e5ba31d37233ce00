"""
Ways to write the same thing: longer spellings of one operator, and the operator.

Used to tell who a factor is (`analysis`); what is computed stays as written.
"""

from functools import cache

from alpha_pipeline.expressions.dsl.parser import read
from alpha_pipeline.expressions.node import CONSTANT, FIELD, Node, NodeError, build, walk

# x is any series and 7 any window; equal for all values but for rounding. A price is a field that is never negative:
# the logarithm of the ratio of two negative values is a number, the difference of their logarithms is not.
SPELLINGS = (
    ("x - delay(x, 7)", "delta(x, 7)"),
    ("x / delay(x, 7) - 1", "ts_return(x, 7)"),
    ("delta(x, 7) / delay(x, 7)", "ts_return(x, 7)"),
    ("delta(log(x), 7)", "log_return(x, 7)"),
    ("log(x) - log(delay(x, 7))", "log_return(x, 7)"),
    ("log(price / delay(price, 7))", "log_return(price, 7)"),
    ("ts_sum(x, 7) / 7", "ts_mean(x, 7)"),
    ("(x - ts_mean(x, 7)) / ts_std(x, 7)", "ts_zscore(x, 7)"),
    ("ts_cov(x, x, 7)", "ts_var(x, 7)"),
    ("sqrt(ts_var(x, 7))", "ts_std(x, 7)"),
    ("square(ts_std(x, 7))", "ts_var(x, 7)"),
    ("ts_quantile(x, 7, 0.5)", "ts_median(x, 7)"),
    ("x * x", "square(x)"),
    ("x ^ 2", "square(x)"),
    ("x ^ 0.5", "sqrt(x)"),
)


def shortened(node: Node) -> Node:
    """The factor with every longer spelling replaced by its operator."""
    found: dict[Node, Node] = {}
    for step in walk(node):
        if not step.arguments:
            found[step] = step
            continue
        current = _rebuilt(step, [found[argument] for argument in step.arguments])
        for long, short in _spellings().get(current.operator, ()):
            meaning: dict[str, Node | float] = {}
            if _matches(long, current, meaning):
                current = _filled(short, meaning)
                break
        found[step] = current
    return found[node]


@cache
def _spellings() -> dict[str, list[tuple[Node, Node]]]:
    table: dict[str, list[tuple[Node, Node]]] = {}
    for texts in SPELLINGS:
        long, short = (read(text, ["x", "price"], "1h", math=False) for text in texts)
        table.setdefault(long.operator, []).append((long, short))
    return table


def _matches(pattern: Node, node: Node, meaning: dict[str, Node | float]) -> bool:
    """Whether the node has the shape of the pattern; `meaning` is filled with what x and 7 stand for."""
    if pattern.operator == FIELD:
        is_never_negative = node.operator == FIELD and node.unit is not None and not node.unit.is_plain
        return (pattern.parameters != ("price",) or is_never_negative) and meaning.setdefault("x", node) is node
    if pattern.operator != node.operator or len(pattern.parameters) != len(node.parameters):
        return False
    for wanted, given in zip(pattern.parameters, node.parameters, strict=True):
        if (meaning.setdefault("7", float(given)) if wanted == 7 else wanted) != given:
            return False
    pairs = list(zip(pattern.arguments, node.arguments, strict=True))
    # Operators first: they say what 7 is before a number is compared with it.
    return all(_matches(p, n, meaning) for p, n in sorted(pairs, key=lambda pair: pair[0].operator == CONSTANT))


def _filled(pattern: Node, meaning: dict[str, Node | float]) -> Node:
    if pattern.operator == FIELD:
        return meaning["x"]  # type: ignore[return-value]  # x is a node
    arguments = [_filled(argument, meaning) for argument in pattern.arguments]
    return build(pattern.operator, arguments, [meaning["7"] if p == 7 else p for p in pattern.parameters])  # type: ignore[misc]  # 7 is a number


def _rebuilt(node: Node, arguments: list[Node]) -> Node:
    if tuple(arguments) == node.arguments:
        return node
    try:
        return build(node.operator, arguments, node.parameters)  # type: ignore[arg-type]  # numbers, of an operator
    except NodeError:
        return node
