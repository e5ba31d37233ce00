"""
How numbers, dates and untrusted text are written for a person.

Layout is left to the terminal tables, the charts and the page.
"""

import html
import math
import re
import textwrap
import unicodedata

import pandas as pd

UNDEFINED = "\N{EN DASH}"
_SPACES = re.compile(r"[^\S\xa0]+")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}


def number(value: float, spec: str = ".2f") -> str:
    """`value` by a format spec, ASCII minus; "–" when it is NaN or infinite."""
    if not math.isfinite(value):
        return UNDEFINED
    shown = format(value, spec)
    return shown.replace("-", "+" if "+" in spec else "", 1) if _is_zero(shown) and shown.startswith("-") else shown


def figure(value: float, spec: str = ".2f", unit: str = "") -> str:
    """`number` as typeset: a true minus sign, a no-break space before the unit."""
    shown = number(value, spec).replace("-", "\N{MINUS SIGN}")
    return f"{shown}\N{NO-BREAK SPACE}{unit}" if unit and shown != UNDEFINED else shown


def percent(value: float, spec: str = ".0f") -> str:
    """A fraction as typeset percent."""
    return figure(value * 100.0, spec, "%")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def day(moment: pd.Timestamp) -> str:
    """`30 September 2019`."""
    return f"{moment.day} {moment:%B %Y}"


def clock(moment: pd.Timestamp) -> str:
    """`2019-10-01 00:00 UTC`; "–" for NaT."""
    return UNDEFINED if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M} UTC"


def plain(text: object) -> str:
    """
    Untrusted text as one inert line.

    Control and invisible format characters go (terminal escapes, bidi overrides, lone surrogates), white space
    collapses (no-break spaces stay). Missing values are "".
    """
    if text is None or (isinstance(text, float) and math.isnan(text)) or text is pd.NA:
        return ""
    words = str(text)
    if not words.isascii() or not words.isprintable():
        words = "".join(c for c in words if c.isspace() or unicodedata.category(c) not in _INVISIBLE)
    return _SPACES.sub(" ", words).strip()


def escape_html(text: object) -> str:
    """`plain` text that is safe between tags and inside quoted attributes."""
    return html.escape(plain(text), quote=True)


def clip(text: object, width: int) -> str:
    """`plain` text of at most `width` characters, an ellipsis marking the cut."""
    line = plain(text)
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def wrap(text: object, width: int, lines: int) -> list[str]:
    """`plain` text folded to `width`, at most `lines` lines; at least one, perhaps empty, line."""
    return textwrap.wrap(plain(text), width, max_lines=lines, placeholder="…", break_on_hyphens=False) or [""]


def humanize(name: object) -> str:
    """`price_momentum` as `price momentum`."""
    return plain(name).replace("_", " ")


def _is_zero(shown: str) -> bool:
    return not any(c in "123456789" for c in shown)
