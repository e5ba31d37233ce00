"""Sources of text and damaged answers: whatever a vendor sends becomes rows that conform, or an error."""

import copy
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.protocols import FACTS, FactSource
from alpha_pipeline.resources.vendors.text.gdelt import GdeltNews
from alpha_pipeline.resources.vendors.text.hacker_news import HackerNews
from alpha_pipeline.resources.vendors.text.reddit import TOKEN_PATH, RedditPosts

NOW = pd.Timestamp("2024-03-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-03-09", tz="UTC"), pd.Timestamp("2024-03-09 12:00", tz="UTC")
AT = int(pd.Timestamp("2024-03-09 05:30", tz="UTC").timestamp())
ODD: tuple[Any, ...] = (
    None, 5, -1, 1e300, 10**30, float("nan"), float("inf"), True, "", "x", "\ud800", "http://[x", [], {}, [None],
    {"a": 1}, "9999-12-31T23:59:59Z",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "hacker_news": {
        "hits": [
            {"objectID": "1", "created_at_i": AT, "title": "Bitcoin", "story_text": None},
            {"objectID": "2", "created_at_i": AT, "comment_text": "<p>Bitcoin"},
        ],
        "nbHits": 2,
        "nbPages": 1,
    },
    "gdelt": {
        "articles": [
            {"url": f"https://a.example/{number}", "title": f"Bitcoin {number}", "seendate": "20240309T101500Z"}
            for number in range(2)
        ]
    },
    "reddit": {
        "data": {
            "children": [
                {"data": {"name": f"t3_{number}", "created_utc": float(AT), "title": "Bitcoin", "selftext": ""}}
                for number in range(2)
            ],
            "after": None,
        }
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every part of a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def damaged(value: Any, chance: random.Random) -> Any:
    """The value with one to three of its parts replaced by something odd, or gone."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(list(places(value)))
        if not path:
            return copy.deepcopy(chance.choice(ODD))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        if chance.random() < 0.2:
            del holder[path[-1]]
        else:
            holder[path[-1]] = copy.deepcopy(chance.choice(ODD))
    return value


def door_of(name: str, url: str, folder: str) -> FactSource:
    retry_policy, rate_limit = RetryPolicy(1, 0.0, 0.0, 2.0), RateLimit(name, 10_000, 1.0, folder)

    def score(texts: Any) -> list[float]:
        return [0.0] * len(texts)

    if name == "gdelt":
        return GdeltNews(url, retry_policy, rate_limit, lambda: NOW)
    if name == "hacker_news":
        return HackerNews(score, url, retry_policy, rate_limit, lambda: NOW)
    return RedditPosts(score, "id", "key", {"crypto": ("Bitcoin",)}, url, url, retry_policy, rate_limit, lambda: NOW)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_damaged_answer_is_rows_that_conform_or_a_source_error(
    name: str, stand_in: Callable[..., Any], tmp_path: Path
) -> None:
    """A hundred damaged answers: no other error, no other type of column, no row outside the window."""
    sent: list[Any] = [GOOD[name]]
    vendor = stand_in(lambda path, query: {"access_token": "t"} if path == TOKEN_PATH else sent[-1])
    source = door_of(name, vendor.url, str(tmp_path))
    target = FACTS[source.kind]
    assert len(source.fetch(CRYPTO, ["BTCUSDT"], START, END).table) in (2, 12)
    chance = random.Random(7)
    outcomes = set()
    for _ in range(100):
        sent.append(damaged(GOOD[name], chance))
        try:
            table = source.fetch(CRYPTO, ["BTCUSDT"], START, END).table
        except SourceError as error:
            assert vendor.url in str(error)
            outcomes.add("refused")
            continue
        target.conform(table)
        assert table.dtypes.equals(target.empty().dtypes), sent[-1]
        assert table["timestamp"].between(START, END, inclusive="right").all()
        outcomes.add("rows" if len(table) else "none")
    assert {"refused", "rows"} <= outcomes
