"""
The one cleaner of foreign text: what models, servers and files wrote, made inert before it is stored or shown.

Scoring a text is left to the scorers; layout, to `reporting`.
"""

import html
import re
import textwrap
import unicodedata

# Characters kept of one text that is scored. A headline has fewer; scoring time may grow with the square of the words.
LONGEST_TEXT = 500
_SPACES = re.compile(r"[^\S\xa0]+")
_MARKDOWN = {ord(mark): f"&#{ord(mark)};" for mark in "&<>\\`*_[]()#|!~:"}
# Bare addresses are linked after all marks are read, so an invisible character stands in the way of that.
_ADDRESS = re.compile(r"://|www(?=\.)|@", re.IGNORECASE)
_TYPESET = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": " - ", "\u2014": " - ", "\u2212": "-"}
)


def clean_line(text: object) -> str:
    """
    Untrusted text as one inert line; "" for a missing value (None, NaN, NaT, NA).

    Control and invisible format characters (terminal escapes, bidi overrides, lone surrogates) are removed, white
    space is collapsed; no-break spaces stay.
    """
    if text is None or (isinstance(text, float) and text != text) or type(text).__name__ in {"NAType", "NaTType"}:
        return ""
    line = str(text)
    if not line.isascii() or not line.isprintable():
        line = "".join(c for c in line if c.isspace() or unicodedata.category(c)[0] != "C")
    return _SPACES.sub(" ", line).strip()


def printable(text: str) -> str:
    """Text of several lines without control characters; line breaks and indentation stay."""
    return "".join(c for c in text if c == "\n" or c.isprintable())


def truncate(text: object, width: int) -> str:
    """`clean_line` of at most `width` characters; an ellipsis marks the cut."""
    line = clean_line(text)
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def wrap(text: object, width: int, lines: int) -> list[str]:
    """`clean_line` folded to `width`: at least one line, perhaps empty, and at most `lines`."""
    return textwrap.wrap(clean_line(text), width, max_lines=lines, placeholder="…", break_on_hyphens=False) or [""]


def escape_html(text: object) -> str:
    """`clean_line` that is safe between tags and inside quoted attributes."""
    return html.escape(clean_line(text), quote=True)


def escape_markdown(text: object) -> str:
    """`clean_line` as inert Markdown: no tags, no links, no table breaks."""
    return _ADDRESS.sub("\\g<0>\N{WORD JOINER}", clean_line(text)).translate(_MARKDOWN)


def normalize(text: object) -> str:
    """
    `clean_line` of at most `LONGEST_TEXT` characters for a scorer; "" for anything but a string.

    Characters are composed (NFKC), typeset quotes and dashes become typed ones.
    """
    if not isinstance(text, str):
        return ""
    # Cut twice: one character can compose to eighteen.
    return clean_line(unicodedata.normalize("NFKC", text[:LONGEST_TEXT].translate(_TYPESET))[:LONGEST_TEXT])
