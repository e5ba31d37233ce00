"""Panel fields from raw tables: last known states, sentiment over a day, events at their bar."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.fields import assemble
from alpha_pipeline.validation.raw.as_of import late_arrivals

START = pd.Timestamp("2026-11-02", tz="UTC")
CLOSES = pd.date_range(START, periods=60, freq="h").as_unit("us") + pd.Timedelta(hours=1)
AGE = pd.Timedelta(days=3)


def bars() -> pd.DataFrame:
    frames = [
        pd.DataFrame({"timestamp": CLOSES, "symbol": symbol, "available_at": CLOSES, "close": 1.0}) for symbol in "AB"
    ]
    return pd.concat(frames).sort_values(["timestamp", "symbol"], ignore_index=True)


def news(*items: tuple[float, float, float | None]) -> pd.DataFrame:
    """Headlines of A: hour of publication, hour of availability, score."""
    rows = [
        {
            "timestamp": START + pd.Timedelta(hours=written),
            "symbol": "A",
            "available_at": START + pd.Timedelta(hours=seen),
            "url": f"https://a/{written}",
            "title": "t",
            "news_sentiment": np.nan if score is None else score,
        }
        for written, seen, score in items
    ]
    return pd.DataFrame(rows).astype(
        {"timestamp": "datetime64[us, UTC]", "available_at": "datetime64[us, UTC]", "news_sentiment": float}
    )


def of(panel: pd.DataFrame, field: str, symbol: str = "A") -> pd.Series:
    return panel[panel["symbol"] == symbol].set_index("timestamp")[field]


def test_sentiment_is_the_mean_of_the_items_of_24_hours() -> None:
    """An item counts from the first close after it is available for a day; without a score it is only counted."""
    panel = assemble(bars(), {"news": news((2.5, 2.5, 1.0), (3.0, 9.5, 0.0), (4.0, 9.5, None))}, AGE)
    sentiment, count = of(panel, "news_sentiment"), of(panel, "news_count")
    at = lambda hours: START + pd.Timedelta(hours=hours)  # noqa: E731  # shortens the lines below
    assert np.isnan(sentiment[at(2)]) and count[at(2)] == 0
    assert sentiment[at(3)] == 1.0 and count[at(9)] == 1
    assert sentiment[at(10)] == 0.5 and count[at(10)] == 3
    assert sentiment[at(27)] == 0.0 and count[at(27)] == 2  # the first item became available 24.5 hours before
    assert np.isnan(sentiment[at(34)]) and count[at(34)] == 0
    assert (of(panel, "news_count", "B") == 0).all() and of(panel, "news_sentiment", "B").isna().all()


def test_an_edited_headline_counts_once() -> None:
    """The first version counts."""
    edited = pd.concat([news((2.5, 2.5, 1.0)), news((2.5, 5.5, -1.0))])
    panel = assemble(bars(), {"news": edited}, AGE)
    assert of(panel, "news_count").max() == 1 and of(panel, "news_sentiment").min() == 1.0


def test_social_sentiment_is_weighted_by_posts() -> None:
    """Nine negative posts outweigh one positive one; posts are summed."""
    rows = news((1.0, 1.0, 1.0), (2.0, 2.0, -1.0)).rename(columns={"news_sentiment": "social_sentiment"})
    posts = rows.drop(columns=["url", "title"]).assign(posts=[1.0, 9.0], source="forum")
    panel = assemble(bars(), {"social": posts}, AGE)
    assert of(panel, "posts").iloc[3] == 10 and of(panel, "social_sentiment").iloc[3] == pytest.approx(-0.8)


def test_a_dividend_is_at_its_session_only() -> None:
    """Events are not carried forward, later versions are ignored, and adjusted closes are no field."""
    first = pd.DataFrame(
        {"timestamp": [CLOSES[5]], "symbol": "A", "available_at": [CLOSES[5]], "adjusted_close": 1.0, "dividend": 0.3,
         "split": 0.0}
    )  # fmt: skip
    later = first.assign(available_at=CLOSES[40], adjusted_close=0.9, dividend=0.5)
    panel = assemble(bars(), {"adjustments": pd.concat([first, later])}, AGE)
    assert of(panel, "dividend").iloc[5] == 0.3 and of(panel, "dividend").sum() == 0.3
    assert "adjusted_close" not in panel and (of(panel, "split") == 0).all()


def test_every_kind_is_point_in_time() -> None:
    """A join of the rows available by each bar gives the same values, of sentiment too."""
    rng = np.random.default_rng(0)
    items = news(*((float(w), float(w + rng.uniform(0, 20)), float(rng.normal())) for w in rng.uniform(0, 50, 40)))
    facts = {
        "news": items,
        "funding": items[["timestamp", "symbol", "available_at"]].assign(funding=rng.normal(size=40)),
    }

    def join(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], until: pd.Timestamp = START) -> pd.DataFrame:
        return assemble(bars, facts, AGE)

    panel = join(bars(), facts)
    assert late_arrivals(panel, bars(), facts, join) == ""
    early = join(bars(), {**facts, "news": items.assign(available_at=items["timestamp"])})
    assert "news_" in late_arrivals(early, bars(), facts, join)


def test_an_unknown_kind_is_refused() -> None:
    """A misspelt kind is no empty field."""
    with pytest.raises(DataError, match="facts \\['weather'\\] are no kind of panel data"):
        assemble(bars(), {"weather": news((1.0, 1.0, 0.0))}, AGE)


def test_an_item_of_two_feeds_counts_once() -> None:
    """An address with another timestamp in another feed is the same item."""
    twice = pd.concat([news((2.5, 2.5, 1.0)), news((2.5, 5.5, -1.0)).assign(timestamp=START + pd.Timedelta(hours=4))])
    panel = assemble(bars(), {"news": twice}, AGE)
    assert of(panel, "news_count").max() == 1 and of(panel, "news_sentiment").min() == 1.0


def test_posts_of_two_sources_are_summed() -> None:
    """Of the same hour."""
    rows = news((1.0, 1.1, 1.0), (1.0, 1.2, -1.0)).rename(columns={"news_sentiment": "social_sentiment"})
    posts = rows.drop(columns=["url", "title"]).assign(posts=[1.0, 3.0], source=["a", "b"])
    panel = assemble(bars(), {"social": posts}, AGE)
    assert of(panel, "posts").max() == 4 and of(panel, "social_sentiment").iloc[3] == pytest.approx(-0.5)
