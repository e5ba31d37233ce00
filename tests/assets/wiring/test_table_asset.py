"""Untrusted text in metadata is inert."""

import html

import pandas as pd
import pytest

from alpha_pipeline.assets.wiring.table_asset import markdown_table
from alpha_pipeline.text.untrusted import escape_markdown


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "a|b", "`x`", "![x](y)", "# x", "a\nb"]
)
def test_markup_is_escaped(text: str) -> None:
    """No tag, link, image, heading, code span, table break or line break survives."""
    safe = escape_markdown(text)
    assert not set(safe) & set("<>[]()|`!\n") - set("&;")


def test_a_table_shows_its_rows_and_says_how_many_it_hides() -> None:
    """Twenty rows of thirty."""
    shown = markdown_table(pd.DataFrame({"a": range(30), "b": 0.123456789}), 20).value
    assert "0.1235" in str(shown)
    assert "10 more rows" in str(shown)


def test_what_is_escaped_is_still_legible() -> None:
    """Each mark once, and nothing that steers a terminal or turns the line."""
    assert html.unescape(escape_markdown("ts_mean(close, 5) & <b>")) == "ts_mean(close, 5) & <b>"
    assert html.unescape(escape_markdown("a\x1b[31m\u202eb\u2028c")) == "a[31mb c"
    assert "://" not in escape_markdown("https://evil.example")


@pytest.mark.parametrize("address", ["https://evil.example", "www.evil.example", "me@evil.example"])
def test_a_bare_address_becomes_no_link(address: str) -> None:
    """Readers of Markdown link addresses after all marks are read; an invisible character keeps them words."""
    shown = html.unescape(escape_markdown(address))
    assert shown != address
    assert shown.replace("\N{WORD JOINER}", "") == address


def test_titles_of_columns_are_escaped_too() -> None:
    """A column may be named by a model."""
    assert "![" not in str(markdown_table(pd.DataFrame({"![x](http://evil.example)": [1]})).value)
