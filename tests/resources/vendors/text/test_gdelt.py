"""The GDELT source, against a server on loopback that answers in the recorded shape."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.text import gdelt, headlines
from alpha_pipeline.resources.vendors.text.gdelt import GdeltNews

NOW = pd.Timestamp("2024-03-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-09", tz="UTC")
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=2.0)
LIMIT = b"Please limit requests to one every 5 seconds or contact us for larger queries."


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def article(title: str, number: int = 0, at: str = "20240308T101500Z") -> dict[str, str]:
    return {
        "url": f"https://a.example/{number}", "url_mobile": "", "title": title, "seendate": at, "socialimage": "",
        "domain": "a.example", "language": "English", "sourcecountry": "United States",
    }  # fmt: skip


def press(every: str) -> Callable[[str, dict[str, str]], object]:
    """An article about Bitcoin at every step of time, cut to 250 as the vendor does; of other coins nothing."""

    def answer(path: str, query: dict[str, str]) -> object:
        assert path == "/api/v2/doc/doc" and query["mode"] == "artlist" and query["format"] == "json"
        if "bitcoin" not in query["query"]:
            return {}
        first, last = utc(query["startdatetime"]), utc(query["enddatetime"])
        seen = pd.date_range(first.ceil(every), last, freq=every)
        rows = [article(f"Bitcoin story {at:%d %H:%M:%S}", int(at.timestamp()), f"{at:%Y%m%dT%H%M%SZ}") for at in seen]
        return {"articles": rows[: int(query["maxrecords"])]}

    return answer


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(press("1h"))


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> GdeltNews:
    return GdeltNews(vendor.url, RETRY_POLICY, RateLimit("gdelt", 1000, 1.0, str(tmp_path)), lambda: NOW)


def test_a_day_of_articles_is_seen_and_known_at_once(source: GdeltNews, vendor: Any) -> None:
    """Typed rows, one question, the window open at its start."""
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert tables.RAW_NEWS.conform(told.table).num_rows == 24 and not told.failures and not told.counts
    assert (told.table["available_at"] == told.table["timestamp"]).all()
    assert told.table["timestamp"].min() == utc("2024-03-08 01:00") and told.table["timestamp"].max() == END
    query = vendor.requests[0][1]
    assert query["query"] == '"bitcoin" sourcelang:english' and len(vendor.requests) == 1
    assert (query["startdatetime"], query["enddatetime"]) == ("20240308000001", "20240309000000")
    assert (source.name, source.kind) == ("gdelt", "news")


def test_a_full_answer_is_split_in_halves(source: GdeltNews, vendor: Any) -> None:
    """An article a minute is 1,440 a day: each comes once, none is lost at a seam."""
    vendor.answer = press("1min")
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert len(told.table) == 1440 and not told.counts
    assert told.table["timestamp"].diff().dropna().eq(pd.Timedelta("1min")).all()
    assert len(vendor.requests) == 15


def test_what_cannot_be_split_further_is_noted(source: GdeltNews, vendor: Any) -> None:
    """Three hundred articles of a quarter of an hour are two hundred and fifty and a note."""
    vendor.answer = press("3s")
    told = source.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-08 10:00"), utc("2024-03-08 10:15"))
    assert len(told.table) == 250 and told.counts == {gdelt.TRUNCATED: 1}


@pytest.mark.parametrize(
    ("symbol", "question"),
    [
        ("ETHUSDT", '("ethereum" OR "ether") sourcelang:english'),
        ("BNBUSDT", '("bnb" OR "binance coin" OR "bnb chain") sourcelang:english'),
        ("WIFUSDT", '"wif" sourcelang:english'),
    ],
)
def test_a_symbol_is_searched_by_its_names(source: GdeltNews, vendor: Any, symbol: str, question: str) -> None:
    """Phrases in quotes, either of them."""
    source.fetch(CRYPTO, [symbol], START, END)
    assert vendor.requests[0][1]["query"] == question


def test_signs_the_index_does_not_hold_are_blanks(source: GdeltNews, vendor: Any) -> None:
    """Names too short to be searched are not sent."""
    source.fetch(EQUITIES, ["JNJ"], START, END)
    assert vendor.requests[0][1]["query"] == '"johnson johnson" sourcelang:english'


def test_a_symbol_without_a_searchable_name_is_a_failure(source: GdeltNews) -> None:
    """It is named beside what came."""
    told = source.fetch(CRYPTO, ["BTCUSDT", "OPUSDT"], START, END)
    assert len(told.table) == 24 and "no name of 3 letters" in told.failures["OPUSDT"]


def test_nothing_found_is_an_empty_day(source: GdeltNews) -> None:
    """The vendor says so with an empty object."""
    told = source.fetch(CRYPTO, ["ETHUSDT"], START, END)
    assert told.table.dtypes.equals(tables.RAW_NEWS.empty().dtypes) and told.table.empty and not told.failures


@pytest.mark.parametrize("fault", ["429", "500", "truncate", "html", LIMIT, b'{"articles": [{"url": "ht'], ids=str)
def test_a_passing_fault_is_survived(source: GdeltNews, vendor: Any, fault: object) -> None:
    """One fault, then the answer: a refusal in plain text with status 200 is one too."""
    vendor.faults.append(fault)
    assert len(source.fetch(CRYPTO, ["BTCUSDT"], START, END).table) == 24


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429"),
        ("403", "HTTP 403"),
        ("html", "expected JSON, found '<html>"),
        (LIMIT, "Please limit requests"),
        (b"Your query was too short or too long.", "Your query was too short"),
        (b'{"articles": [{"url": "ht', "truncated, or not JSON"),
        ("list", "expected an object with a list 'articles'"),
        ({"items": []}, "expected an object with a list 'articles'"),
        ({"articles": {}}, "expected an object with a list 'articles'"),
        ({"articles": [{"link": "x"}]}, "expected articles with url, title and seendate"),
    ],
    ids=str,
)
def test_a_lasting_fault_is_an_error_that_says_what_came(
    source: GdeltNews, vendor: Any, fault: object, words: str
) -> None:
    """After bounded tries, with the vendor's words."""
    vendor.faults.extend([fault] * 4)
    with pytest.raises(SourceError, match="all 1 symbols failed") as caught:
        source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert words in str(caught.value) and vendor.url in str(caught.value)


def test_a_refused_question_is_not_asked_again(source: GdeltNews, vendor: Any) -> None:
    """Its words will not become longer."""
    vendor.faults.append(b"The specified phrase is too short.")
    told = source.fetch(CRYPTO, ["BTCUSDT", "ETHUSDT"], START, END)
    assert len(vendor.requests) == 2 and "phrase is too short" in told.failures["BTCUSDT"]


def test_stray_backslashes_do_not_lose_an_answer(source: GdeltNews, vendor: Any) -> None:
    """The vendor copies titles into its JSON as they are, control characters too."""
    said = json.dumps({"articles": [article("Bitcoin I's X up")]}).replace("I's", "I\\'s").replace("X", "\t")
    vendor.faults.append(said.encode())
    assert source.fetch(CRYPTO, ["BTCUSDT"], START, END).table["title"].tolist() == ["Bitcoin I's up"]


def test_dirty_articles_are_left_out_and_counted(source: GdeltNews, vendor: Any) -> None:
    """Each for its reason; the good one stays."""
    rows = [
        article("<b>Bitcoin</b> &amp; co", 1), article("Bitcoin later", 2, "20300101T000000Z"),
        article("Bitcoin", 3, "2024-03-08 10:15"), article("Weather", 4), article("Bitcoin &amp; co", 1),
        {**article("Bitcoin"), "url": "javascript:x"}, {"title": "Bitcoin"}, "x",
    ]  # fmt: skip
    vendor.faults.append({"articles": rows})
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["title"].tolist() == ["Bitcoin & co"]
    assert told.counts == {
        headlines.FUTURE: 1, headlines.NO_TIME: 1, headlines.UNNAMED: 1, headlines.REPEATED: 1,
        headlines.NO_URL: 1, headlines.MISSHAPEN: 2,
    }  # fmt: skip


def test_the_future_is_not_requested(source: GdeltNews, vendor: Any) -> None:
    """A window ends now at the latest; one that begins later is empty without a question."""
    assert source.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-11"), utc("2024-03-12")).table.empty and not vendor.requests
    source.fetch(CRYPTO, ["BTCUSDT"], START, utc("2024-03-12"))
    assert vendor.requests[0][1]["enddatetime"] == "20240310120000"


def test_a_past_window_fetched_twice_gives_the_same_rows(source: GdeltNews) -> None:
    """Whenever it is asked."""
    first = source.fetch(CRYPTO, ["BTCUSDT"], START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=90))
    pd.testing.assert_frame_equal(first, later.fetch(CRYPTO, ["BTCUSDT"], START, END).table)


def test_a_pace_of_its_own_is_kept() -> None:
    """One question in five seconds, as the vendor asks."""
    assert (GdeltNews().rate_limit.calls, GdeltNews().rate_limit.seconds) == (1, 5.0)
    with pytest.raises(SettingError, match="not a ticker"):
        GdeltNews().fetch(CRYPTO, ["btc usdt"], START, END)
