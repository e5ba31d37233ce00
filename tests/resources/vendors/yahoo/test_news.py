"""The source of Yahoo's headlines, through the real client, against a server on loopback in the recorded shape."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.text import headlines
from alpha_pipeline.resources.vendors.yahoo import news as yahoo_news
from alpha_pipeline.resources.vendors.yahoo.news import YahooNews

NOW = pd.Timestamp("2024-07-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-07-08", tz="UTC"), pd.Timestamp("2024-07-10", tz="UTC")
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=2.0)
PATH = "/xhr/ncp"


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def item(title: str, number: int = 0, at: str = "2024-07-09T18:00:00Z", **content: object) -> dict[str, object]:
    link = {"url": f"https://finance.yahoo.com/news/{number}.html", "site": "finance", "region": "US", "lang": "en-US"}
    said = {"contentType": "STORY", "title": title, "pubDate": at, "displayTime": at, "canonicalUrl": link}
    return {"id": str(number), "content": {**said, **content}}


OLD = item("Weather", 99, "2024-07-01T18:00:00Z")


def stream(*items: object) -> dict[str, object]:
    return {"data": {"tickerStream": {"pagination": {}, "stream": list(items)}}, "status": "OK"}


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    """The stream of the symbol that was posted; the crumb and everything else the client asks for on the way."""

    def answer(path: str, query: dict[str, str]) -> object:
        if path != PATH:
            return "crumb"
        symbol = json.loads(server.posted[-1])["serviceConfig"]["s"][0]
        return stream(item(f"{symbol} up", len(symbol)), {"id": "x", "ad": ["buy"]}, OLD)

    server = stand_in(answer)
    server.faulty_path = PATH
    return server


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> YahooNews:
    rate_limit = RateLimit("yahoo_news", 1000, 1.0, str(tmp_path))
    return YahooNews(vendor.url, RETRY_POLICY, str(tmp_path / "cache"), rate_limit, now=lambda: NOW)


def result_of(vendor: Any, *items: object) -> None:
    vendor.answer = lambda path, query: stream(*items) if path == PATH else "crumb"


def test_the_stream_of_each_symbol_becomes_rows(source: YahooNews, vendor: Any) -> None:
    """Typed and sorted, known when published; advertisements and older items are no rows."""
    told = source.fetch(EQUITIES, ["AAPL", "V"], START, END)
    assert tables.RAW_NEWS.conform(told.table).num_rows == 2 and not told.failures
    assert told.counts == {headlines.REPEATED: 1}  # the old item of both streams
    assert told.table[["symbol", "title"]].to_numpy().tolist() == [["AAPL", "AAPL up"], ["V", "V up"]]
    assert (told.table["timestamp"] == utc("2024-07-09 18:00")).all()
    assert (told.table["available_at"] == told.table["timestamp"]).all()
    request = [json.loads(body)["serviceConfig"] for body in vendor.posted]
    assert request == [{"snippetCount": 50, "s": ["AAPL"]}, {"snippetCount": 50, "s": ["V"]}]
    assert (source.name, source.kind) == ("yahoo_news", "news")


def test_an_item_in_two_streams_is_one_row_each(source: YahooNews, vendor: Any) -> None:
    """The vendor's filing counts, named in the title or not; a symbol named in the title counts too."""
    result_of(vendor, item("Stocks and Walmart rally"), OLD)
    told = source.fetch(EQUITIES, ["AAPL", "MSFT", "WMT"], START, END)
    assert told.table["symbol"].tolist() == ["AAPL", "MSFT", "WMT"]


def test_zones_are_converted_and_markup_removed(source: YahooNews, vendor: Any) -> None:
    """An hour in New York is an hour there."""
    result_of(vendor, item("<b>A</b> &amp; B", at="2024-07-09T14:00:00-04:00"), OLD)
    row = source.fetch(EQUITIES, ["AAPL"], START, END).table.iloc[0]
    assert (row["timestamp"], row["title"]) == (utc("2024-07-09 18:00"), "A & B")


def test_dirty_items_are_left_out_and_counted(source: YahooNews, vendor: Any) -> None:
    """Each for its reason; the good one stays."""
    items = [
        item("Good", 1), item("Good", 1), item("Later", 2, "2030-01-01T00:00:00Z"), item("No zone", 3, "2024-07-09"),
        item("Bare", 4, pubDate=None), item("", 5), item("Script", 6, canonicalUrl={"url": "javascript:x"}),
        item("Unlinked", 7, canonicalUrl=None), {"id": "9", "title": "of an older shape"}, OLD,
        item("Led", 8, canonicalUrl=None, clickThroughUrl={"url": "https://a.b/8"}),
    ]  # fmt: skip
    result_of(vendor, *items)
    told = source.fetch(EQUITIES, ["AAPL"], START, END)
    assert sorted(told.table["title"]) == ["Good", "Led"]
    assert told.counts == {
        headlines.REPEATED: 1, headlines.FUTURE: 1, headlines.NO_TIME: 2, headlines.NO_TITLE: 1,
        headlines.NO_URL: 2, headlines.MISSHAPEN: 1,
    }  # fmt: skip


def test_a_quiet_day_is_an_empty_table(source: YahooNews, vendor: Any) -> None:
    """A stream whose items are all older is no failure."""
    result_of(vendor, OLD)
    told = source.fetch(EQUITIES, ["AAPL"], START, END)
    assert told.table.empty and told.table.dtypes.equals(tables.RAW_NEWS.empty().dtypes) and not told.failures


def test_a_stream_that_begins_within_the_window_says_so(source: YahooNews, vendor: Any) -> None:
    """What it listed before is lost."""
    result_of(vendor, item("Good"))
    assert source.fetch(EQUITIES, ["AAPL"], START, END).counts == {yahoo_news.SHORT_REACH: 1}


@pytest.mark.parametrize("fault", ["500", "html", "truncate"])
def test_a_passing_fault_is_survived(source: YahooNews, vendor: Any, fault: str) -> None:
    """One fault, then the stream."""
    vendor.faults.append(fault)
    assert len(source.fetch(EQUITIES, ["AAPL"], START, END).table) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429: too many requests (tried 2 times)"),
        ("500", "HTTP 500 (tried 2 times)"),
        ((503, {"data": {}}), "HTTP 503 (tried 2 times)"),
        ("403", "HTTP 403"),
        ("html", "unexpected error: JSONDecodeError"),
        ("truncate", "not reachable or truncated"),
        ("list", "unexpected error: AttributeError"),
        (b"Will be right back", "the vendor is down"),
        ({"items": []}, "no items; expected the latest ones"),
        (stream(), "no items; expected the latest ones"),
        (stream({"title": "old shape"}), "expected items with a content"),
    ],
    ids=str,
)
def test_a_lasting_fault_is_an_error_that_says_what_came(
    source: YahooNews, vendor: Any, fault: object, words: str
) -> None:
    """After bounded tries, with the symbol and the address."""
    vendor.faults.extend([fault] * 8)
    with pytest.raises(SourceError, match="all 1 symbols failed") as caught:
        source.fetch(EQUITIES, ["AAPL"], START, END)
    assert words in str(caught.value) and f"{vendor.url} news of AAPL" in str(caught.value)


def test_one_symbol_that_fails_does_not_take_the_others(source: YahooNews, vendor: Any) -> None:
    """It is named; the rows of the other come."""
    vendor.faults.append(stream())
    told = source.fetch(EQUITIES, ["AAPL", "MSFT"], START, END)
    assert told.table["symbol"].tolist() == ["MSFT"] and list(told.failures) == ["AAPL"]


def test_a_slow_server_is_not_waited_for(source: YahooNews, vendor: Any, tmp_path: Path) -> None:
    """The client's own thirty seconds do not hold."""
    vendor.faults.extend(["slow"] * 2)
    hasty = YahooNews(
        vendor.url, RetryPolicy(1, 0.01, 0.01, 0.3), source.cache_folder, source.rate_limit, now=source.now
    )
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.fetch(EQUITIES, ["AAPL"], START, END)


def test_a_window_fetched_twice_gives_the_same_rows(source: YahooNews) -> None:
    """The clock of the asking stands nowhere in a row."""
    tables_of = [source.fetch(EQUITIES, ["AAPL", "V"], START, END).table for _ in range(2)]
    pd.testing.assert_frame_equal(*tables_of)
    with pytest.raises(SettingError, match="not a ticker"):
        source.fetch(EQUITIES, ["../v1"], START, END)
