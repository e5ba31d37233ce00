"""The source of feeds, against a server on loopback that lists items in the recorded shapes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.text import headlines, rss
from alpha_pipeline.resources.vendors.text.rss import FeedNews

NOW = pd.Timestamp("2024-03-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-10", tz="UTC")
SYMBOLS = ["BTCUSDT", "ETHUSDT"]
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=2.0)


def entry(title: str, link: str = "https://a.example/1", at: str = "Sat, 09 Mar 2024 10:00:00 GMT") -> str:
    return f"<item><title>{title}</title><link>{link}</link><pubDate>{at}</pubDate></item>"


def feed(*entries: str) -> bytes:
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>A</title>{"".join(entries)}</channel></rss>'.encode()
    )


OLD = entry("Weather", "https://a.example/old", "Thu, 07 Mar 2024 10:00:00 GMT")
GOOD = feed(entry("Bitcoin up"), OLD)
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title>
<entry><title type="html">&lt;b&gt;Ether&lt;/b&gt; up</title><link href="/e1"/>
<published>2024-03-09T10:00:00+09:00</published>
<updated>2024-03-09T12:00:00Z</updated></entry>
<entry><title>Bitcoin down</title><link href="https://a.example/e2"/><updated>2024-03-09T13:00:00Z</updated></entry>
<entry><title>Weather</title><link href="https://a.example/e3"/><updated>2024-03-07T13:00:00Z</updated></entry></feed>"""


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(lambda path, query: ATOM if path == "/atom" else GOOD)


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> FeedNews:
    return FeedNews(
        {"crypto": (f"{vendor.url}/rss/?id=1",)}, RETRY_POLICY, RateLimit("rss", 1000, 1.0, str(tmp_path)), lambda: NOW
    )


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_a_feed_becomes_rows_of_news(source: FeedNews, vendor: Any) -> None:
    """Typed, known when published; the address is asked as it was written."""
    told = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert tables.RAW_NEWS.conform(told.table).num_rows == 1
    row = told.table.iloc[0]
    assert row[["symbol", "url", "title"]].tolist() == ["BTCUSDT", "https://a.example/1", "Bitcoin up"]
    assert row["timestamp"] == row["available_at"] == utc("2024-03-09 10:00")
    assert vendor.requests == [("/rss/", {"id": "1"})] and not told.failures and not told.counts
    assert (source.name, source.kind) == ("rss", "news")


def test_atom_is_read_with_its_zones_changes_and_relative_links(source: FeedNews, vendor: Any) -> None:
    """An entry changed later is known later; one with but one time happened then."""
    table = FeedNews({"crypto": (f"{vendor.url}/atom",)}, RETRY_POLICY, source.rate_limit, source.now).fetch(
        CRYPTO, SYMBOLS, START, END
    ).table  # fmt: skip
    assert table["title"].tolist() == ["Ether up", "Bitcoin down"]
    assert table["timestamp"].tolist() == [utc("2024-03-09 01:00"), utc("2024-03-09 13:00")]
    assert table["available_at"].tolist() == [utc("2024-03-09 12:00"), utc("2024-03-09 13:00")]
    assert table["url"].tolist() == [f"{vendor.url}/e1", "https://a.example/e2"]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("Sat, 09 Mar 2024 10:00:00 +0530", "2024-03-09 04:30"),
        ("Sat, 09 Mar 2024 10:00:00 EST", "2024-03-09 15:00"),
        ("2024-03-09T10:00:00-08:00", "2024-03-09 18:00"),
        ("2024-03-09T10:00:00Z", "2024-03-09 10:00"),
        ("Sat, 09 Mar 2024 10:00:00 HST", None),
        ("2024-03-09T10:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_time_is_believed_only_in_a_zone_we_know(
    source: FeedNews, vendor: Any, at: str, expected: str | None
) -> None:
    """A zone taken for another would let news be known before it was."""
    vendor.answer = lambda path, query: feed(entry("Bitcoin up", at=at), OLD)
    told = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert told.table["timestamp"].tolist() == ([utc(expected)] if expected else [])
    assert told.counts == ({} if expected else {headlines.NO_TIME: 1})


def test_news_from_the_future_is_left_out_and_counted(source: FeedNews, vendor: Any) -> None:
    """A feed's clock ahead of ours makes no row, not even in a window that reaches so far."""
    vendor.answer = lambda path, query: feed(entry("Bitcoin up", at="Sun, 10 Mar 2024 12:00:01 GMT"), OLD)
    told = source.fetch(CRYPTO, SYMBOLS, START, utc("2024-03-11"))
    assert told.table.empty and told.counts == {headlines.FUTURE: 1}


def test_duplicates_and_disorder_are_harmless(source: FeedNews, vendor: Any) -> None:
    """A link listed twice, and its campaign twin, are one row."""
    twin = entry("Bitcoin up", "https://a.example/1?utm_source=rss")
    vendor.answer = lambda path, query: feed(OLD, twin, entry("Bitcoin up"), twin)
    told = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert told.table["url"].tolist() == ["https://a.example/1"] and told.counts == {headlines.REPEATED: 2}


def test_one_dead_feed_does_not_take_the_others(source: FeedNews, vendor: Any) -> None:
    """The rows of the living feed come; the dead one is named with its reason."""
    feeds = (f"{vendor.url}/dead", f"{vendor.url}/rss")
    vendor.faults.append("403")
    told = FeedNews({"crypto": feeds}, RETRY_POLICY, source.rate_limit, source.now).fetch(CRYPTO, SYMBOLS, START, END)
    assert len(told.table) == 1 and list(told.failures) == [feeds[0]]
    assert "HTTP 403" in told.failures[feeds[0]]


@pytest.mark.parametrize("fault", ["429", "500", "truncate"])
def test_a_passing_fault_is_survived(source: FeedNews, vendor: Any, fault: str) -> None:
    """One fault, then the feed: nothing is seen of it."""
    vendor.faults.append(fault)
    assert len(source.fetch(CRYPTO, SYMBOLS, START, END).table) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429"),
        ("500", "HTTP 500"),
        ("truncate", "cut short"),
        ("html", "expected RSS or Atom, found"),
        (b"", "expected RSS or Atom"),
        (b'{"items": []}', "expected RSS or Atom"),
        (GOOD.replace(b'"1.0"', b'"1.0" encoding="\xe2"'), "found unreadable bytes: UnicodeDecodeError"),
        (GOOD[:150], "the feed was truncated after 150 bytes"),
    ],
    ids=str,
)
def test_no_feed_at_all_is_an_error_that_says_what_came(
    source: FeedNews, vendor: Any, fault: object, words: str
) -> None:
    """After bounded tries the message has the address and the cause."""
    vendor.faults.extend([fault] * 2)
    with pytest.raises(SourceError, match="all 1 feeds failed") as caught:
        source.fetch(CRYPTO, SYMBOLS, START, END)
    assert words in str(caught.value) and f"{vendor.url}/rss/" in str(caught.value)


def test_a_feed_that_is_not_well_formed_is_read_and_noted(source: FeedNews, vendor: Any) -> None:
    """A bare ampersand is no reason to lose a feed."""
    vendor.answer = lambda path, query: feed(entry("Bitcoin & co"), OLD)
    told = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert told.table["title"].tolist() == ["Bitcoin & co"] and told.counts == {rss.NOT_WELL_FORMED: 1}


def test_an_empty_feed_is_an_empty_day(source: FeedNews, vendor: Any) -> None:
    """No item is no failure."""
    vendor.answer = lambda path, query: feed()
    told = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert told.table.dtypes.equals(tables.RAW_NEWS.empty().dtypes) and told.table.empty and not told.counts


def test_an_entry_of_another_shape_is_left_out_and_counted(source: FeedNews, vendor: Any) -> None:
    """Without title or link there is no row."""
    at = "<pubDate>Sat, 09 Mar 2024 10:00:00 GMT</pubDate>"
    vendor.answer = lambda path, query: feed(f"<item>{at}</item>", f"<item><title>Bitcoin</title>{at}</item>", OLD)
    told = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert told.table.empty and told.counts == {headlines.NO_TITLE: 1, headlines.NO_URL: 1}


def test_a_feed_that_begins_within_the_window_says_so(source: FeedNews, vendor: Any) -> None:
    """What it listed before is lost, and a reader should know."""
    vendor.answer = lambda path, query: feed(entry("Bitcoin up"))
    assert source.fetch(CRYPTO, SYMBOLS, START, END).counts == {rss.SHORT_REACH: 1}


def test_a_window_fetched_twice_gives_the_same_rows(source: FeedNews) -> None:
    """The clock of the asking stands nowhere in a row."""
    later = FeedNews(source.feeds, RETRY_POLICY, source.rate_limit, lambda: NOW + pd.Timedelta(days=9))
    first = source.fetch(CRYPTO, SYMBOLS, START, END)
    pd.testing.assert_frame_equal(first.table, later.fetch(CRYPTO, SYMBOLS, START, END).table)


def test_wrong_settings_are_named(source: FeedNews) -> None:
    """A market without feeds, a feed that is no address, a window that is none."""
    with pytest.raises(SettingError, match="no feeds for the asset type stock; it has"):
        source.fetch(EQUITIES, ["AAPL"], START, END)
    with pytest.raises(SettingError, match="feed 'file:///etc/hosts' is not a URL"):
        FeedNews({"crypto": ("file:///etc/hosts",)}).fetch(CRYPTO, SYMBOLS, START, END)
    with pytest.raises(SettingError, match="empty"):
        source.fetch(CRYPTO, SYMBOLS, END, START)
