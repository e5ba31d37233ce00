"""Foreign text made inert."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.text.untrusted import clean_line, escape_html, escape_markdown, printable, truncate, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("שלום עולם", "שלום עולם"),
        (None, ""),
        (np.nan, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
    ],
)
def test_a_clean_line_is_inert(text: object, shown: str) -> None:
    """Terminal escapes, bidi overrides and invisible characters do not survive; honest scripts do."""
    assert clean_line(text) == shown


def test_escaped_html_is_safe_in_tags_and_attributes() -> None:
    """No character that HTML gives a meaning to passes."""
    assert escape_html("<b a='1' c=\"2\">&") == "&lt;b a=&#x27;1&#x27; c=&quot;2&quot;&gt;&amp;"


def test_truncate_and_wrap_keep_the_width() -> None:
    """A very long word is cut, with an ellipsis."""
    assert truncate("abcdef", 4) == "abc…"
    lines = wrap("x" * 300 + " tail", 40, 2)
    assert [len(line) <= 40 for line in lines] == [True, True]
    assert lines[-1].endswith("…")
    assert wrap("", 10, 2) == [""]


def test_printable_text_keeps_its_lines() -> None:
    """Line breaks and indentation stay, escapes go."""
    assert printable("def f():\n    \x1b[31mx") == "def f():\n    [31mx"


def test_escaped_markdown_has_no_markup() -> None:
    """Links, tags and table breaks are text."""
    assert escape_markdown("[a](b)|<i>") == "&#91;a&#93;&#40;b&#41;&#124;&#60;i&#62;"
