"""
Translation of pandas code to nodes: statements, by allow-list of the syntax tree, never executed.

The text is checked in `source`, expressions are translated in `expressions`.
"""

import ast
from collections.abc import Collection, Iterator

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.node import Node, NodeError
from alpha_pipeline.expressions.pandas_code.code_values import (
    NAN,
    Frame,
    Function,
    Module,
    Numbers,
    Refusal,
    Table,
    Value,
    kind,
)
from alpha_pipeline.expressions.pandas_code.expressions import Expressions, ReadFactor, Variables
from alpha_pipeline.expressions.pandas_code.frames import assigned_part, column, with_column
from alpha_pipeline.expressions.pandas_code.refusals import STATEMENTS, refused_name
from alpha_pipeline.expressions.pandas_code.source import syntax_tree

MAX_CALLS = 16

_MODULES = {"numpy": "np", "pandas": "pd", "math": "np", "warnings": "", "typing": "", "__future__": ""}
_ENTRY = ("calculate_factor", "factor", "compute_factor", "calculate", "alpha")
_ANNOTATION = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.BinOp, ast.BitOr, ast.Load)


def read_code(text: str, fields: Collection[str] | None, read_factor: ReadFactor | None = None) -> Node:
    """
    The node of pandas code: `def calculate_factor(df): ...`, or statements ending in an expression or assignment.

    Raises:
        ExpressionError: a construct that is not translated, or one that reads the future, with its line.
    """
    tree = syntax_tree(text)
    try:
        return _Reader(text, fields, read_factor).module(tree)
    except RecursionError:
        raise ExpressionError("the code is nested too deep", text, kind="limit") from None


class _Reader(Expressions):
    """One pass over one piece of code."""

    calls = 0

    def module(self, tree: ast.Module) -> Node:
        variables: Variables = {"df": Frame(()), "data": Frame(()), "np": Module("np"), "pd": Module("pd")}
        self.scopes: list[Variables] = [variables]  # of the functions being called, the outermost first
        self._check_end(tree.body)
        functions = {s.name: s for s in tree.body if isinstance(s, ast.FunctionDef)}
        result = self.block(tree.body, variables)
        entry = next((functions[name] for name in _ENTRY if name in functions), None)
        last = tree.body[-1] if tree.body else tree
        if entry is None and functions and (isinstance(last, ast.FunctionDef) or not isinstance(result, Node)):
            entry = list(functions.values())[-1]
        if entry is not None:
            frame: list[Value] = [Frame(())]
            needed = len(entry.args.args) - len(entry.args.defaults)
            if needed > 1:
                raise self.refuse(entry, f"{entry.name} must take the data frame only", "def calculate_factor(df):")
            held = variables[entry.name]
            function = held if isinstance(held, Function) else self.local(entry, variables)
            result = self.function(entry, function, frame[: len(entry.args.args)], {})
            last = entry.body[-1]
        if result is None:
            raise self.refuse(last, "the code gives no factor", "return factor")
        if isinstance(result, Frame | Table):
            raise self.refuse(last, f"the factor must be one series; found {kind(result)}", "return df['factor']")
        if not isinstance(result, Node) or result.is_constant:
            raise self.refuse(last, f"the factor must be a series; found {kind(result)}", "return factor")
        return result

    def function(self, at: ast.AST, function: Function, given: list[Value], named: Variables) -> Value:
        definition, spec = function.definition, function.definition.args
        decorated = isinstance(definition, ast.FunctionDef) and definition.decorator_list
        if spec.vararg or spec.kwarg or spec.kwonlyargs or spec.posonlyargs or decorated:
            raise self.refuse(definition, "only plain parameters are translated; no *args, **kwargs, /, decorators")
        names = [a.arg for a in spec.args]
        if len(set(names)) != len(names):
            raise self.refuse(definition, f"two parameters of {function.name} have one name")
        bound = dict(zip(names, given, strict=False))
        if len(given) > len(names) or set(named) - set(names) or set(named) & set(bound):
            raise self.refuse(at, f"the arguments do not fit {function.name}({', '.join(names)})")
        bound.update(named)
        optional = names[len(names) - len(function.defaults) :]
        bound = {**dict(zip(optional, function.defaults, strict=True)), **bound}
        missing = [name for name in names if name not in bound]
        if missing:
            raise self.refuse(at, f"{function.name} needs `{missing[0]}`")
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise self.refuse(at, f"functions call each other more than {MAX_CALLS} deep", kind="limit")
        variables = {**function.variables, **bound}
        self.scopes.append(variables)
        if isinstance(definition, ast.Lambda):
            result = self.value(definition.body, variables)
        else:
            self._check_shape(definition)
            result = self.block(definition.body, variables)
        self.calls -= 1
        self.scopes.pop()
        return result

    def _check_shape(self, definition: ast.FunctionDef) -> None:
        """One return, at the end; annotations that are names."""
        spec = definition.args
        for annotation in (definition.returns, *(a.annotation for a in spec.args)):
            self._check_annotation(annotation)
        body = self._check_end(definition.body)
        if not isinstance(body[-1], ast.Return):
            self._first_refused(body)
            raise self.refuse(body[-1], f"{definition.name} has no `return`", "return factor")

    def _check_annotation(self, annotation: ast.expr | None) -> None:
        if annotation is not None and not all(isinstance(n, _ANNOTATION) for n in ast.walk(annotation)):
            raise self.refuse(annotation, "this annotation is not translated", "df: pd.DataFrame")

    def _check_end(self, body: list[ast.stmt]) -> list[ast.stmt]:
        statements = list(_flat(body))
        for statement in statements[:-1]:
            if isinstance(statement, ast.Return):
                reason = "statements after this `return` are never reached"
                raise self.refuse(statement, reason, "one return, at the end")
        return statements

    def _first_refused(self, body: list[ast.stmt]) -> None:
        """A refused construct is reported before a missing return."""
        for statement in body:
            if type(statement) in STATEMENTS:
                raise self.refuse(statement, *STATEMENTS[type(statement)])
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield | ast.YieldFrom):
                raise self.refuse(statement, "`yield` is not translated", "return factor")

    def block(self, body: list[ast.stmt], variables: Variables) -> Value:
        """Translate statements; the value of `return`, else of the last expression or assignment."""
        last: Value = None
        for statement in _flat(body):
            self.step(statement)
            try:
                last = self.statement(statement, variables, last)
            except Refusal as refusal:
                raise self.refuse(statement, refusal.reason, refusal.suggestion, refusal.kind) from None
            except NodeError as error:
                raise self.refuse(statement, error.reason, error.suggestion, error.kind) from None
        return last

    def statement(self, statement: ast.stmt, variables: Variables, last: Value) -> Value:
        match statement:
            case ast.Return(value=ast.expr() as returned):
                return self.value(returned, variables)
            case ast.Return():
                raise Refusal("`return` without a value", "return factor")
            case ast.Assign():
                value = self.value(statement.value, variables)
                for target in statement.targets:
                    self.assign(target, value, variables)
                return value
            case ast.AnnAssign(value=ast.expr() as assigned):
                self._check_annotation(statement.annotation)
                return self.assign(statement.target, self.value(assigned, variables), variables)
            case ast.AugAssign():
                before, change = self.value(_read(statement.target), variables), self.value(statement.value, variables)
                return self.assign(statement.target, self.binary(statement.op, before, change), variables)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                return last
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[part])):
                listed = variables.get(name)
                if isinstance(listed, tuple):
                    variables[name] = (*listed, self.value(part, variables))
                    return None
                return self.value(statement.value, variables)
            case ast.Expr():
                return None if _is_quiet(statement.value, variables) else self.value(statement.value, variables)
            case ast.FunctionDef():
                variables[statement.name] = self.local(statement, variables)
                return None
            case ast.Import() | ast.ImportFrom():
                self.imports(statement, variables)
                return None
            case ast.For():
                self.loop(statement, variables)
                return None
            case ast.With():
                raise self.refuse(statement, *STATEMENTS[ast.With])
        fallback = (f"`{type(statement).__name__}` statements are not translated", "assignments, calls and a return")
        raise self.refuse(statement, *STATEMENTS.get(type(statement), fallback))

    def loop(self, statement: ast.For, variables: Variables) -> None:
        """A loop over literal numbers, unrolled."""
        over = self.value(statement.iter, variables)
        if isinstance(over, Numbers) or not isinstance(over, tuple) or statement.orelse:
            raise Refusal(f"only loops over a literal list are translated; found {kind(over)}", "for n in [5, 10, 20]:")
        if any(isinstance(n, ast.Return | ast.Break | ast.Continue) for s in statement.body for n in ast.walk(s)):
            raise Refusal("return, break and continue inside a loop are not translated", "a loop that runs to its end")
        for value in over:
            self.assign(statement.target, value, variables)
            self.block(statement.body, variables)

    def imports(self, statement: ast.Import | ast.ImportFrom, variables: Variables) -> None:
        if isinstance(statement, ast.ImportFrom):
            if statement.module not in {"typing", "__future__"} or statement.level:
                raise Refusal(f"`from {statement.module} import ...` is not translated", "import numpy as np")
            return
        for name in statement.names:
            if name.name not in _MODULES:
                remedy = "the operators of the language, such as ts_slope(x, 20), or rolling windows"
                raise Refusal(f"`import {name.name[:64]}` is not translated; numpy and pandas are known", remedy)
            variables[name.asname or name.name] = Module(_MODULES[name.name])

    def assign(self, target: ast.expr, value: Value, variables: Variables) -> Value:
        match target:
            case ast.Name():
                variables[target.id] = value
            case ast.Tuple() | ast.List() if isinstance(value, tuple) and len(value) == len(target.elts):
                for part, item in zip(target.elts, value, strict=True):
                    self.assign(part, item, variables)
            case ast.Subscript(value=ast.Name(id=name)):
                variables[name] = self._changed(target, name, self.value(target.slice, variables), value, variables)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="loc")):
                self._assign_rows(target, name, value, variables)
            case ast.Subscript(value=ast.Attribute(attr=place)):
                raise refused_name(place, f".{place}", "df['name'] = series")
            case _:
                words = {ast.Attribute: "an attribute", ast.Starred: "a starred name"}.get(type(target), "this")
                raise self.refuse(target, f"assigning to {words} is not translated", "name = expression")
        return value

    def _changed(self, at: ast.expr, name: str, index: Value, value: Value, variables: Variables) -> Value:
        """The value of the variable after `name[index] = value`."""
        owner = self.value(_loaded(at, name), variables)
        if not isinstance(owner, Frame | Table):
            return assigned_part(owner, index, value)
        if not isinstance(index, str):
            raise self.refuse(
                at, "only df['name'] = series assigns to a part of a frame", "df.loc[condition, 'name'] = 0"
            )
        twin = next((other for other, held in variables.items() if held is owner and other != name), None)
        if twin is not None:
            raise self.refuse(at, f"{name} and {twin} are the same frame", f"{name} = {twin}.copy()")
        changed = with_column(owner, index, value)
        for scope in self.scopes:  # a frame passed to a function is the caller's
            scope.update({other: changed for other, held in scope.items() if held is owner})
        return changed

    def _assign_rows(self, at: ast.Subscript, name: str, value: Value, variables: Variables) -> None:
        """`df.loc[condition, 'name'] = value`, `series.loc[condition] = value`."""
        owner = self.value(_loaded(at, name), variables)
        if not isinstance(owner, Frame | Table):
            variables[name] = assigned_part(owner, self.value(at.slice, variables), value)
            return
        if not isinstance(at.slice, ast.Tuple) or len(at.slice.elts) != 2:
            raise self.refuse(at, "rows are assigned to one column at a time", "df.loc[condition, 'name'] = 0")
        rows, key = at.slice.elts
        written = self.value(key, variables)
        if not isinstance(written, str):
            raise self.refuse(at, "rows are assigned to one column at a time", "df.loc[condition, 'name'] = 0")
        if not isinstance(rows, ast.Slice):
            columns = dict(owner.columns)
            is_there = written in columns or (isinstance(owner, Frame) and written in (self.fields or ()))
            before = column(owner, written, self.fields) if is_there else NAN
            value = assigned_part(before, self.value(rows, variables), value)
        elif rows.lower or rows.upper or rows.step:
            raise self.refuse(rows, "slicing cuts the sample at a fixed place", "df.loc[condition, 'name'] = 0", "leak")
        variables[name] = self._changed(at, name, written, value, variables)


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements, those under `with np.errstate(...)` among them."""
    for statement in body:
        match statement:
            case ast.With(
                items=[ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr="errstate")), optional_vars=None)]
            ):
                yield from _flat(statement.body)
            case _:
                yield statement


def _is_quiet(node: ast.expr, variables: Variables) -> bool:
    """`warnings.filterwarnings(...)` and the like."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="filterwarnings" | "simplefilter" | "seterr")):
            return isinstance(variables.get(name), Module)
    return False


def _read(target: ast.expr) -> ast.expr:
    """The target of `x += 1` as an expression to read; only names and columns are."""
    if isinstance(target, ast.Name | ast.Subscript):
        return target
    raise Refusal("assigning to an attribute is not translated", "name = expression")


def _loaded(at: ast.expr, name: str) -> ast.Name:
    """The name of a target as an expression to read."""
    return ast.copy_location(ast.Name(name, ast.Load()), at)
