"""
Nodes as pandas code: idioms where pandas has one, a call of the operator by name where it has none.

`pandas_code` reads what is printed here back to the same node.
"""

from alpha_pipeline.expressions.nodes import CONSTANT, FIELD, Node
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
    "present_count": "{}.rolling({}).count()",
}  # fmt: skip
_SIGNS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}


def to_code(node: Node) -> str:
    """The factor as a function of a data frame."""
    return f"def calculate_factor(df):\n    return {_print(node)}\n"


def _print(node: Node) -> str:
    if node.operator == FIELD:
        return f'df["{node.parameters[0]}"]'
    if node.operator == CONSTANT:
        return _number(float(node.parameters[0]))
    inner = node.arguments[0]
    missing = 1.0 if inner.operator == "not_equal" else 0.0
    if node.operator == "fill" and inner.operator in _SIGNS and node.parameters == (missing,):
        x, y = inner.arguments
        return f"({_print(x)} {_SIGNS[inner.operator]} {_print(y)})"  # pandas fills comparisons like this by itself
    parts = [_print(argument) for argument in node.arguments]
    # Methods need a series on their left; a number can only stand there for the functions of numpy.
    numbers = [_number(float(value)) for value in node.parameters]
    idiom = _IDIOMS.get(node.operator)
    if idiom is not None and not (idiom.startswith("{") and inner.is_constant):
        return idiom.format(*parts, *numbers)
    return f"{operators()[node.operator].name}({', '.join(parts + numbers)})"


def _number(value: float) -> str:
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return f"({text})" if value < 0 else text
