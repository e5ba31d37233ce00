"""
Posts of any vendor as rows of social facts: counted and scored per hour and symbol.

Fetching is the doors' business; what a text is worth is told by the score a door is given.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from resources.vendors.text.mentions import symbols_in

Score = Callable[[Sequence[str]], Sequence[float]]
HOUR = pd.Timedelta(hours=1)
LONGEST_POST = 2000  # characters that are matched and scored

NO_TIME = "posts without a time left out"
NO_TEXT = "posts without a text left out"
MISSHAPEN = "posts of another shape left out"
REPEATED = "repeated posts taken as one"
FUTURE = "posts from the future left out"
OUTSIDE = "posts outside the asked span left out"


@dataclass(frozen=True)
class Post:
    """One post: the vendor's id, when it was written (UTC), and its plain text."""

    id: str
    written: pd.Timestamp
    text: str


def whole_hours(
    start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp, lag: pd.Timedelta
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """
    What to fetch so that the hours that end in (start, end] are whole: (first, last], both on the hour.

    An hour whose posts may not all be there yet, because less than `lag` has passed since, is not asked for. Nothing is
    left when first >= last.
    """
    return start.floor("h"), min(end, now - lag).floor("h")


def hourly_rows(
    posts_of: Mapping[str, Iterable[Post]],
    market: Market,
    span: tuple[pd.Timestamp, pd.Timestamp],
    score: Score,
    lag: pd.Timedelta,
    source: str,
) -> pd.DataFrame:
    """
    Rows of `RAW_SOCIAL`: one per hour and symbol, hours without a post too, for that none was written is a fact.

    Args:
        posts_of: symbol -> posts in any order, of which those that name it count.
        market: how symbols are named.
        span: (first, last], on the hour, as `whole_hours` gives it; a post on the hour belongs to the hour it ends.
        score: texts -> as many numbers in [-1, 1]; NaN where it cannot tell. Each text is scored once.
        lag: from the end of an hour until its posts could be read.
        source: who counts.

    Returns:
        timestamp: the end of the hour; available_at: `lag` later; posts: how many; social_sentiment: the mean score of
        those that have one, NaN without any.

    Raises:
        SourceError: the score gave another number of values.
    """
    first, last = span
    told = {
        symbol: [
            (post.written.ceil("h"), post.text)
            for post in posts
            if first < post.written <= last and symbols_in(post.text, [symbol], market)
        ]
        for symbol, posts in posts_of.items()
    }
    texts = sorted({text for said in told.values() for _, text in said})
    value_of = dict(zip(texts, _scored(texts, score), strict=True))
    hours = pd.date_range(first + HOUR, last, freq="h")
    if not told or not len(hours):
        return tables.RAW_SOCIAL.empty()
    table = pd.concat([_of_symbol(symbol, said, hours, value_of) for symbol, said in told.items()])
    table = table.assign(available_at=table["timestamp"] + lag, source=source)
    empty = tables.RAW_SOCIAL.empty()
    whole = table[list(empty.columns)].astype(empty.dtypes.to_dict())
    return whole.sort_values(["timestamp", "symbol"], ignore_index=True)


def _of_symbol(
    symbol: str, said: list[tuple[pd.Timestamp, str]], hours: pd.DatetimeIndex, value_of: dict[str, float]
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex([hour for hour, _ in said], tz="UTC"),
            "value": np.array([value_of[text] for _, text in said], dtype=float),
        }
    )
    by_hour = frame.groupby("timestamp")["value"]
    return pd.DataFrame(
        {
            "timestamp": hours,
            "symbol": symbol,
            "posts": by_hour.size().reindex(hours, fill_value=0).to_numpy(float),
            "social_sentiment": by_hour.mean().reindex(hours).to_numpy(float),
        }
    )


def _scored(texts: list[str], score: Score) -> list[float]:
    """Scores in [-1, 1]; what is not finite is no score."""
    if not texts:
        return []
    values = [float(value) for value in score(texts)]
    if len(values) != len(texts):
        raise SourceError(f"the score of posts gave {len(values)} values for {len(texts)} texts")
    return [min(max(value, -1.0), 1.0) if np.isfinite(value) else float("nan") for value in values]
