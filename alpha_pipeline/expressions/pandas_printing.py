"""
Nodes as pandas code: idioms where pandas has one, a call of the operator by name where it has none.

`pandas_code` reads what is printed here back to the same node.
"""

from alpha_pipeline.expressions.nodes import CONSTANT, FIELD, Node
from alpha_pipeline.expressions.pandas_rules import arithmetic, choose, decided, is_condition, logic
from alpha_pipeline.expressions.pandas_values import NAN, Refusal
from alpha_pipeline.operators import operators

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
MAX_TEXT = 200  # characters of a part that stays within the line it is used in
_SIGNS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}


def to_code(node: Node) -> str:
    """The factor as a function of a data frame; what is long gets a line and a name of its own."""
    lines: dict[Node, str] = {}
    result = _print(node, lines)
    parts = "".join(f"    x{number} = {text}\n" for number, text in enumerate(lines.values(), 1))
    return f"def calculate_factor(df):\n{parts}    return {result}\n"


def _print(node: Node, lines: dict[Node, str]) -> str:
    if node.operator == FIELD:
        return f'df["{node.parameters[0]}"]'
    if node.operator == CONSTANT:
        return _number(float(node.parameters[0]))
    if node not in lines:
        text = _call(node, [_print(argument, lines) for argument in _read_arguments(node)])
        if len(text) <= MAX_TEXT:
            return text
        lines[node] = text
    return f"x{list(lines).index(node) + 1}"


def _is_comparison(node: Node) -> bool:
    """Whether the node is a comparison with its missing values filled, as pandas does by itself."""
    missing = 1.0 if node.arguments[0].operator == "not_equal" else 0.0
    return node.operator == "fill" and node.arguments[0].operator in _SIGNS and node.parameters == (missing,)


def _read_arguments(node: Node) -> tuple[Node, ...]:
    return node.arguments[0].arguments if _is_comparison(node) else node.arguments


def _call(node: Node, parts: list[str]) -> str:
    """One call or sign, its arguments printed already."""
    inner = node.arguments[0]
    if _is_comparison(node):
        return f"({parts[0]} {_SIGNS[inner.operator]} {parts[1]})"
    numbers = [_number(float(value)) for value in node.parameters]
    idiom = _IDIOMS.get(node.operator)
    # Methods need a series on their left; a number can only stand there for the functions of numpy.
    if idiom is not None and not (idiom.startswith("{") and inner.is_constant) and _means_the_same(node):
        return idiom.format(*parts, *numbers)
    return f"{operators()[node.operator].name}({', '.join(parts + numbers)})"


def _means_the_same(node: Node) -> bool:
    """Whether pandas means by the idiom what the operator does; it has rules of its own for conditions."""
    name, arguments = node.operator, node.arguments
    try:
        if name in {"add", "subtract", "multiply", "divide"}:
            return arithmetic(name, *arguments) is node
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
    return not (name in {"negative", "delta"} and is_condition(arguments[0]))


def _number(value: float) -> str:
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return f"({text})" if value < 0 else text
