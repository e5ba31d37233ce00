"""
The grammar of the DSL and of mathematical expressions: one precedence-climbing parser.

Characters are read in `tokens`, calls are resolved in `calls`; no part of a text is ever executed.
"""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.dsl.calls import Argument, Context, call, make, synonyms
from alpha_pipeline.expressions.dsl.tokens import Token, tokenize
from alpha_pipeline.expressions.node import Node, NodeError, constant
from alpha_pipeline.expressions.node import field as field_node
from alpha_pipeline.market.durations import Clock
from alpha_pipeline.operators import operators

ReadFactor = Callable[[Sequence[object]], Node]

MAX_RECURSION = 200
TERNARY, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER = range(1, 10)

_INFIX = {
    "or": (OR, "either"), "||": (OR, "either"), "|": (OR, "either"),
    "and": (AND, "both"), "&&": (AND, "both"), "&": (AND, "both"),
    "<": (COMPARISON, "less"), "<=": (COMPARISON, "less_equal"), ">": (COMPARISON, "greater"),
    ">=": (COMPARISON, "greater_equal"), "==": (COMPARISON, "equal"), "!=": (COMPARISON, "not_equal"),
    "<>": (COMPARISON, "not_equal"),
    "+": (SUM, "add"), "-": (SUM, "subtract"), "*": (PRODUCT, "multiply"), "/": (PRODUCT, "divide"),
    "^": (POWER, "power"), "**": (POWER, "power"),
}  # fmt: skip
_NAMED_CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}
_ADV = re.compile(r"adv_?([0-9]{1,4})")
_LAGGED = re.compile(r"([a-z_]+?)_lag_?([0-9]{1,4})")

_INSTEAD = {  # without a closer suggestion
    "syntax": "values joined by operators, such as ts_zscore(close, 20) * rank(volume)",
    "unknown": "a field, or a call such as ts_zscore(close, 20)",
    "type": "a call as its documentation shows it, such as ts_mean(close, 20)",
    "leak": "only bars up to the current one, such as delay(close, 1)",
    "limit": "a smaller expression with shorter windows, such as ts_mean(close, 200)",
}


@dataclass
class _Reader:
    """One pass over the tokens of one text."""

    source: str
    tokens: list[Token]
    fields: Collection[str] | None
    clock: Clock
    names: Mapping[str, Node] = field(default_factory=dict)
    read_factor: ReadFactor | None = None
    next: int = 0
    level: int = 0

    def __post_init__(self) -> None:
        self.context = Context(self.source, self.clock, self.expand)

    def expand(self, text: str, names: dict[str, Node]) -> Node:
        """Parse a built-in text (a formula, a default) with its parameters bound to nodes."""
        inner = replace(self, source=text, tokens=tokenize(text), names=names, next=0, level=self.level)
        return inner.rest()

    def program(self) -> Node:
        """Definitions `name = expression`; the factor is the last definition or a final expression."""
        names: dict[str, Node] = {}
        self.names = names
        while True:
            name = ""
            if self.peek().kind == "name" and self.tokens[self.next + 1].text == "=":
                name = self.take().text.lstrip("$")
                equals = self.take()
                if name in (self.fields or ()):
                    reason = f"{name} is a field and cannot be defined; a comparison is written =="
                    raise self.refuse(reason, equals.position, f"{name} == ..., or another name for the definition")
            value = self.node(self.expression(0))
            if self.peek().text == ";":
                self.take()
            if self.peek().kind == "end":
                return value
            if not name or not (self.peek().kind == "name"):
                raise self.refuse(_misplaced(self.peek()), self.peek().position)
            names[name] = value

    def rest(self) -> Node:
        argument = self.expression(0)
        token = self.peek()
        if token.kind != "end":
            raise self.refuse(_misplaced(token), token.position)
        return self.node(argument)

    def peek(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.tokens[self.next]
        self.next += token.kind != "end"
        return token

    def refuse(
        self, reason: str, position: int, suggestion: str | None = None, kind: str = "syntax"
    ) -> ExpressionError:
        return self.context.refuse(reason, position, suggestion, kind)

    def node(self, argument: Argument) -> Node:
        if isinstance(argument.value, str):
            raise self.refuse("a duration can only be a window, as in ts_mean(close, '5d')", argument.position)
        return argument.value

    def apply(self, name: str, position: int, *arguments: Argument) -> Argument:
        for argument in arguments:
            self.node(argument)
        return Argument(make(operators()[name], arguments, (), position, self.context), position)

    def expression(self, floor: int) -> Argument:
        self.level += 1
        if self.level > MAX_RECURSION:
            raise self.refuse(f"nested more than {MAX_RECURSION} deep", self.peek().position, kind="limit")
        left = self.prefix()
        while True:
            token = self.peek()
            word = token.text.lower() if token.kind in {"mark", "name"} else ""
            if word == "?" and floor <= TERNARY:
                left = self.ternary(left)
                continue
            if word not in _INFIX or _INFIX[word][0] < floor or token.kind == "duration":
                break
            power, name = _INFIX[word]
            self.take()
            # Powers lean right: a ^ b ^ c is a ^ (b ^ c). Everything else leans left.
            right = self.expression(SIGN if power == POWER else power + 1)
            left = self.apply(name, token.position, left, right)
            following = self.peek()
            if power == COMPARISON and _INFIX.get(following.text, (0,))[0] == COMPARISON:
                raise self.refuse("comparisons do not chain", following.position, "a < b and b < c")
        self.level -= 1
        return left

    def ternary(self, condition: Argument) -> Argument:
        mark = self.take()
        yes = self.expression(TERNARY)
        colon = self.take()
        if colon.text != ":":
            raise self.refuse("expected ':' of the choice condition ? a : b", colon.position, "where(condition, a, b)")
        no = self.expression(TERNARY)
        return self.apply("where", mark.position, condition, yes, no)

    def prefix(self) -> Argument:
        token = self.take()
        if token.kind == "number":
            return Argument(self.number(token), token.position)
        if token.kind == "duration":
            return Argument(token.text, token.position)
        if token.text == "-":
            return self.apply("negative", token.position, self.expression(SIGN))
        if token.text == "+":
            return self.expression(SIGN)
        if token.text in {"!", "~"}:
            return self.apply("negate", token.position, self.expression(SIGN))
        if token.kind == "name" and token.text.lower() == "not":
            return self.apply("negate", token.position, self.expression(NOT))
        if token.kind == "name":
            return self.call(token) if self.peek().text == "(" else Argument(self.name(token), token.position)
        if token.text == "(":
            inner = self.expression(0)
            self.close(token)
            return Argument(inner.value, token.position)
        raise self.refuse(_misplaced(token), token.position)

    def number(self, token: Token) -> Node:
        try:
            return constant(float(token.text))
        except NodeError as error:
            raise self.refuse(error.reason, token.position, kind=error.kind) from None

    def close(self, opened: Token) -> None:
        token = self.take()
        if token.text != ")":
            where = f"the bracket opened at column {opened.position + 1}"
            reason = "the text ends" if token.kind == "end" else f"found {token.text!r}"
            mended = f"{self.source.strip()})" if token.kind == "end" and len(self.source) < 200 else "f(x, 20)"
            raise self.refuse(f"expected ')' for {where}; {reason}", token.position, mended)

    def call(self, name: Token) -> Argument:
        opened = self.take()
        arguments: list[Argument] = []
        named: dict[str, Argument] = {}
        while self.peek().text != ")":
            token, following = self.peek(), self.tokens[min(self.next + 1, len(self.tokens) - 1)]
            if token.kind == "name" and following.text == "=":
                self.next += 2
                if token.text in named:
                    raise self.refuse(f"`{token.text}` is given twice", token.position)
                value = self.expression(0)
                named[token.text] = Argument(value.value, token.position)
            elif named:
                raise self.refuse("a plain argument cannot follow a named one", token.position)
            else:
                arguments.append(self.expression(0))
            if self.peek().text != ",":
                break
            self.take()
        self.close(opened)
        if name.text == "factor" and self.read_factor is not None:
            return Argument(self.admitted(name, [*arguments, *named.values()]), name.position)
        return Argument(
            call(name.text.lstrip("$"), name.position, arguments, named, self.context, self.fields or ()), name.position
        )

    def admitted(self, call: Token, arguments: Sequence[Argument]) -> Node:
        """`factor("name")`: the tree of an admitted factor."""
        quoted = [a.value[1:-1] if isinstance(a.value, str) and a.value[0] in "\"'" else None for a in arguments]
        try:
            return self.read_factor(quoted)  # type: ignore[misc]  # the caller has one
        except ExpressionError as error:
            position = arguments[0].position if arguments else call.position
            raise self.refuse(error.reason, position, error.suggestion, error.kind) from None

    def name(self, token: Token) -> Node:
        name = token.text.lstrip("$")
        if name in self.names:
            return self.names[name]
        if self.fields is None or name in self.fields:
            field = name
        else:
            field = next((other for other in self.fields if other.lower() == name.lower()), "")
        is_abbreviation = name.lower() in {"returns", "ret"} or _ADV.fullmatch(name.lower())
        if field and not (self.fields is None and is_abbreviation):
            return field_node(field)
        if name.lower() in {"returns", "ret"}:
            return self.abbreviation("ts_return(close, 1)", token)
        if adv := _ADV.fullmatch(name.lower()):
            return self.abbreviation(f"ts_mean(volume, {int(adv[1])})", token)
        if lagged := _LAGGED.fullmatch(name.lower()):
            return self.abbreviation(f"delay({lagged[1]}, {int(lagged[2])})", token)
        if name.lower() in _NAMED_CONSTANTS:
            return constant(_NAMED_CONSTANTS[name.lower()])
        raise self.unknown_field(token, name)

    def abbreviation(self, text: str, token: Token) -> Node:
        """A name that stands for a call; an error of the call is reported at the name."""
        try:
            return self.expand(text, {})
        except ExpressionError as error:
            reason = f"{token.text} means {text}: {error.reason}"
            raise self.refuse(reason, token.position, error.suggestion, error.kind) from None

    def unknown_field(self, token: Token, name: str) -> ExpressionError:
        fields = sorted(self.fields or ())
        reason = f"unknown field {name!r}; the fields are {', '.join(fields) or 'none'}"
        if name.lower() in synonyms():
            example = synonyms()[name.lower()][0].example
            return self.refuse(f"{name} is an operator and needs arguments", token.position, example)
        close = difflib.get_close_matches(name.lower(), fields, n=1, cutoff=0.5)
        return self.refuse(reason, token.position, next(iter(close + fields), None), "unknown")


def read(
    text: str, fields: Collection[str] | None, clock: Clock, math: bool, read_factor: ReadFactor | None = None
) -> Node:
    """
    The node of a DSL text (or, with `math`, of a mathematical expression).

    Args:
        text, fields, bar: as of `expressions.parse`.
        math: also read Greek letters.
        read_factor: of `factor_calls.factor_reader`; None where the language has no `factor("name")`.

    Raises:
        ExpressionError: the text is refused; the caret is under the fault.
    """
    try:
        tokens = tokenize(text, greek=math)
        if tokens[0].kind == "end":
            raise ExpressionError("the expression is empty", text, 0)
        return _Reader(text, tokens, fields, clock, read_factor=read_factor).program()
    except ExpressionError as error:
        error.suggestion = error.suggestion or _INSTEAD[error.kind]
        raise


def _misplaced(token: Token) -> str:
    if token.kind == "end":
        return "the text ends where a value was expected"
    if token.text == ")":
        return "a closing bracket without an opening one, or a missing argument before it"
    if token.text == "=":
        return "'=' names an argument inside a call; a comparison is written =="
    if token.kind in {"name", "number", "duration"}:
        return f"expected an operator such as + or * before {token.text!r}"
    return f"expected a field, a number or a call; found {token.text!r}"
