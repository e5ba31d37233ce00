"""
The factor language: texts of three dialects are parsed to one causal expression tree, and trees are evaluated.

Operators are defined in `operators`; a text is parsed and translated by allow-list, never executed.
"""

from collections.abc import Collection

from alpha_pipeline.errors import SettingError
from alpha_pipeline.expressions.analysis import complexity, identity, lookback, similarity
from alpha_pipeline.expressions.dsl.parser import read
from alpha_pipeline.expressions.dsl.printer import to_dsl, to_math
from alpha_pipeline.expressions.evaluation import evaluate
from alpha_pipeline.expressions.factor_calls import NamedFactors, factor_reader
from alpha_pipeline.expressions.node import Node, fields_used, walk
from alpha_pipeline.expressions.pandas_code.code_printer import to_code
from alpha_pipeline.expressions.pandas_code.reader import read_code
from alpha_pipeline.market.durations import Clock, clock_of_bar

__all__ = [
    "NamedFactors", "Node", "complexity", "evaluate", "fields_used", "identity", "lookback", "parse", "similarity",
    "to_text", "walk",
]  # fmt: skip


def parse(
    text: str,
    dialect: str = "dsl",
    fields: Collection[str] | None = None,
    bar: str | Clock = "1h",
    factors: NamedFactors | None = None,
) -> Node:
    """
    Read a factor.

    Args:
        text: the factor as written; untrusted.
        dialect: "dsl", "math" (the DSL plus Greek letters) or "pandas" (code, translated and never executed).
        fields: names the panel has; None accepts any name as a field.
        bar: length of a bar, whose days have 24 hours, or the clock of a market, whose days are sessions; makes bars of
            durations such as "5d".
        factors: gives the canonical DSL of admitted factors by name, which `factor("name")` stands for; it is called
            only for a text that has such a call, and the factor's tree takes the place of the call.

    Raises:
        ExpressionError: the text is refused: what, where (caret), why and what to write instead.
        SettingError: no such dialect.
    """
    read_factor = factor_reader(factors, fields, bar)
    if dialect == "pandas":
        return read_code(text, fields, read_factor)
    if dialect not in {"dsl", "math"}:
        raise SettingError(f"unknown dialect {dialect!r}; expected 'dsl', 'math' or 'pandas'")
    clock = clock_of_bar(bar) if isinstance(bar, str) else bar
    return read(text, fields, clock, math=dialect == "math", read_factor=read_factor)


def to_text(node: Node, dialect: str = "dsl") -> str:
    """
    The expression in a dialect: "dsl" (canonical names), "math" (SMA, STD, ...) or "pandas" (a function).

    Raises:
        SettingError: no such dialect.
    """
    printers = {"dsl": to_dsl, "math": to_math, "pandas": to_code}
    if dialect not in printers:
        raise SettingError(f"unknown dialect {dialect!r}; expected 'dsl', 'math' or 'pandas'")
    return printers[dialect](node)
