"""
Printer of the DSL and mathematical dialects; the text parses to the same node.

Operator names come from the registry.
"""

from collections import Counter
from collections.abc import Mapping

from alpha_pipeline.expressions.dsl.parser import AND, COMPARISON, NOT, OR, POWER, PRODUCT, SIGN, SUM
from alpha_pipeline.expressions.dsl.tokens import MAX_LENGTH
from alpha_pipeline.expressions.node import CONSTANT, FIELD, Node, fields_used, prints_nodes, walk
from alpha_pipeline.operators import operators

_LEVELS = {
    "either": OR, "both": AND, "negate": NOT, "less": COMPARISON, "less_equal": COMPARISON, "greater": COMPARISON,
    "greater_equal": COMPARISON, "equal": COMPARISON, "not_equal": COMPARISON, "add": SUM, "subtract": SUM,
    "multiply": PRODUCT, "divide": PRODUCT, "negative": SIGN, "power": POWER,
}  # fmt: skip
ATOM = 10
_WORDS = {"and", "or", "not"}  # a field of such a name is written $not
_MATH = {
    "ts_mean": "SMA", "ts_std": "STD", "ts_sum": "SUM", "ema": "EMA", "decay_linear": "WMA", "ts_corr": "CORR",
    "ts_zscore": "ZSCORE", "cs_rank": "RANK", "ts_rank": "RANK", "ts_min": "MIN", "ts_max": "MAX", "delay": "DELAY",
    "delta": "DELTA", "log": "LOG", "abs": "ABS", "sign": "SIGN", "exp": "EXP", "sqrt": "SQRT",
}  # fmt: skip


def to_math(node: Node) -> str:
    """The expression with textbook names: SMA, STD, ..."""
    return _text(node, _MATH)


@prints_nodes
def to_dsl(node: Node) -> str:
    """The expression with canonical names."""
    return _text(node, {})


def _text(node: Node, spelled: Mapping[str, str]) -> str:
    text = _print(node, spelled, {})[0]
    return text if len(text) <= MAX_LENGTH else _with_definitions(node, spelled)


def _with_definitions(node: Node, spelled: Mapping[str, str]) -> str:
    """Text of a long expression: repeated parts are defined first, `part1 = ...; part2 = ...; ...`."""
    steps = walk(node)
    uses = Counter(argument for step in steps for argument in step.arguments)
    name = next(
        name for name in ("part", "p_", "step_", "x_") if not any(f.startswith(name) for f in fields_used(node))
    )
    names: dict[Node, str] = {}
    lines: list[str] = []
    for step in steps:
        if uses[step] > 1 and not step.is_constant and step is not node:
            lines.append(f"{name}{len(lines) + 1} = {_print(step, spelled, names)[0]};\n")
            names[step] = f"{name}{len(lines)}"
    return "".join(lines) + _print(node, spelled, names)[0]


def _print(node: Node, spelled: Mapping[str, str], names: Mapping[Node, str]) -> tuple[str, int]:
    """Text and its precedence."""
    if node in names:
        return names[node], ATOM
    if node.operator == FIELD:
        name = str(node.parameters[0])
        return ("$" if name.lower() in _WORDS else "") + name, ATOM
    if node.operator == CONSTANT:
        value = float(node.parameters[0])
        return number(value), SIGN if value < 0 else ATOM
    parts = [_print(argument, spelled, names) for argument in node.arguments]
    symbol = operators()[node.operator].symbol
    if not symbol:
        texts = [text for text, _ in parts] + [number(float(p)) for p in node.parameters]
        return f"{spelled.get(node.operator, node.operator)}({', '.join(texts)})", ATOM
    level = _LEVELS[node.operator]
    if len(parts) == 1:
        space = " " if symbol == "not" else ""
        return f"{symbol}{space}{_bracketed(parts[0], level + (level == SIGN))}", level
    left, right = parts
    # Left-leaning operators bracket an equal right side, powers an equal left side, comparisons both.
    lean_left = level + (level in {POWER, COMPARISON})
    lean_right = level if level == POWER else level + 1
    return f"{_bracketed(left, lean_left)} {symbol} {_bracketed(right, lean_right)}", level


def _bracketed(part: tuple[str, int], least: int) -> str:
    text, level = part
    return text if level >= least else f"({text})"


def number(value: float) -> str:
    """Shortest text that reads back to the same float."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
