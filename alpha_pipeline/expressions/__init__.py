"""
The factor language: texts of three dialects become one causal tree of nodes, and trees become values.

What operators exist and compute is in `operators`; a text is parsed and translated by allow-list, never executed.
"""

from collections.abc import Collection

from alpha_pipeline.errors import SettingError
from alpha_pipeline.expressions.analysis import complexity, fields_used, identity, lookback, similarity
from alpha_pipeline.expressions.dsl.parser import read
from alpha_pipeline.expressions.dsl.printer import to_text
from alpha_pipeline.expressions.evaluate import evaluate
from alpha_pipeline.expressions.node import Node, walk
from alpha_pipeline.expressions.pandas_code.reader import read_code

__all__ = [
    "Node", "complexity", "evaluate", "fields_used", "identity", "lookback", "parse", "similarity", "to_text", "walk",
]  # fmt: skip


def parse(text: str, dialect: str = "dsl", fields: Collection[str] | None = None, bar: str = "1h") -> Node:
    """
    Read a factor.

    Args:
        text: the factor as written; untrusted.
        dialect: "dsl", "math" (the DSL plus Greek letters) or "pandas" (code, translated and never executed).
        fields: names the panel has; None accepts any name as a field.
        bar: length of a bar; durations such as "5d" become bars by it.

    Raises:
        ExpressionError: the text is refused: what, where (caret), why and what to write instead.
        SettingError: no such dialect.
    """
    if dialect == "pandas":
        return read_code(text, fields)
    if dialect not in {"dsl", "math"}:
        raise SettingError(f"unknown dialect {dialect!r}; expected 'dsl', 'math' or 'pandas'")
    return read(text, fields, bar, math=dialect == "math")
