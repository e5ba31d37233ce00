"""The Reddit source, against a server on loopback that gives tokens and listings in the recorded shapes."""

import base64
from collections.abc import Callable, Sequence
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
from alpha_pipeline.resources.vendors.text import posts, reddit
from alpha_pipeline.resources.vendors.text.reddit import RedditPosts

NOW = pd.Timestamp("2024-03-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-03-10", tz="UTC"), pd.Timestamp("2024-03-10 10:00", tz="UTC")
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=2.0)
TOKEN = {"access_token": "granted-1", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
KEYS = ("an-id", "a-secret-that-is-never-shown")


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def score(texts: Sequence[str]) -> list[float]:
    return [0.5 for _ in texts]


def post(number: int, at: float, title: str = "Bitcoin", **data: object) -> dict[str, object]:
    return {"kind": "t3", "data": {"name": f"t3_{number}", "created_utc": at, "title": title, "selftext": "", **data}}


def listing(*rows: object, after: str | None = None) -> dict[str, object]:
    return {"kind": "Listing", "data": {"children": list(rows), "after": after, "before": None}}


def community(every_seconds: int, total: int = 1000) -> Callable[[str, dict[str, str]], object]:
    """A post at every step of time back from now, a hundred a page, `total` in all."""

    def answer(path: str, query: dict[str, str]) -> object:
        if path == reddit.TOKEN_PATH:
            return TOKEN
        assert path.startswith("/r/") and path.endswith("/new") and query["limit"] == "100"
        skipped = int(query.get("after", "t3_0").removeprefix("t3_"))
        count = min(100, total - skipped)
        stamps = [NOW.timestamp() - every_seconds * number for number in range(skipped, skipped + count)]
        rows = [post(int(stamp), stamp, selftext=path) for stamp in stamps]
        return listing(*rows, after=f"t3_{skipped + count}" if skipped + count < total else None)

    return answer


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    server = stand_in(community(600))
    server.faulty_path = "/new"
    return server


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> RedditPosts:
    return RedditPosts(
        score, *KEYS, {"crypto": ("Bitcoin",)}, vendor.url, vendor.url, RETRY_POLICY,
        RateLimit("reddit", 1000, 1.0, str(tmp_path)), lambda: NOW,
    )  # fmt: skip


def test_new_posts_are_rows_of_hours(source: RedditPosts, vendor: Any) -> None:
    """Six posts an hour, typed and sorted, known a lag after the hour."""
    told = source.fetch(CRYPTO, ["BTCUSDT", "ETHUSDT"], START, END)
    assert tables.RAW_SOCIAL.conform(told.table).num_rows == 20 and not told.failures and not told.counts
    of_bitcoin = told.table[told.table["symbol"] == "BTCUSDT"]
    assert (of_bitcoin["posts"] == 6).all() and (of_bitcoin["social_sentiment"] == 0.5).all()
    assert (told.table["available_at"] - told.table["timestamp"] == reddit.LAG).all()
    assert told.table["timestamp"].min() == utc("2024-03-10 01:00") and told.table["timestamp"].max() == END
    assert (source.name, source.kind) == ("reddit", "social")


def test_a_token_is_requested_once_and_sent_with_every_page(source: RedditPosts, vendor: Any) -> None:
    """By the key of the application alone; the address of a page carries none."""
    vendor.answer = community(60)
    source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    paths = [path for path, _ in vendor.requests]
    assert paths == [reddit.TOKEN_PATH, *["/r/Bitcoin/new"] * 9] and vendor.posted == [b"grant_type=client_credentials"]
    basic = base64.b64encode(":".join(KEYS).encode()).decode()
    assert [told["Authorization"] for told in vendor.told] == [f"Basic {basic}", *["Bearer granted-1"] * 9]
    assert [query.get("after") for _, query in vendor.requests[1:4]] == [None, "t3_100", "t3_200"]


def test_hours_a_listing_no_longer_reaches_are_left_out(source: RedditPosts, vendor: Any) -> None:
    """A thousand posts at one in twenty seconds reach back to 6:27: the hour that ends at 7:00 would be short."""
    vendor.answer = community(20, total=5000)
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["timestamp"].tolist() == [utc(f"2024-03-10 {hour:02d}:00") for hour in (8, 9, 10)]
    assert (told.table["posts"] == 180).all() and told.counts == {reddit.OUT_OF_REACH: 7}


def test_a_small_community_is_reached_whole(source: RedditPosts, vendor: Any) -> None:
    """A listing that ends by itself has no more: hours without posts are zeros."""
    vendor.answer = community(3600, total=5)
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["posts"].tolist() == [0.0] * 7 + [1.0] * 3 and not told.counts


def test_communities_are_counted_together_and_one_may_fail(source: RedditPosts, vendor: Any) -> None:
    """The one that fails is named; the counts are the others'."""
    both = replace(source, communities={"crypto": ("CryptoCurrency", "Bitcoin")})
    vendor.answer = lambda path, query: (
        TOKEN if path == reddit.TOKEN_PATH else listing(post(len(path), utc("2024-03-10 05:30").timestamp()))
    )
    assert both.fetch(CRYPTO, ["BTCUSDT"], START, END).table["posts"].sum() == 2
    vendor.faults.append("403")
    told = both.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["posts"].sum() == 1 and "HTTP 403" in told.failures["CryptoCurrency"]


def test_dirty_posts_are_left_out_and_counted(source: RedditPosts, vendor: Any) -> None:
    """Each for its reason; the good one stays, and disorder does not end the listing."""
    at = utc("2024-03-10 05:30").timestamp()
    good = post(2, at, "<b>Bitcoin</b> &amp; co")
    rows = [
        post(1, utc("2024-03-01").timestamp()), good, good, post(3, NOW.timestamp() + 60), post(4, float("nan")),
        post(5, at, created_utc=str(at)),
        post(6, at, ""), "x", {"kind": "more", "data": {}}, post(7, at * 1000), post(8, at, "Weather"),
    ]  # fmt: skip
    vendor.answer = lambda path, query: TOKEN if path == reddit.TOKEN_PATH else listing(*rows)
    told = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert told.table["posts"].sum() == 1
    assert told.counts == {posts.REPEATED: 1, posts.FUTURE: 1, posts.NO_TIME: 3, posts.NO_TEXT: 1, posts.MISSHAPEN: 2}


@pytest.mark.parametrize("fault", ["429", "500", "truncate", "html"])
def test_a_passing_fault_is_survived(source: RedditPosts, vendor: Any, fault: str) -> None:
    """One fault, of the token or of a page."""
    for path in (reddit.TOKEN_PATH, "/new"):
        vendor.faulty_path = path
        vendor.faults.append(fault)
        assert source.fetch(CRYPTO, ["BTCUSDT"], START, END).table["posts"].sum() == 60


@pytest.mark.parametrize(
    ("path", "fault", "words"),
    [
        ("/new", "429", "HTTP 429"),
        ("/new", "html", "no JSON"),
        ("/new", "list", "expected a listing with data.children and data.after"),
        ("/new", {"data": {"posts": []}}, "expected a listing"),
        ("/new", listing({"kind": "t3", "data": {"id": "1"}}), "expected posts with name, title and created_utc"),
        (
            reddit.TOKEN_PATH,
            (401, {"error": "a-secret-that-is-never-shown"}),
            "ALPHA_PIPELINE_DATA__REDDIT_SECRET are refused",
        ),
        (reddit.TOKEN_PATH, {"error": "a-secret-that-is-never-shown"}, "expected an object with an access_token"),
        (reddit.TOKEN_PATH, "500", "HTTP 500"),
        (reddit.TOKEN_PATH, "html", "not JSON"),
        (reddit.TOKEN_PATH, "truncate", "truncated"),
        (reddit.TOKEN_PATH, "list", "expected an object with an access_token"),
    ],
    ids=str,
)
def test_a_lasting_fault_says_what_came_and_shows_no_key(
    source: RedditPosts, vendor: Any, path: str, fault: object, words: str
) -> None:
    """Not even one that the vendor sends back."""
    vendor.faulty_path = path
    vendor.faults.extend([fault] * 2)
    with pytest.raises(SourceError) as caught:
        source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    message = str(caught.value)
    assert words in message and vendor.url in message
    assert not any(key in message for key in (*KEYS, "granted-1"))


def test_keys_stand_in_no_description(source: RedditPosts) -> None:
    """Nor does what is made of them."""
    assert not any(key in repr(source) for key in KEYS)


def test_without_a_key_the_variables_are_named(source: RedditPosts, vendor: Any) -> None:
    """No request is made."""
    bare = replace(source, client_id="", secret="")
    with pytest.raises(
        SettingError, match="ALPHA_PIPELINE_DATA__REDDIT_ID and ALPHA_PIPELINE_DATA__REDDIT_SECRET not set"
    ):
        bare.fetch(CRYPTO, ["BTCUSDT"], START, END)
    half = replace(source, secret="")
    with pytest.raises(SettingError, match="application; ALPHA_PIPELINE_DATA__REDDIT_SECRET not set") as caught:
        half.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert KEYS[0] not in str(caught.value) and not vendor.requests


def test_wrong_settings_are_named(source: RedditPosts) -> None:
    """A market without communities; a community that is no name."""
    with pytest.raises(SettingError, match="no communities for the asset type stock"):
        source.fetch(EQUITIES, ["AAPL"], START, END)
    with pytest.raises(SettingError, match="community '../x' is not a name"):
        replace(source, communities={"crypto": ("../x",)}).fetch(CRYPTO, ["BTCUSDT"], START, END)


def test_the_running_hour_is_left_for_later(source: RedditPosts, vendor: Any) -> None:
    """At 12:00 the hour that ends now may still get posts."""
    table = source.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-10 09:00"), utc("2024-03-11")).table
    assert table["timestamp"].max() == utc("2024-03-10 11:00")
    vendor.requests.clear()
    assert source.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-11"), utc("2024-03-12")).table.empty and not vendor.requests


def test_a_window_fetched_twice_gives_the_same_rows(source: RedditPosts) -> None:
    """As long as the listing reaches it."""
    first = source.fetch(CRYPTO, ["BTCUSDT"], START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(hours=3))
    pd.testing.assert_frame_equal(first, later.fetch(CRYPTO, ["BTCUSDT"], START, END).table)
