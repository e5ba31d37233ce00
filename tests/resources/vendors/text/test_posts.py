"""Posts per hour and symbol."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.vendors.text.posts import Post, hourly_rows, whole_hours

SPAN = (pd.Timestamp("2024-03-08 10:00", tz="UTC"), pd.Timestamp("2024-03-08 12:00", tz="UTC"))
LAG = pd.Timedelta(minutes=15)
VALUES = {"Bitcoin good": 0.5, "Bitcoin bad": -0.25, "Bitcoin odd": math.nan, "Bitcoin wild": 7.0}


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def score(texts: Sequence[str]) -> list[float]:
    return [VALUES.get(text, 0.0) for text in texts]


def post(text: str, at: str) -> Post:
    return Post(f"{text} {at}", utc(f"2024-03-08 {at}"), text)


def rows(*posts: Post) -> pd.DataFrame:
    return hourly_rows({"BTCUSDT": posts}, CRYPTO, SPAN, score, LAG, "forum")


def test_an_hour_counts_its_posts_and_means_their_scores() -> None:
    """A post on the hour belongs to the hour it ends; the row is known a lag later."""
    table = rows(post("Bitcoin good", "10:00:01"), post("Bitcoin bad", "11:00"), post("Bitcoin good", "11:00:01"))
    assert tables.RAW_SOCIAL.conform(table).num_rows == 2
    assert table.dtypes.equals(tables.RAW_SOCIAL.empty().dtypes)
    assert table["timestamp"].tolist() == [utc("2024-03-08 11:00"), utc("2024-03-08 12:00")]
    assert (table["available_at"] - table["timestamp"] == LAG).all()
    assert table["posts"].tolist() == [2.0, 1.0] and table["social_sentiment"].tolist() == [0.125, 0.5]


def test_a_post_without_a_score_counts_but_does_not_mean() -> None:
    """NaN is left out of the mean; what is beyond the scale is cut to it."""
    table = rows(post("Bitcoin odd", "10:30"), post("Bitcoin wild", "10:40"), post("Bitcoin odd", "11:30"))
    assert table["posts"].tolist() == [2.0, 1.0]
    assert table["social_sentiment"].iloc[0] == 1.0 and np.isnan(table["social_sentiment"].iloc[1])


def test_an_hour_without_a_post_says_none() -> None:
    """An empty day is rows of zero posts without a sentiment."""
    table = rows()
    assert table["posts"].tolist() == [0.0, 0.0] and table["social_sentiment"].isna().all()


def test_posts_beside_the_span_and_the_symbol_do_not_count() -> None:
    """The hour's own posts, and only those that name the symbol."""
    table = rows(post("Bitcoin good", "10:00"), post("Bitcoin good", "12:00:01"), post("Weather", "10:30"))
    assert table["posts"].tolist() == [0.0, 0.0]


def test_each_text_is_scored_once() -> None:
    """A model is not asked twice for one text, and not at all for texts that do not count."""
    request: list[list[str]] = []

    def counted(texts: Sequence[str]) -> list[float]:
        request.append(list(texts))
        return [0.0] * len(texts)

    said = [post("Bitcoin and Ethereum", "10:30"), post("Bitcoin and Ethereum", "10:40"), post("Weather", "10:40")]
    table = hourly_rows({"BTCUSDT": said, "ETHUSDT": said}, CRYPTO, SPAN, counted, LAG, "forum")
    assert request == [["Bitcoin and Ethereum"]] and table["posts"].tolist() == [2.0, 2.0, 0.0, 0.0]


def test_a_score_of_another_length_is_refused() -> None:
    """It would give a post the sentiment of another."""
    with pytest.raises(SourceError, match="0 values for 1 texts"):
        hourly_rows({"BTCUSDT": [post("Bitcoin", "10:30")]}, CRYPTO, SPAN, lambda texts: [], LAG, "forum")


@pytest.mark.parametrize(
    ("start", "end", "now", "expected"),
    [
        ("10:00", "12:00", "20:00", ("10:00", "12:00")),
        ("10:20", "12:40", "20:00", ("10:00", "12:00")),
        ("10:00", "12:00", "12:14", ("10:00", "11:00")),
        ("10:00", "12:00", "12:15", ("10:00", "12:00")),
        ("10:10", "10:50", "20:00", ("10:00", "10:00")),
    ],
)
def test_only_hours_that_are_whole_are_fetched(start: str, end: str, now: str, expected: tuple[str, str]) -> None:
    """The hours that end in (start, end], and of which all posts are there."""
    moments = [utc(f"2024-03-08 {clock}") for clock in (start, end, now)]
    assert whole_hours(*moments, LAG) == tuple(utc(f"2024-03-08 {clock}") for clock in expected)
