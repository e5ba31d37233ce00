"""
Translation of the expressions of pandas code, by kind of syntax.

Statements are translated in `reader`, attributes and calls in `calls`.
"""

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.node import Node, NodeError, build, constant
from alpha_pipeline.expressions.pandas_code import builtins as pandas_builtins
from alpha_pipeline.expressions.pandas_code import functions as pandas_functions
from alpha_pipeline.expressions.pandas_code import method_calls as pandas_calls
from alpha_pipeline.expressions.pandas_code.code_values import (
    Builtin,
    Frame,
    Function,
    Missing,
    Numbers,
    Refusal,
    Rolling,
    Span,
    Table,
    Value,
    kind,
    whole_number,
)
from alpha_pipeline.expressions.pandas_code.frames import column, columns
from alpha_pipeline.expressions.pandas_code.refusals import EXPRESSIONS
from alpha_pipeline.expressions.pandas_code.semantics import arithmetic, as_series, comparison, decided, logic
from alpha_pipeline.expressions.pandas_code.source import place_of
from alpha_pipeline.expressions.pandas_code.window_functions import applied, item, lift, span_of

MAX_STEPS = 20_000

Variables = dict[str, Value]
ReadFactor = Callable[[Sequence[object]], Node]

_ARITHMETIC = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
_LOGIC = {ast.BitAnd: "both", ast.BitOr: "either"}
_COMPARISONS = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal",
    ast.NotEq: "not_equal",
}  # fmt: skip
_SIGNS = {
    ast.FloorDiv: ("//", "np.floor(a / b)"), ast.Mod: ("%", "a - np.floor(a / b) * b"), ast.MatMult: ("@", "a * b"),
    ast.BitXor: ("^", "a ** b, or (a | b) & ~(a & b)"), ast.LShift: ("<<", "a * 2"), ast.RShift: (">>", "a / 2"),
}  # fmt: skip


class Expressions(ABC):
    """Translates expressions; variables hold nodes, never Python objects of the code."""

    def __init__(self, text: str, fields: Collection[str] | None, read_factor: ReadFactor | None = None) -> None:
        self.text, self.fields, self.read_factor = text, fields, read_factor
        self.steps = 0

    @abstractmethod
    def function(self, at: ast.AST, function: Function, given: list[Value], named: Variables) -> Value:
        """The value a local function returns for these arguments."""

    def refuse(self, at: ast.AST, reason: str, suggestion: str | None = None, kind: str = "syntax") -> ExpressionError:
        reason = reason if len(reason) <= 500 else reason[:500] + " ..."  # names in it may be as long as the text
        return ExpressionError(reason, self.text, place_of(self.text, at), suggestion, kind)

    def step(self, at: ast.AST, count: int = 1) -> None:
        self.steps += count
        if self.steps > MAX_STEPS:
            raise self.refuse(at, f"the code takes more than {MAX_STEPS:,} steps", "fewer loops and calls", "limit")

    def value(self, node: ast.expr, variables: Variables) -> Value:
        """The value of an expression; any other kind of syntax is refused."""
        self.step(node)
        try:
            value = self._meaning(node, variables)
        except Refusal as refusal:
            raise self.refuse(node, refusal.reason, refusal.suggestion, refusal.kind) from None
        except NodeError as error:
            raise self.refuse(node, error.reason, error.suggestion, error.kind) from None
        if isinstance(value, tuple | Numbers):
            self.step(node, len(value) if isinstance(value, tuple) else len(value.values))
        return value

    def _meaning(self, node: ast.expr, variables: Variables) -> Value:
        match node:
            case ast.Constant():
                return _literal(node.value)
            case ast.Name():
                return self._name(node, variables)
            case ast.List() | ast.Tuple():
                return tuple(self.value(part, variables) for part in node.elts)
            case ast.Dict():
                return self._dictionary(node, variables)
            case ast.ListComp():
                return self._list(node, variables)
            case ast.Lambda():
                return self.local(node, variables)
            case ast.BinOp():
                return self.binary(node.op, self.value(node.left, variables), self.value(node.right, variables))
            case ast.UnaryOp():
                return self._unary(node, variables)
            case ast.Compare():
                return self._compare(node, variables)
            case ast.Subscript():
                return self._subscript(node, variables)
            case ast.Attribute():
                return pandas_calls.attribute(self.value(node.value, variables), node.attr, self.fields)
            case ast.Call():
                return self._call(node, variables)
        reason, remedy = EXPRESSIONS.get(
            type(node), (f"{type(node).__name__} is not translated", "arithmetic and windows")
        )
        raise Refusal(reason, remedy)

    def local(self, definition: ast.FunctionDef | ast.Lambda, variables: Variables) -> Function:
        """A local function; its defaults are evaluated once, at its definition."""
        return Function(definition, variables, tuple(self.value(d, variables) for d in definition.args.defaults))

    def _name(self, node: ast.Name, variables: Variables) -> Value:
        if node.id in variables:
            return variables[node.id]
        if node.id in {"float", "int", "bool"}:
            return node.id  # a type, as astype(float) names it
        names = ", ".join(sorted(variables)[:40])
        raise Refusal(f"the name {node.id[:64]!r} was not assigned before; known are {names}", kind="unknown")

    def _dictionary(self, node: ast.Dict, variables: Variables) -> Value:
        series: Variables = {}
        for key, part in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise Refusal("a dictionary names series here", "{'a': x, 'b': y}")
            series[key.value] = self.value(part, variables)
        return series

    def _list(self, node: ast.ListComp, variables: Variables) -> Value:
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.ifs or loop.is_async or not isinstance(loop.target, ast.Name):
            raise Refusal("only plain lists over literal numbers are translated", "[f(n) for n in [5, 10, 20]]")
        over = self.value(loop.iter, variables)
        if not isinstance(over, tuple):
            raise Refusal(f"a list is built over literal numbers; found {kind(over)}", "[f(n) for n in [5, 10, 20]]")
        return tuple(self.value(node.elt, {**variables, loop.target.id: part}) for part in over)

    def binary(self, sign: ast.operator, x: Value, y: Value) -> Value:
        """`x sign y`, cell by cell."""
        if type(sign) in _LOGIC:
            return lift(lambda a, b: logic(_LOGIC[type(sign)], a, b), x, y)
        if type(sign) in _ARITHMETIC:
            if isinstance(x, tuple) or isinstance(y, tuple):
                raise Refusal("lists are not calculated with", "np.array([1, 2, 3])")
            return lift(lambda a, b: arithmetic(_ARITHMETIC[type(sign)], a, b), x, y)
        is_literal = all(isinstance(v, Node) and v.is_constant for v in (x, y))
        if isinstance(sign, ast.FloorDiv) and is_literal:
            return build("floor", [build("divide", [as_series(x), as_series(y)])])
        written, remedy = _SIGNS[type(sign)]
        raise Refusal(f"the operator {written} is not translated", remedy)

    def _unary(self, node: ast.UnaryOp, variables: Variables) -> Value:
        value = self.value(node.operand, variables)
        if isinstance(node.op, ast.USub):
            if isinstance(value, Missing):
                return value
            if isinstance(value, Node) and value.unit is not None and value.unit.kind == "boolean":
                raise Refusal("pandas has no negative of a condition", "~condition, or -condition.astype(int)", "type")
            return lift(lambda x: build("negative", [as_series(x)]), value)
        if isinstance(node.op, ast.UAdd):
            return lift(as_series, value)
        if isinstance(node.op, ast.Invert):
            return lift(lambda x: build("negate", [decided(x)]), value)
        raise Refusal("`not` does not work on series", "~condition")

    def _compare(self, node: ast.Compare, variables: Variables) -> Value:
        if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARISONS:
            raise Refusal("chained, `in` and `is` comparisons do not work on series", "(a < b) & (b < c)")
        x, y = self.value(node.left, variables), self.value(node.comparators[0], variables)
        return lift(lambda a, b: comparison(_COMPARISONS[type(node.ops[0])], a, b), x, y)

    def _subscript(self, node: ast.Subscript, variables: Variables) -> Value:
        is_loc = isinstance(node.value, ast.Attribute) and node.value.attr == "loc"
        if is_loc and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
            rows, name = node.slice.elts
            owner = self.value(node.value.value, variables)  # type: ignore[attr-defined]  # `is_loc` says so
            if ast.unparse(rows) == ":" and isinstance(owner, Frame | Table):
                columns = self.value(name, variables)
                return self._columns(owner, columns)
        owner = self.value(node.value, variables)
        if isinstance(node.slice, ast.Slice):
            return _sliced(owner, node.slice)
        index = self.value(node.slice, variables)
        if isinstance(owner, Frame | Table):
            return self._columns(owner, index)
        if isinstance(owner, Span):
            return item(owner, index)
        if isinstance(owner, tuple | Numbers):
            parts = owner if isinstance(owner, tuple) else tuple(constant(number) for number in owner.values)
            number = whole_number(index, "a place in a list")
            if not -len(parts) <= number < len(parts):
                raise Refusal(f"a list of {len(parts)} has no place {number}", kind="type")
            return parts[number]
        if isinstance(owner, dict) and isinstance(index, str) and index in owner:
            return owner[index]
        if isinstance(owner, Node) and isinstance(index, Node) and index.is_constant:
            raise Refusal("a series by place or label picks one bar of the sample", "series.shift(n)", "leak")
        if isinstance(owner, Node):
            raise Refusal("choosing rows changes which bars are neighbours", "series.where(condition)")
        raise Refusal(f"this subscript of {kind(owner)} is not translated", "df['close']")

    def _columns(self, owner: Frame | Table, index: Value) -> Value:
        if isinstance(index, str):
            return column(owner, index, self.fields)
        if isinstance(index, tuple):
            return columns(owner, index, self.fields)
        if isinstance(index, Node) and not index.is_constant:
            raise Refusal("choosing rows changes which bars are neighbours", "series.where(condition)")
        raise Refusal("a column is chosen by its name", "df['close']")

    def _call(self, node: ast.Call, variables: Variables) -> Value:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise Refusal("star arguments are not translated", "the arguments themselves")
        names = [k.arg for k in node.keywords]
        if len(set(names)) != len(names):
            raise Refusal("an argument is given twice")
        if not isinstance(node.func, ast.Attribute | ast.Name):
            raise Refusal("this call is not translated", "a function or method by its name")
        local = variables.get(node.func.id) if isinstance(node.func, ast.Name) else None
        owner = self.value(node.func.value, variables) if isinstance(node.func, ast.Attribute) else None
        given = [self.value(a, variables) for a in node.args]
        named = {str(k.arg): self.value(k.value, variables) for k in node.keywords}
        if isinstance(node.func, ast.Attribute):
            return self._method(node, owner, node.func.attr, given, named)
        if isinstance(local, Function):
            return self.function(node, local, given, named)
        if isinstance(local, Builtin):
            return pandas_functions.numpy_call(local.name, given, named)
        if node.func.id == "factor" and self.read_factor is not None:
            return self._admitted([*given, *named.values()])
        return pandas_builtins.builtin(node.func.id, given, named)

    def _admitted(self, given: list[Value]) -> Node:
        """`factor("name")`: the tree of an admitted factor."""
        assert self.read_factor is not None
        try:
            return self.read_factor(given)
        except ExpressionError as error:
            raise Refusal(error.reason, error.suggestion, error.kind) from None

    def _method(self, at: ast.Call, owner: Value, name: str, given: list[Value], named: Variables) -> Value:
        """A method call; methods with a function argument are handled here."""
        passed = given[0] if given else named.get("func")
        if isinstance(passed, Function | Builtin):
            rest = {key: value for key, value in named.items() if key != "func"}
            if isinstance(owner, Rolling) and name in {"apply", "agg", "aggregate"}:
                span = span_of(owner, rest)
                return applied(owner, self._passed(at, passed, [span]))
            if isinstance(owner, Node | Frame) and name == "pipe":
                return self._passed(at, passed, [owner, *given[1:]], rest)
            if isinstance(owner, Node) and name in {"apply", "map", "transform"} and isinstance(passed, Builtin):
                return self._passed(at, passed, [owner])
        if isinstance(owner, Frame) and name == "assign":
            named = {k: self.function(at, v, [owner], {}) if isinstance(v, Function) else v for k, v in named.items()}
        return pandas_calls.method(owner, name, given, named, self.fields)

    def _passed(self, at: ast.Call, function: Value, given: list[Value], named: Variables | None = None) -> Value:
        if isinstance(function, Function):
            return self.function(at, function, given, named or {})
        assert isinstance(function, Builtin)
        return pandas_functions.numpy_call(function.name, given, named or {})


def _literal(value: object) -> Value:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and value.bit_length() > 1_000:
        raise Refusal("this number is too large", kind="limit")
    if isinstance(value, int | float):
        return constant(float(value))
    raise Refusal(f"literals of type {type(value).__name__} are not translated", "a number")


def _sliced(owner: Value, cut: ast.Slice) -> Value:
    written = ast.unparse(cut)
    if isinstance(owner, Numbers) and written == "::-1":
        return Numbers(owner.values[::-1])
    if isinstance(owner, Span):
        raise Refusal(f"a part [{written}] of a window is not translated", "rolling(n) with the n that is meant")
    if isinstance(cut.step, ast.UnaryOp):
        raise Refusal(f"[{written}] reverses the bars in time", "series.shift(n)", "leak")
    raise Refusal(f"slicing by [{written}] cuts the sample at a fixed place", "series.shift(n)", "leak")
