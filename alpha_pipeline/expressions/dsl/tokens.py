"""
Tokenizer of the DSL, with the limits on length, brackets and characters.

Tokens are parsed in `parser`.
"""

# ruff: noqa: RUF001  # look-alikes of ASCII are what this module is about

import re
import unicodedata
from dataclasses import dataclass

from alpha_pipeline.errors import ExpressionError

MAX_LENGTH = 20_000
MAX_BRACKETS = 64

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<duration>\"[^\"\n]{0,100}\"|'[^'\n]{0,100}'|[0-9]{1,9}(?:min|[hdw])\b)"
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
    """One token of a text: kind "number", "duration", "name", "mark" or "end", and its offset in the source."""

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
        source, place = text[: MAX_LENGTH + 100], MAX_LENGTH
        raise ExpressionError(reason, source, place, "one expression; name parts that repeat, as in a = ...", "limit")
    plain, places = _plain_text(text, greek)
    tokens: list[Token] = []
    depth = position = 0
    while position < len(plain):
        match = _TOKEN.match(plain, position)
        where = places[position]
        if match is None:
            raise ExpressionError(*_unreadable(plain, position, text, where))
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match.group(), where))
            depth += {"(": 1, ")": -1}.get(match.group(), 0)
            if depth > MAX_BRACKETS:
                reason = f"brackets are more than {MAX_BRACKETS} deep"
                raise ExpressionError(reason, text, where, "inner parts as definitions: a = ...; b = f(a)", "limit")
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


def _unreadable(text: str, position: int, source: str, where: int) -> tuple[str, str, int, str]:
    """Reason, source, place and what to write instead of a character that begins no token."""
    character = text[position]
    if character == "." and position and (text[position - 1].isalnum() or text[position - 1] in "_)]"):
        return "a point after a name or bracket: the language has calls, no methods", source, where, "rank(volume)"
    if character.isdigit() or character == ".":
        reason = "this number is not written as one (at most 40 ASCII digits, a point, an exponent of 4)"
        return reason, source, where, "20, 0.5 or 1e-3"
    if character in "[]{}":
        reason = f"{character!r} is not part of the language; group with ( and ), write windows as arguments"
        return reason, source, where, "delay(close, 1) for the bar before, df['close'] only in the pandas dialect"
    if character in "\"'":
        reason = "a quoted text can only be a duration such as '5d', or the name of a factor as in factor('name')"
        return reason, source, where, "ts_mean(close, '5d')"
    if not character.isprintable() or not character.isascii():
        reason = f"the character {character!a} is not part of the language; write plain ASCII"
        folded = unicodedata.normalize("NFKD", source[:200]).encode("ascii", "ignore").decode().strip()
        return reason, source, where, folded if folded.isprintable() and folded else "close / open"
    if character.isalpha() or character == "_":
        return "a name has at most 64 letters, digits and underscores", source, where, "a shorter name"
    return (
        f"{character!r} is not part of the language",
        source,
        where,
        "+ - * / ^, comparisons, and, or, not, or a call",
    )
