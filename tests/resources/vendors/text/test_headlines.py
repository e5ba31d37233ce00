"""Headlines as rows: what is cleaned, what is left out, and what counts as the same story."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.vendors.protocols import FetchResult
from alpha_pipeline.resources.vendors.text import headlines
from alpha_pipeline.resources.vendors.text.headlines import Item, news_rows, plain_text, utc_moment, web_address

NOW = pd.Timestamp("2024-03-10 12:00", tz="UTC")
WINDOW = (pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-10", tz="UTC"))
SYMBOLS = ["BTCUSDT", "ETHUSDT"]


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def item(title: object = "Bitcoin", url: object = "https://a.example/1", at: str = "2024-03-09 10:00") -> Item:
    return Item(title, url, utc(at))


def rows(*items: Item) -> FetchResult:
    return news_rows(items, SYMBOLS, CRYPTO, WINDOW, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>Bitcoin</b>, up", "Bitcoin, up"),
        ("Bitcoin &amp; Ether&#8217;s day", "Bitcoin & Ether\N{RIGHT SINGLE QUOTATION MARK}s day"),
        ("&lt;i&gt;Bitcoin&lt;/i&gt; &amp;amp; co", "Bitcoin & co"),
        ("<script>alert(1)</script>Bitcoin", "Bitcoin"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;Bitcoin", "Bitcoin"),
        ("BTC < 50k and > 40k", "BTC < 50k and > 40k"),
        (" Bit\N{ZERO WIDTH SPACE}coin\n\t up\x00 ", "Bitcoin up"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}niocti\N{POP DIRECTIONAL FORMATTING}B", "nioctiB"),
        ("half \ud83d a pair", "half a pair"),
        ("Bitcoin <img src=x onerror=alert(1)", "Bitcoin"),
        (None, ""),
        (float("nan"), ""),
        (["Bitcoin"], ""),
    ],
)
def test_a_title_becomes_plain_text(text: object, expected: str) -> None:
    """No markup, no entities, no characters one cannot see; what is no text is empty."""
    assert plain_text(text) == expected


def test_a_title_has_a_longest_length() -> None:
    """A page in a title is cut, and says so."""
    assert plain_text("x" * 10_000) == "x" * (headlines.LONGEST_TITLE - 1) + "…"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://A.example/x?utm_source=rss&id=1&utm_medium=x#top", "https://a.example/x?id=1"),
        ("http://a.example/", "http://a.example/"),
        *[
            (bad, "")
            for bad in (
                "javascript:alert(1)",
                "data:text/html,x",
                "/x",
                "",
                None,
                5,
                "https://u:p@a.example/",
                "ftp://a.b",
            )
        ],
        ("https://[a.example/", ""),
        ("https://a.example:999999/", ""),
        ("https://a.example/a b", ""),
        ("https://a.example/\N{RIGHT-TO-LEFT OVERRIDE}", ""),
        ("https://a.example/" + "x" * 3000, ""),
    ],
)
def test_only_plain_web_addresses_are_kept(url: object, expected: str) -> None:
    """An http or https address with a host, without user, fragment and campaign marks."""
    assert web_address(url) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-07-05T18:00:00Z", "2024-07-05 18:00"),
        ("2024-07-05T18:00:00+09:00", "2024-07-05 09:00"),
        ("2024-07-05T18:00:00", None),
        ("now", None),
        ("NaT", None),
        ("soon", None),
        (1720202400, None),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_no_time(text: object, expected: str | None) -> None:
    """Zones are converted; none is guessed."""
    assert utc_moment(text) == (utc(expected) if expected else None)


def test_an_item_is_one_row_for_each_symbol_it_names() -> None:
    """Typed, sorted, unscored, known when published."""
    table = rows(item("Ether follows Bitcoin")).table
    assert table.dtypes.equals(tables.RAW_NEWS.empty().dtypes)
    assert tables.RAW_NEWS.conform(table).num_rows == 2
    assert table["symbol"].tolist() == SYMBOLS and np.isnan(table["news_sentiment"]).all()
    assert (table["available_at"] == table["timestamp"]).all() and table["timestamp"].iloc[0] == utc("2024-03-09 10:00")


def test_a_title_changed_later_is_known_later() -> None:
    """The event keeps its time; what we read could be read only since the change."""
    changed = Item("Bitcoin", "https://a.example/1", utc("2024-03-09 10:00"), utc("2024-03-09 15:00"))
    row = rows(changed).table.iloc[0]
    assert (row["timestamp"], row["available_at"]) == (utc("2024-03-09 10:00"), utc("2024-03-09 15:00"))


@pytest.mark.parametrize(
    ("exclusion_reason", "note"),
    [
        (item("Weather"), headlines.UNNAMED),
        (item(" <b></b> "), headlines.NO_TITLE),
        (item(url="javascript:alert(1)"), headlines.NO_URL),
        (item(at="2024-03-10 12:01"), headlines.FUTURE),
        (Item("Bitcoin", "https://a.example/1", None), headlines.NO_TIME),
        (Item("Bitcoin", "https://a.example/1", utc("2024-03-09"), utc("2025-01-01")), headlines.FUTURE),
    ],
)
def test_what_is_left_out_is_counted(exclusion_reason: Item, note: str) -> None:
    """A row is missing for a stated reason only."""
    told = rows(exclusion_reason)
    assert told.table.empty and told.counts == {note: 1}


def test_the_window_is_open_at_its_start() -> None:
    """(start, end]: neighbouring windows share no row."""
    told = rows(
        item("Bitcoin a", "https://a.example/1", "2024-03-08"),
        item("Bitcoin b", "https://a.example/2", "2024-03-08 00:00:01"),
        item("Bitcoin c", "https://a.example/3", "2024-03-10"),
    )
    assert told.table["title"].tolist() == ["Bitcoin b", "Bitcoin c"]


def test_a_link_comes_once_whatever_its_title() -> None:
    """Editors change titles: the first stays."""
    told = rows(item("Bitcoin soars", at="2024-03-09 11:00"), item("Bitcoin up", "https://a.example/1?utm_source=x#c"))
    assert told.table["title"].tolist() == ["Bitcoin up"] and told.counts == {headlines.REPEATED: 1}


@pytest.mark.parametrize(
    ("url", "at", "kept"),
    [
        ("https://a.example/2", "2024-03-09 11:00", 1),
        ("https://b.example/2", "2024-03-09 11:00", 2),
        ("https://a.example/2", "2024-03-08 09:00", 2),
    ],
)
def test_a_title_comes_once_from_a_host_within_a_day(url: str, at: str, kept: int) -> None:
    """Case and punctuation do not make it another story; another host or another day does."""
    told = rows(item("Bitcoin: up, again!"), item("BITCOIN up again", url, at))
    assert len(told.table) == kept


def test_what_is_repeated_is_decided_before_the_window() -> None:
    """A story of the hour before the window is not news within it."""
    told = rows(item(at="2024-03-07 23:30"), item(at="2024-03-08 00:30"))
    assert told.table.empty


def test_a_repetition_adds_the_symbols_it_is_filed_under() -> None:
    """One item in the streams of two symbols is news of both."""
    twice = [Item("Markets", "https://a.example/1", utc("2024-03-09"), about=(symbol,)) for symbol in SYMBOLS]
    assert rows(*twice).table["symbol"].tolist() == SYMBOLS


def test_order_does_not_matter() -> None:
    """The same items in another order are the same rows."""
    items = [item("Bitcoin up", at="2024-03-09 11:00"), item("Bitcoin down"), item("Ether", "https://a.example/2")]
    pd.testing.assert_frame_equal(rows(*items).table, rows(*items[::-1]).table)
