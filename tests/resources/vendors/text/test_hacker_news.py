"""The Hacker News source, against a server on loopback that answers in the recorded shape."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.text import hacker_news, posts
from alpha_pipeline.resources.vendors.text.hacker_news import HackerNews

NOW = pd.Timestamp("2024-03-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-09", tz="UTC")
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=2.0)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def score(texts: Sequence[str]) -> list[float]:
    return [0.5 for _ in texts]


def hit(number: int, at: int, **text: object) -> dict[str, object]:
    return {"objectID": str(number), "created_at_i": at, "author": "a", "_tags": ["comment"], **text}


def site(every_seconds: int, listed: int = 1000) -> Callable[[str, dict[str, str]], object]:
    """A comment on Bitcoin at every step of time, newest first; a question lists a thousand of them at most."""

    def answer(path: str, query: dict[str, str]) -> object:
        assert path == "/api/v1/search_by_date" and query["tags"] == "(story,comment)"
        bounds = re.fullmatch(r"created_at_i>(\d+),created_at_i<=(\d+)", query["numericFilters"])
        assert bounds
        first, last = int(bounds[1]), int(bounds[2])
        stamps = range((first // every_seconds + 1) * every_seconds, last + 1, every_seconds)
        found = [hit(at, at, comment_text=f"<p>Bitcoin &#x27;{at}&#x27;") for at in reversed(stamps)]
        if query["query"] != '"bitcoin"':
            found = []
        size, page = min(int(query["hitsPerPage"]), listed), int(query["page"])
        rows = found[:1000][page * size : (page + 1) * size]
        pages = -(-min(len(found), 1000) // size)
        return {"hits": rows, "nbHits": len(found), "nbPages": pages, "page": page, "hitsPerPage": size}

    return answer


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(site(600))


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> HackerNews:
    return HackerNews(score, vendor.url, RETRY_POLICY, RateLimit("hacker_news", 1000, 1.0, str(tmp_path)), lambda: NOW)


def _covers(query: dict[str, str], at: int) -> bool:
    first, last = (int(number) for number in re.findall(r"\d{6,}", query["numericFilters"]))
    return first < at <= last


def answer_of(*hits: object) -> dict[str, object]:
    return {"hits": list(hits), "nbHits": len(hits), "nbPages": 1}


def test_a_day_is_rows_of_hours(source: HackerNews, vendor: Any) -> None:
    """Six comments an hour, typed and sorted, known a lag after the hour."""
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert tables.RAW_SOCIAL.conform(told.table).num_rows == 24 and not told.failures and not told.counts
    assert (told.table["posts"] == 6).all() and (told.table["social_sentiment"] == 0.5).all()
    assert told.table["timestamp"].min() == utc("2024-03-08 01:00") and told.table["timestamp"].max() == END
    assert (told.table["available_at"] - told.table["timestamp"] == hacker_news.LAG).all()
    assert len(vendor.requests) == 1 and (source.name, source.kind) == ("hacker_news", "social")


def test_pages_are_followed_to_the_last(source: HackerNews, vendor: Any) -> None:
    """A server that lists fewer a page than asked loses nothing."""
    vendor.answer = site(600, listed=50)
    assert source.fetch(CRYPTO, ["BTCUSDT"], START, END).table["posts"].sum() == 144
    assert [query["page"] for _, query in vendor.requests] == ["0", "1", "2"]


def test_more_than_a_thousand_hits_are_split_in_halves(source: HackerNews, vendor: Any) -> None:
    """A comment every half minute is 2,880 a day; each counts once."""
    vendor.answer = site(30)
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["posts"].tolist() == [120.0] * 24 and not told.counts
    assert len(vendor.requests) == 7


def test_what_cannot_be_split_further_is_noted(source: HackerNews, vendor: Any) -> None:
    """A minute with more than the index lists is short, and says so."""
    at = int((START + pd.Timedelta(minutes=1)).timestamp())
    crowd = answer_of(*[hit(number, at, comment_text="Bitcoin") for number in range(1000)])
    vendor.answer = lambda path, query: {**crowd, "nbHits": 5000} if _covers(query, at) else answer_of()
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, START + pd.Timedelta(hours=1))
    assert told.counts == {hacker_news.TRUNCATED: 1} and told.table["posts"].tolist() == [1000.0]


def test_every_name_is_searched_and_a_post_counts_once(source: HackerNews, vendor: Any) -> None:
    """A post with both names of a coin is found twice."""
    at = int(utc("2024-03-08 10:30").timestamp())
    both = hit(1, at, title="Ethereum and ether", story_text=None)
    vendor.answer = lambda path, query: answer_of(both, both)
    told = source.fetch(CRYPTO, ["ETHUSDT"], START, END)
    assert told.table["posts"].sum() == 1
    assert [query["query"] for _, query in vendor.requests] == ['"ethereum"', '"ether"']


def test_a_post_counts_by_its_own_words(source: HackerNews, vendor: Any) -> None:
    """A comment below a story on Bitcoin that does not name it is no post on Bitcoin; markup does not hide a name."""
    at = int(utc("2024-03-08 10:30").timestamp())
    vendor.answer = lambda path, query: answer_of(
        hit(1, at, story_title="Bitcoin", comment_text="I agree"), hit(2, at, comment_text="<i>Bitcoin</i>, yes")
    )
    assert source.fetch(CRYPTO, ["BTCUSDT"], START, END).table["posts"].sum() == 1


def test_an_empty_day_is_hours_of_no_posts(source: HackerNews) -> None:
    """That nobody wrote is known."""
    told = source.fetch(CRYPTO, ["SOLUSDT"], START, END)
    assert len(told.table) == 24 and (told.table["posts"] == 0).all() and told.table["social_sentiment"].isna().all()


def test_dirty_hits_are_left_out_and_counted(source: HackerNews, vendor: Any) -> None:
    """Each for its reason; the good one stays."""
    at = int(utc("2024-03-08 10:30").timestamp())
    vendor.answer = lambda path, query: answer_of(
        hit(1, at, comment_text="Bitcoin"), hit(2, at), {**hit(3, at), "created_at_i": "2024"}, "x", {"objectID": 5},
        hit(4, int(NOW.timestamp()) * 2, comment_text="Bitcoin"), hit(1, at, comment_text="Bitcoin"),
        {**hit(6, at), "created_at_i": float("nan")},
    )  # fmt: skip
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["posts"].sum() == 1
    assert told.counts == {posts.NO_TEXT: 1, posts.NO_TIME: 2, posts.MISSHAPEN: 2, posts.OUTSIDE: 1}


@pytest.mark.parametrize("fault", ["429", "500", "truncate", "html"])
def test_a_passing_fault_is_survived(source: HackerNews, vendor: Any, fault: str) -> None:
    """One fault, then the answer."""
    vendor.faults.append(fault)
    assert source.fetch(CRYPTO, ["BTCUSDT"], START, END).table["posts"].sum() == 144


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429"),
        ("403", "HTTP 403"),
        ("html", "no JSON"),
        ("list", "expected an object with a list 'hits'"),
        ({"results": []}, "expected an object with a list 'hits'"),
        ({"hits": []}, "expected nbPages and nbHits"),
        ({**answer_of(hit(1, 5)), "nbHits": 10**30}, "consistent with the 1 hits of the first page"),
        ({**answer_of(hit(1, 5)), "nbPages": 10**30}, "consistent with the 1 hits of the first page"),
        (answer_of({"id": 1, "text": "Bitcoin"}), "expected objectID, created_at_i in"),
        (answer_of(hit(1, 5, comment_text="Bitcoin")), "expected objectID, created_at_i in"),
    ],
    ids=str,
)
def test_a_lasting_fault_is_an_error_that_says_what_came(
    source: HackerNews, vendor: Any, fault: object, words: str
) -> None:
    """No count is made of an answer that is not understood."""
    vendor.faults.extend([fault] * 2)
    with pytest.raises(SourceError, match="all 1 symbols failed") as caught:
        source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert words in str(caught.value) and vendor.url in str(caught.value)


def test_one_symbol_that_fails_does_not_take_the_others(source: HackerNews, vendor: Any) -> None:
    """It is named and has no rows: no count is not a count of none."""
    vendor.faults.append("403")
    told = source.fetch(CRYPTO, ["BTCUSDT", "SOLUSDT"], START, END)
    assert set(told.table["symbol"]) == {"SOLUSDT"} and "HTTP 403" in told.failures["BTCUSDT"]


def test_the_running_hour_is_left_for_later(source: HackerNews, vendor: Any) -> None:
    """At 12:00 the hour that ends now is not in the index yet."""
    table = source.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-10 10:00"), utc("2024-03-11")).table
    assert table["timestamp"].tolist() == [utc("2024-03-10 11:00")]
    vendor.requests.clear()
    assert source.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-10 11:30"), utc("2024-03-11")).table.empty
    assert not vendor.requests


def test_a_past_window_fetched_twice_gives_the_same_rows(source: HackerNews) -> None:
    """Whenever it is asked, and the parts of a window are the window."""
    whole = source.fetch(CRYPTO, ["BTCUSDT"], START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=90))
    noon = utc("2024-03-08 12:34")
    parts = [later.fetch(CRYPTO, ["BTCUSDT"], START, noon).table, later.fetch(CRYPTO, ["BTCUSDT"], noon, END).table]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
