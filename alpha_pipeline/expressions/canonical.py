"""
Equivalent spellings: compositions of operators and the single operator they equal.

Used for the identity of a factor (`analysis`); evaluation uses the expression as written.
"""

from functools import cache

from alpha_pipeline.expressions.node import CONSTANT, FIELD, Node, NodeError, build, constant, field, walk

X, PRICE, WINDOW = field("x"), field("price"), 7


def _of(name: str, *operands: Node | float) -> Node:
    """A call as a node; numbers behind the series are its parameters."""
    series = [operand for operand in operands if isinstance(operand, Node)]
    return build(name, series, [operand for operand in operands if not isinstance(operand, Node)])


def _lagged(x: Node) -> Node:
    return _of("delay", x, WINDOW)


# X is any series and WINDOW any window; equal up to rounding. A price is a field that is never negative: the logarithm
# of the ratio of two negative values is a number, the difference of their logarithms is not.
SPELLINGS = (
    (_of("subtract", X, _lagged(X)), _of("delta", X, WINDOW)),
    (_of("subtract", _of("divide", X, _lagged(X)), constant(1)), _of("ts_return", X, WINDOW)),
    (_of("divide", _of("delta", X, WINDOW), _lagged(X)), _of("ts_return", X, WINDOW)),
    (_of("delta", _of("log", X), WINDOW), _of("log_return", X, WINDOW)),
    (_of("subtract", _of("log", X), _of("log", _lagged(X))), _of("log_return", X, WINDOW)),
    (_of("log", _of("divide", PRICE, _lagged(PRICE))), _of("log_return", PRICE, WINDOW)),
    (_of("divide", _of("ts_sum", X, WINDOW), constant(WINDOW)), _of("ts_mean", X, WINDOW)),
    (
        _of("divide", _of("subtract", X, _of("ts_mean", X, WINDOW)), _of("ts_std", X, WINDOW)),
        _of("ts_zscore", X, WINDOW),
    ),
    (_of("ts_cov", X, X, WINDOW), _of("ts_var", X, WINDOW)),
    (_of("sqrt", _of("ts_var", X, WINDOW)), _of("ts_std", X, WINDOW)),
    (_of("square", _of("ts_std", X, WINDOW)), _of("ts_var", X, WINDOW)),
    (_of("ts_quantile", X, WINDOW, 0.5), _of("ts_median", X, WINDOW)),
    (_of("multiply", X, X), _of("square", X)),
    (_of("power", X, constant(2)), _of("square", X)),
    (_of("power", X, constant(0.5)), _of("sqrt", X)),
)


def shortened(node: Node) -> Node:
    """The factor with every longer spelling replaced by its operator."""
    forms: dict[Node, Node] = {}
    for step in walk(node):
        if not step.arguments:
            forms[step] = step
            continue
        current = _rebuilt(step, [forms[argument] for argument in step.arguments])
        for long, short in _by_operator().get(current.operator, ()):
            meaning: dict[str, Node | float] = {}
            if _matches(long, current, meaning):
                current = _filled(short, meaning)
                break
        forms[step] = current
    return forms[node]


@cache
def _by_operator() -> dict[str, list[tuple[Node, Node]]]:
    table: dict[str, list[tuple[Node, Node]]] = {}
    for long, short in SPELLINGS:
        table.setdefault(long.operator, []).append((long, short))
    return table


def _matches(pattern: Node, node: Node, meaning: dict[str, Node | float]) -> bool:
    """Whether the node has the shape of the pattern; `meaning` is filled with what X and WINDOW stand for."""
    if pattern.operator == FIELD:
        is_never_negative = node.operator == FIELD and node.unit is not None and not node.unit.is_plain
        return (pattern.parameters != ("price",) or is_never_negative) and meaning.setdefault("x", node) is node
    if pattern.operator != node.operator or len(pattern.parameters) != len(node.parameters):
        return False
    for expected, given in zip(pattern.parameters, node.parameters, strict=True):
        if (meaning.setdefault("window", float(given)) if expected == WINDOW else expected) != given:
            return False
    pairs = list(zip(pattern.arguments, node.arguments, strict=True))
    # Operators first: they bind the window before a number is compared with it.
    return all(_matches(p, n, meaning) for p, n in sorted(pairs, key=lambda pair: pair[0].operator == CONSTANT))


def _filled(pattern: Node, meaning: dict[str, Node | float]) -> Node:
    if pattern.operator == FIELD:
        return meaning["x"]  # type: ignore[return-value]  # x is a node
    arguments = [_filled(argument, meaning) for argument in pattern.arguments]
    return build(pattern.operator, arguments, [meaning["window"] if p == WINDOW else p for p in pattern.parameters])  # type: ignore[misc]  # a number


def _rebuilt(node: Node, arguments: list[Node]) -> Node:
    if tuple(arguments) == node.arguments:
        return node
    try:
        return build(node.operator, arguments, node.parameters)  # type: ignore[arg-type]  # numbers, of an operator
    except NodeError:
        return node
