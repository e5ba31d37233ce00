"""
Source text of pandas code: limits, characters and syntax tree.

The tree is translated in `reader` and `expressions`, never executed.
"""

import ast
import io
import re
import tokenize
import unicodedata
import warnings

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions.dsl.tokens import MAX_BRACKETS, MAX_LENGTH

MAX_TOKENS_PER_LINE = 500


def syntax_tree(text: str) -> ast.Module:
    """
    The syntax tree of a text that keeps the limits.

    Raises:
        ExpressionError: too long, too deep, a character or name that code here does not have, or not Python.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the code has {len(text):,} characters; the limit is {MAX_LENGTH:,}", suggestion="one function of some "
            "thirty lines", kind="limit",
        )  # fmt: skip
    _check_characters(text)
    _check_lines(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        position = place(text, error.lineno or 1, 0) + max(0, (error.offset or 1) - 1)
        raise ExpressionError(f"not valid Python: {error.msg}", text, min(position, len(text))) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError("the code is nested too deep to be read", text, kind="limit") from None
    _check_names(text)
    return tree


def place(text: str, line: int, utf8_column: int) -> int:
    """Offset in the text of a (line, column in bytes), as the syntax tree gives it."""
    lines = text.split("\n")
    before = sum(len(row) + 1 for row in lines[: line - 1])
    current = lines[line - 1] if line <= len(lines) else ""
    return before + len(current.encode()[:utf8_column].decode(errors="ignore"))


def place_of(text: str, at: ast.AST) -> int:
    """Position of the caret: under the method of a chain, the sign between operands, else the beginning."""
    target = at.func if isinstance(at, ast.Call) else at
    if isinstance(target, ast.Attribute):
        end = place(text, target.end_lineno or 1, target.end_col_offset or 0)
        return max(0, end - len(target.attr))
    if isinstance(target, ast.BinOp | ast.Compare | ast.Subscript):
        left = target.value if isinstance(target, ast.Subscript) else target.left
        start = place(text, left.end_lineno or 1, left.end_col_offset or 0)
        rest = text[start:]
        return start + len(rest) - len(rest.lstrip(" )\n\t\r"))
    return place(text, getattr(target, "lineno", 1), getattr(target, "col_offset", 0))


def _check_characters(text: str) -> None:
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_BRACKETS:
            raise ExpressionError(f"brackets are more than {MAX_BRACKETS} deep", text, position, kind="limit")
        # A carriage return alone ends a line for Python but not for `place`.
        allowed = character in "\n\t" or (character == "\r" and text[position + 1 : position + 2] == "\n")
        if not allowed and unicodedata.category(character) in {"Cc", "Cf", "Cs"}:
            raise ExpressionError(f"the character {character!a} is not allowed in code", text, position)


def _check_lines(text: str) -> None:
    start = 0
    for line in text.split("\n"):
        if len(re.findall(r"\w+|[^\w\s]", line)) > MAX_TOKENS_PER_LINE:
            raise ExpressionError(f"a line has more than {MAX_TOKENS_PER_LINE} tokens", text, start, kind="limit")
        start += len(line) + 1


def _check_names(text: str) -> None:
    """Python folds look-alike letters of names into ASCII ones, so names must be ASCII as written."""
    if text.isascii():
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):  # of what `ast.parse` has read already
        if token.type == tokenize.NAME and not token.string.isascii():
            line, column = token.start
            before = sum(len(row) + 1 for row in text.split("\n")[: line - 1])
            raise ExpressionError(
                f"the name {token.string[:64]!a} has letters that are not ASCII", text, before + column
            )
