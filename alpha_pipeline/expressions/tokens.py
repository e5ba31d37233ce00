"""
Text to tokens: the only place that looks at characters.

What tokens mean is decided in `syntax`; limits on length, brackets and letters are kept here.
"""

# ruff: noqa: RUF001  # look-alikes of ASCII are what this module is about

import re
from dataclasses import dataclass

from alpha_pipeline.errors import ExpressionError

MAX_LENGTH = 20_000
MAX_BRACKETS = 64

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<duration>\"[^\"\n]{0,20}\"|'[^'\n]{0,20}'|[0-9]{1,9}(?:min|[hdw])\b)"
    r"|(?P<number>(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?(?![A-Za-z0-9_.]))"
    r"|(?P<name>\$?[A-Za-z_][A-Za-z0-9_]{0,63}(?![A-Za-z0-9_]))"
    r"|(?P<mark>\*\*|<=|>=|==|!=|&&|\|\||<>|[-+*/^()<>,=&|!~?:;])",
    re.ASCII,
)
_TYPOGRAPHY = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/", "≤": "<=", "≥": ">=",
    "≠": "!=", "“": '"', "”": '"', "‘": "'", "’": "'",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "²": "^2", "³": "^3",
    "（": "(", "）": ")", "，": ",", "∧": " and ", "∨": " or ", "¬": " not ",
}  # fmt: skip
_GREEK = {
    "σ": "std", "μ": "mean", "µ": "mean", "Δ": "delta", "∆": "delta", "Σ": "sum", "∑": "sum", "ρ": "corr",
    "Π": "product",
    "∏": "product", "β": "beta", "√": "sqrt", "∂": "delta",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text: kind "number", "duration", "name", "mark" or "end", and its offset in the source."""

    kind: str
    text: str
    position: int


def tokenize(text: str, greek: bool = False) -> list[Token]:
    """
    Tokens of a text, the last one of kind "end".

    Args:
        text: as written; mathematical typography (minus signs, times, quotes) is read as its ASCII spelling.
        greek: also read Greek letters as the functions they stand for (σ as std, μ as mean, Δ as delta).

    Raises:
        ExpressionError: too long, too deep, or a character the language does not have.
    """
    if len(text) > MAX_LENGTH:
        reason = f"the text has {len(text):,} characters; the limit is {MAX_LENGTH:,}"
        raise ExpressionError(reason, suggestion="one expression", kind="limit")
    plain, places = _plain_text(text, greek)
    tokens: list[Token] = []
    depth = position = 0
    while position < len(plain):
        match = _TOKEN.match(plain, position)
        where = places[position]
        if match is None:
            raise ExpressionError(_unreadable(plain, position), text, where)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match.group(), where))
            depth += {"(": 1, ")": -1}.get(match.group(), 0)
            if depth > MAX_BRACKETS:
                raise ExpressionError(f"brackets are more than {MAX_BRACKETS} deep", text, where, kind="limit")
        position = match.end()
    tokens.append(Token("end", "", len(text.rstrip())))
    return tokens


def _plain_text(text: str, greek: bool) -> tuple[str, list[int]]:
    """The text in ASCII spelling, and for each of its characters the offset in the source."""
    if text.isascii():
        return text, list(range(len(text)))
    table = {**_TYPOGRAPHY, **_GREEK} if greek else _TYPOGRAPHY
    pieces: list[str] = []
    places: list[int] = []
    for position, character in enumerate(text):
        spelled = character if character.isascii() else table.get(character, character)
        pieces.append(spelled)
        places += [position] * len(spelled)
    return "".join(pieces), places


def _unreadable(text: str, position: int) -> str:
    character = text[position]
    if character.isdigit() or character == ".":
        return "this number is not written as one (digits, a point, an exponent)"
    if character in "[]{}":
        return f"{character!r} is not part of the language; group with ( and ), write windows as arguments"
    if character in "\"'":
        return "a quoted text can only be a duration such as '5d' or '4h'"
    if not character.isprintable() or not character.isascii():
        return f"the character {character!a} is not part of the language; write plain ASCII"
    if character.isalpha() or character == "_":
        return "a name has at most 64 letters, digits and underscores"
    return f"{character!r} is not part of the language"
