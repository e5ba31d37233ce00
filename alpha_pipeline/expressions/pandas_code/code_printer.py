"""
Printer of pandas code: pandas idioms, and calls of operators by name where pandas has none.

`reader` translates the printed code back to the same node.
"""

import re
from collections import Counter
from collections.abc import Mapping

from alpha_pipeline.expressions.dsl.tokens import MAX_LENGTH
from alpha_pipeline.expressions.node import CONSTANT, FIELD, Node, walk
from alpha_pipeline.expressions.pandas_code.code_values import NAN, Refusal
from alpha_pipeline.expressions.pandas_code.semantics import arithmetic, choose, decided, extreme, is_condition, logic

_IDIOMS = {
    "add": "({} + {})", "subtract": "({} - {})", "multiply": "({} * {})", "divide": "({} / {})", "power": "({} ** {})",
    "negative": "(-{})", "both": "({} & {})", "either": "({} | {})", "negate": "(~{})", "abs": "{}.abs()",
    "sign": "np.sign({})", "log": "np.log({})", "log1p": "np.log1p({})", "exp": "np.exp({})", "sqrt": "np.sqrt({})",
    "tanh": "np.tanh({})", "square": "np.square({})", "floor": "np.floor({})", "maximum": "np.maximum({}, {})",
    "minimum": "np.minimum({}, {})", "larger_present": "np.fmax({}, {})", "smaller_present": "np.fmin({}, {})",
    "where": "np.where({}, {}, {})", "keep_if": "{}.where({}, np.nan)",
    "fill": "{}.fillna({})", "is_missing": "{}.isna()",
    "delay": "{}.shift({})", "delta": "{}.diff({})", "ts_return": "{}.pct_change({})",
    "ts_mean": "{}.rolling({}).mean()", "ts_sum": "{}.rolling({}).sum()", "ts_std": "{}.rolling({}).std()",
    "ts_var": "{}.rolling({}).var()", "ts_min": "{}.rolling({}).min()", "ts_max": "{}.rolling({}).max()",
    "ts_median": "{}.rolling({}).median()", "ts_skew": "{}.rolling({}).skew()", "ts_kurt": "{}.rolling({}).kurt()",
    "ts_rank": "{}.rolling({}).rank(pct=True)", "ts_quantile": "{}.rolling({}).quantile({})",
    "ts_corr": "{0}.rolling({2}).corr({1})", "ts_cov": "{0}.rolling({2}).cov({1})",
    "cs_rank": "{}.rank(axis=1, pct=True)",
    "present_count": "{}.rolling({}, min_periods=1).count()", "clip": "{}.clip({}, {})",
}  # fmt: skip
_SIGNS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}


MAX_TOKENS, MAX_NESTED = 150, 20  # of one part; a line of code may have 500, and brackets be 64 deep


def to_code(node: Node) -> str:
    """The factor as a function of a data frame; repeated or long parts have a line of their own."""
    code = _function(node, fields_named=False)
    return code if len(code) <= MAX_LENGTH else _function(node, fields_named=True)


def _function(node: Node, fields_named: bool) -> str:
    steps = walk(node)
    uses = Counter(argument for step in steps for argument in step.arguments)
    texts: dict[Node, str] = {}
    lines: list[str] = []
    for step in steps:
        text = _text(step, texts)
        shared = uses[step] > 1 and (step.size > 3 or (fields_named and bool(step.operator == FIELD)))
        if step is not node and (shared or _is_long(text)):
            name = f"part{len(lines) + 1}"
            lines.append(f"    {name} = {text}\n")
            text = name
        texts[step] = text
    return f"def calculate_factor(df):\n{''.join(lines)}    return {texts[node]}\n"


def _is_long(text: str) -> bool:
    if len(text) <= MAX_TOKENS:
        return False
    nested = deepest = 0
    for character in text:
        nested += (character == "(") - (character == ")")
        deepest = max(deepest, nested)
    return deepest > MAX_NESTED or len(re.findall(r"\w+|[^\w\s]", text)) > MAX_TOKENS


def _text(node: Node, texts: Mapping[Node, str]) -> str:
    """Text of one node from the texts of its arguments."""
    if node.operator == FIELD:
        return f'df["{node.parameters[0]}"]'
    if node.operator == CONSTANT:
        return _number(float(node.parameters[0]))
    inner = node.arguments[0]
    missing = 1.0 if inner.operator == "not_equal" else 0.0
    if node.operator == "fill" and inner.operator in _SIGNS and node.parameters == (missing,):
        x, y = inner.arguments
        return f"({texts[x]} {_SIGNS[inner.operator]} {texts[y]})"  # pandas fills comparisons like this by itself
    parts = [texts[argument] for argument in node.arguments]
    # Methods need a series on their left; a number can only stand there for the functions of numpy.
    numbers = [_number(float(value)) for value in node.parameters]
    idiom = _IDIOMS.get(node.operator)
    if idiom is not None and not (idiom.startswith("{") and inner.is_constant) and _means_the_same(node):
        return idiom.format(*parts, *numbers)
    return f"{node.operator}({', '.join(parts + numbers)})"


def _means_the_same(node: Node) -> bool:
    """Whether pandas means by the idiom what the operator does; it has rules of its own for conditions."""
    name, arguments = node.operator, node.arguments
    try:
        if name in {"add", "subtract", "multiply", "divide"}:
            return arithmetic(name, *arguments) is node
        if name in {"maximum", "minimum", "larger_present", "smaller_present"}:
            return extreme(name, *arguments) is node
        if name in {"both", "either"}:
            return logic(name, *arguments) is node
        if name == "where":
            return choose(*arguments) is node
        if name == "keep_if":
            return choose(arguments[1], arguments[0], NAN) is node
        if name == "negate":
            return decided(arguments[0]) is arguments[0]
    except Refusal:
        return False
    return not (name in {"negative", "delta", "ts_min", "ts_max"} and is_condition(arguments[0]))


def _number(value: float) -> str:
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return f"({text})" if value < 0 else text
