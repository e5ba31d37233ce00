"""
Posts as rows of social facts: counted and scored per hour and symbol.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.vendors.text.mentions import symbols_in

Score = Callable[[Sequence[str]], Sequence[float]]
HOUR = pd.Timedelta(hours=1)
LONGEST_POST = 2000  # characters matched and scored

NO_TIME = "posts without a time, dropped"
NO_TEXT = "posts without a text, dropped"
MISSHAPEN = "malformed posts, dropped"
REPEATED = "repeated posts, merged"
FUTURE = "posts from the future, dropped"
OUTSIDE = "posts outside the requested span, dropped"


@dataclass(frozen=True)
class Post:
    """One post: the vendor's id, its time (UTC) and its plain text."""

    id: str
    written: pd.Timestamp
    text: str


def whole_hours(
    start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp, lag: pd.Timedelta
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """
    The complete hours that end in (start, end]: (first, last], both on the hour.

    An hour is complete when `lag` has passed since its end. Empty when first >= last.
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
    Rows of `RAW_SOCIAL`: one per hour and symbol, hours without a post included.

    Args:
        posts_of: symbol -> posts in any order; only those that name it count.
        market: of the symbols.
        span: (first, last], on the hour, as `whole_hours` gives it; a post on the hour belongs to the hour it ends.
        score: texts -> as many numbers in [-1, 1], NaN for no score; each text is scored once.
        lag: from the end of an hour to its availability.
        source: its name.

    Returns:
        timestamp: the end of the hour; available_at: `lag` later; posts: their number; social_sentiment: mean of their
        scores, NaN without any.

    Raises:
        SourceError: the number of scores is wrong.
    """
    first, last = span
    matched = {
        symbol: [
            (post.written.ceil("h"), post.text)
            for post in posts
            if first < post.written <= last and symbols_in(post.text, [symbol], market)
        ]
        for symbol, posts in posts_of.items()
    }
    texts = sorted({text for posts_of_symbol in matched.values() for _, text in posts_of_symbol})
    value_of = dict(zip(texts, _scored(texts, score), strict=True))
    hours = pd.date_range(first + HOUR, last, freq="h")
    if not matched or not len(hours):
        return tables.RAW_SOCIAL.empty()
    table = pd.concat(
        [_of_symbol(symbol, posts_of_symbol, hours, value_of) for symbol, posts_of_symbol in matched.items()]
    )
    table = table.assign(available_at=table["timestamp"] + lag, source=source)
    empty = tables.RAW_SOCIAL.empty()
    rows = table[list(empty.columns)].astype(empty.dtypes.to_dict())
    return rows.sort_values(["timestamp", "symbol"], ignore_index=True)


def _of_symbol(
    symbol: str, posts_of_symbol: list[tuple[pd.Timestamp, str]], hours: pd.DatetimeIndex, value_of: dict[str, float]
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex([hour for hour, _ in posts_of_symbol], tz="UTC"),
            "value": np.array([value_of[text] for _, text in posts_of_symbol], dtype=float),
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
    """Scores in [-1, 1]; NaN for values that are not finite."""
    if not texts:
        return []
    values = [float(value) for value in score(texts)]
    if len(values) != len(texts):
        raise SourceError(f"the scorer gave {len(values)} values for {len(texts)} texts")
    return [min(max(value, -1.0), 1.0) if np.isfinite(value) else float("nan") for value in values]
