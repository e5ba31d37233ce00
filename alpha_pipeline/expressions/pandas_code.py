"""
Pandas code to nodes: the statements of a factor, read from its syntax tree by allow-list and never executed.

Methods of series are translated in `pandas_calls`, functions in `pandas_functions`; every construct not named there or
here is refused with its line.
"""

import ast
import re
import unicodedata
import warnings
from collections.abc import Collection
from dataclasses import replace

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import pandas_calls, pandas_functions
from alpha_pipeline.expressions.nodes import Node, NodeError, build, constant
from alpha_pipeline.expressions.nodes import field as field_node
from alpha_pipeline.expressions.pandas_values import (
    MISSING,
    Frame,
    Function,
    Module,
    Refusal,
    Value,
    as_condition,
    as_series,
    comparison,
)
from alpha_pipeline.expressions.tokens import MAX_BRACKETS, MAX_LENGTH

MAX_TOKENS_PER_LINE = 500
MAX_STEPS = 20_000
MAX_CALLS = 16

_ARITHMETIC = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.BitAnd: "both", ast.BitOr: "either",
}  # fmt: skip
_COMPARISONS = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal",
    ast.NotEq: "not_equal",
}  # fmt: skip
_MODULES = {"numpy": "np", "pandas": "pd", "math": "np"}
_ENTRY = ("calculate_factor", "factor", "compute_factor", "calculate", "alpha")


def read_code(text: str, fields: Collection[str] | None) -> Node:
    """
    The node of pandas code: `def calculate_factor(df): ...`, or statements ending in an expression or assignment.

    Raises:
        ExpressionError: a construct that is not translated, or one that reads the future, with its line.
    """
    tree = _syntax_tree(text)
    reader = _Reader(text, fields)
    try:
        return reader.module(tree)
    except RecursionError:
        raise ExpressionError("the code is nested too deep", text, kind="limit") from None


def _syntax_tree(text: str) -> ast.Module:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the code has {len(text):,} characters; the limit is {MAX_LENGTH:,}", kind="limit")
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_BRACKETS:
            raise ExpressionError(f"brackets are more than {MAX_BRACKETS} deep", text, position, kind="limit")
        odd = character == "\\" or (unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in "\n\t\r")
        if odd:
            raise ExpressionError(f"the character {character!a} is not allowed in code", text, position)
    start = 0
    for line in text.split("\n"):
        if len(re.findall(r"\w+|[^\w\s]", line)) > MAX_TOKENS_PER_LINE:
            raise ExpressionError(f"a line has more than {MAX_TOKENS_PER_LINE} tokens", text, start, kind="limit")
        start += len(line) + 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        position = _offset(text, error.lineno or 1, 0) + max(0, (error.offset or 1) - 1)
        raise ExpressionError(f"not valid Python: {error.msg}", text, min(position, len(text))) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError("the code is nested too deep to be read", text, kind="limit") from None


def _offset(text: str, line: int, utf8_column: int) -> int:
    """Place of a (line, column in bytes), as the syntax tree gives it, in the text."""
    lines = text.split("\n")
    before = sum(len(known) + 1 for known in lines[: line - 1])
    current = lines[line - 1] if line <= len(lines) else ""
    return before + len(current.encode()[:utf8_column].decode(errors="ignore"))


class _Reader:
    """One pass over one piece of code; variables hold nodes, never Python objects of the text."""

    def __init__(self, text: str, fields: Collection[str] | None) -> None:
        self.text, self.fields = text, fields
        self.steps = self.calls = 0

    def refuse(self, at: ast.AST, reason: str, suggestion: str | None = None, kind: str = "syntax") -> ExpressionError:
        reason = reason if len(reason) <= 500 else reason[:500] + " ..."  # names in it may be as long as the text
        line, column = getattr(at, "lineno", 1), getattr(at, "col_offset", 0)
        return ExpressionError(reason, self.text, _offset(self.text, line, column), suggestion, kind)

    def module(self, tree: ast.Module) -> Node:
        variables: dict[str, Value] = {"df": Frame(()), "data": Frame(()), "np": Module("np"), "pd": Module("pd")}
        functions = [s for s in tree.body if isinstance(s, ast.FunctionDef)]
        result = self.block(tree.body, variables)
        if functions:
            entry = next((f for name in _ENTRY for f in functions if f.name == name), functions[-1])
            frame: list[Value] = [Frame(())]
            needed = len(entry.args.args) - len(entry.args.defaults)
            if needed > 1:
                raise self.refuse(entry, f"{entry.name} must take the data frame only", "def calculate_factor(df):")
            result = self.function(entry, Function(entry, variables), frame[: len(entry.args.args)], {})
        if result is None:
            last = tree.body[-1] if tree.body else tree
            raise self.refuse(last, "the code gives no factor", "return factor")
        if not isinstance(result, Node) or result.is_constant:
            raise self.refuse(tree.body[-1], f"the factor must be a series; found {_kind(result)}", "return factor")
        return result

    def function(self, at: ast.AST, function: Function, given: list[Value], named: dict[str, Value]) -> Value:
        """The value a local function returns for these arguments."""
        definition, spec = function.definition, function.definition.args
        unusual = spec.vararg or spec.kwarg or spec.kwonlyargs or spec.posonlyargs or definition.decorator_list
        if unusual:
            raise self.refuse(
                definition, "only plain positional parameters are translated; no *args, **kwargs, decorators"
            )
        names = [a.arg for a in spec.args]
        variables = dict(function.variables)
        defaults = names[len(names) - len(spec.defaults) :]
        for name, default in zip(defaults, spec.defaults, strict=True):
            variables[name] = self.value(default, dict(function.variables))
        bound = dict(zip(names, given, strict=False))
        if len(given) > len(names) or set(named) - set(names) or set(named) & set(bound):
            raise self.refuse(at, f"the arguments do not fit {definition.name}({', '.join(names)})")
        bound.update(named)
        missing = [name for name in names if name not in bound and name not in defaults]
        if missing:
            raise self.refuse(at, f"{definition.name} needs `{missing[0]}`")
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise self.refuse(at, f"functions call each other more than {MAX_CALLS} deep", kind="limit")
        result = self.block(definition.body, {**variables, **bound})
        self.calls -= 1
        return result

    def block(self, body: list[ast.stmt], variables: dict[str, Value]) -> Value:
        """Run-through of statements; the value of `return`, else of the last expression or assignment."""
        last: Value = None
        for statement in body:
            self.step(statement)
            if isinstance(statement, ast.Return):
                if statement.value is None:
                    raise self.refuse(statement, "`return` without a value")
                return self.value(statement.value, variables)
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                last = self.assign(statement.targets[0], self.value(statement.value, variables), variables)
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                last = self.assign(statement.target, self.value(statement.value, variables), variables)
            elif isinstance(statement, ast.AugAssign):
                value = self.binary(statement, statement.op, statement.target, statement.value, variables)
                last = self.assign(statement.target, value, variables)
            elif isinstance(statement, ast.Expr):
                is_text = isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
                last = last if is_text else self.value(statement.value, variables)
            elif isinstance(statement, ast.FunctionDef):
                variables[statement.name] = Function(statement, variables)
            elif isinstance(statement, ast.Import):
                self.imports(statement, variables)
            elif isinstance(statement, ast.For):
                self.loop(statement, variables)
            elif not isinstance(statement, ast.Pass):
                construct = type(statement).__name__
                remedy = (
                    "np.where(condition, a, b)" if isinstance(statement, ast.If) else "assignments, calls and a return"
                )
                raise self.refuse(statement, f"`{construct}` statements are not translated", remedy)
        return last

    def loop(self, statement: ast.For, variables: dict[str, Value]) -> None:
        """A loop over literal numbers, unrolled."""
        over = self.value(statement.iter, variables)
        if not isinstance(over, tuple) or not isinstance(statement.target, ast.Name) or statement.orelse:
            raise self.refuse(
                statement, "only loops over a literal list of numbers are translated", "for n in [5, 10, 20]:"
            )
        if any(isinstance(n, ast.Return) for s in statement.body for n in ast.walk(s)):
            raise self.refuse(statement, "a return inside a loop is not translated")
        for value in over:
            variables[statement.target.id] = value
            self.block(statement.body, variables)

    def imports(self, statement: ast.Import, variables: dict[str, Value]) -> None:
        for name in statement.names:
            if name.name not in _MODULES:
                raise self.refuse(statement, f"`import {name.name}` is not translated; numpy and pandas are known")
            variables[name.asname or name.name] = Module(_MODULES[name.name])

    def assign(self, target: ast.expr, value: Value, variables: dict[str, Value]) -> Value:
        if isinstance(target, ast.Name):
            variables[target.id] = value
        elif isinstance(target, ast.Tuple) and isinstance(value, tuple) and len(value) == len(target.elts):
            for part, item in zip(target.elts, value, strict=True):
                self.assign(part, item, variables)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            frame = variables.get(target.value.id)
            name = target.slice.value if isinstance(target.slice, ast.Constant) else None
            if not isinstance(frame, Frame) or not isinstance(name, str) or not isinstance(value, Node):
                raise self.refuse(target, "only df['name'] = series assigns to a part of something")
            variables[target.value.id] = replace(frame, columns=(*frame.columns, (name, value)))
        else:
            raise self.refuse(target, f"assigning to {type(target).__name__} is not translated", "name = expression")
        return value

    def step(self, at: ast.AST) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise self.refuse(at, f"the code takes more than {MAX_STEPS:,} steps", kind="limit")

    def value(self, node: ast.expr, variables: dict[str, Value]) -> Value:
        """The meaning of an expression; every kind of syntax not listed is refused."""
        self.step(node)
        try:
            return self.meaning(node, variables)
        except Refusal as refusal:
            raise self.refuse(node, refusal.reason, refusal.suggestion, refusal.kind) from None
        except NodeError as error:
            raise self.refuse(node, error.reason, error.suggestion, error.kind) from None

    def meaning(self, node: ast.expr, variables: dict[str, Value]) -> Value:
        match node:
            case ast.Constant(value=bool() | str() | None):
                return node.value  # type: ignore[return-value]  # narrowed by the pattern
            case ast.Constant(value=int() | float()):
                return constant(_small(node.value))  # type: ignore[arg-type]  # narrowed by the pattern
            case ast.Name():
                return self.name(node, variables)
            case ast.List() | ast.Tuple():
                return tuple(self.value(item, variables) for item in node.elts)
            case ast.BinOp():
                return self.binary(node, node.op, node.left, node.right, variables)
            case ast.UnaryOp():
                return self.unary(node, variables)
            case ast.Compare():
                return self.compare(node, variables)
            case ast.Subscript():
                return self.subscript(node, variables)
            case ast.Attribute():
                owner = self.value(node.value, variables)
                if isinstance(owner, Frame) and node.attr != "index":
                    return self.column(node, owner, node.attr)
                return pandas_calls.attribute(owner, node.attr)
            case ast.Call():
                return self.call(node, variables)
            case ast.BoolOp():
                raise Refusal("`and` and `or` do not work on series", "(a > b) & (c > d)")
            case ast.IfExp():
                raise Refusal("`a if c else b` does not work on series", "np.where(c, a, b)")
        raise Refusal(f"{type(node).__name__} is not translated", "arithmetic, rolling windows, shift, np.where")

    def name(self, node: ast.Name, variables: dict[str, Value]) -> Value:
        if node.id in {"float", "int", "bool"} and node.id not in variables:
            return node.id  # a type, as astype(float) names it
        if node.id not in variables:
            known = ", ".join(sorted(variables))
            raise Refusal(f"the name {node.id!r} was not assigned before; known are {known}", kind="unknown")
        return variables[node.id]

    def column(self, at: ast.AST, frame: Frame, name: str) -> Node:
        if (found := dict(frame.columns).get(name)) is not None:
            return found
        if self.fields is not None and name not in self.fields:
            reason = f"unknown column {name!r}; the columns are {', '.join(sorted(self.fields))}"
            raise self.refuse(at, reason, kind="unknown")
        if not name.isidentifier() or not name.isascii() or len(name) > 64 or name.startswith("_"):
            raise self.refuse(at, f"{name[:80]!r} is no name of a column", kind="unknown")
        return field_node(name)

    def subscript(self, node: ast.Subscript, variables: dict[str, Value]) -> Value:
        owner = self.value(node.value, variables)
        if isinstance(owner, Frame) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return self.column(node, owner, node.slice.value)
        if isinstance(owner, Frame) and isinstance(node.slice, ast.List):
            names = [self.value(item, variables) for item in node.slice.elts]
            return tuple(self.column(node, owner, name) for name in names if isinstance(name, str))
        if isinstance(node.slice, ast.Slice) and isinstance(owner, Node):
            raise Refusal("slicing moves or reverses the series in time", "series.shift(n)", "leak")
        raise Refusal("this subscript is not translated", "df['close']")

    def binary(
        self, at: ast.AST, sign: ast.operator, left: ast.expr, right: ast.expr, variables: dict[str, Value]
    ) -> Value:
        name = _ARITHMETIC.get(type(sign))
        if name is None:
            raise Refusal(f"the operator {type(sign).__name__} is not translated", "+, -, *, /, **, &, |")
        x, y = self.value(left, variables), self.value(right, variables)
        if name in {"both", "either"}:
            return build(name, [as_condition(x), as_condition(y)])
        return build(name, [as_series(x), as_series(y)])

    def unary(self, node: ast.UnaryOp, variables: dict[str, Value]) -> Value:
        value = self.value(node.operand, variables)
        if isinstance(node.op, ast.USub):
            return MISSING if value is MISSING else build("negative", [as_series(value)])
        if isinstance(node.op, ast.UAdd):
            return as_series(value)
        if isinstance(node.op, ast.Invert):
            return build("negate", [as_condition(value)])
        raise Refusal("`not` does not work on series", "~condition")

    def compare(self, node: ast.Compare, variables: dict[str, Value]) -> Value:
        if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARISONS:
            raise Refusal("chained, `in` and `is` comparisons do not work on series", "(a < b) & (b < c)")
        x, y = self.value(node.left, variables), self.value(node.comparators[0], variables)
        return comparison(_COMPARISONS[type(node.ops[0])], as_series(x), as_series(y))

    def call(self, node: ast.Call, variables: dict[str, Value]) -> Value:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise Refusal("star arguments are not translated")
        names = [k.arg for k in node.keywords]
        if len(set(names)) != len(names):
            raise Refusal("an argument is given twice")
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value, variables)
            given, named = self.arguments(node, variables)
            return pandas_calls.method(owner, node.func.attr, given, named)
        if isinstance(node.func, ast.Name):
            function = variables.get(node.func.id)
            given, named = self.arguments(node, variables)
            if isinstance(function, Function):
                return self.function(node, function, given, named)
            return pandas_functions.builtin(node.func.id, given, named)
        raise Refusal("this call is not translated")

    def arguments(self, node: ast.Call, variables: dict[str, Value]) -> tuple[list[Value], dict[str, Value]]:
        for value in (*node.args, *(k.value for k in node.keywords)):
            if isinstance(value, ast.Lambda):
                raise Refusal(
                    "functions of one's own inside apply are not translated", "rolling(20).mean() and the like"
                )
        given = [self.value(a, variables) for a in node.args]
        return given, {str(k.arg): self.value(k.value, variables) for k in node.keywords}


def _small(value: float) -> float:
    """A literal as float; whole numbers beyond its range are refused before conversion."""
    if isinstance(value, int) and value.bit_length() > 1_000:
        raise Refusal("this number is too large", kind="limit")
    return float(value)


def _kind(value: Value) -> str:
    if isinstance(value, Node):
        return "a number"
    return "NaN" if value is MISSING else type(value).__name__
