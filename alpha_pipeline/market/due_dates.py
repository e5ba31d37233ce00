"""
Due run dates: gaps among the last days, and days whose markets can be joined.

Functions of what is stored and running; nothing is read here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import pandas as pd

from alpha_pipeline.market.markets import Market, has_session

# A day is joined without a market that has no signals this long after its end, and joined again when they arrive.
WAIT_HOURS = 6.0


def missing_ranges(days: Sequence[str], done: Collection[str]) -> Iterator[tuple[str, str]]:
    """Ranges of consecutive `days` that are not `done`, as (first, last), in order."""
    first = last = None
    for day in days:
        if day in done:
            if first and last:
                yield first, last
            first = last = None
        else:
            first, last = first or day, day
    if first and last:
        yield first, last


def days_to_join(
    days: Sequence[str],
    signals: Mapping[Market, Mapping[str, int]],
    joined: Sequence[Mapping[str, int]],
    now: datetime,
) -> list[str]:
    """
    Days to join: a joined table is missing or older than the signals of a market, and no market is waited for.

    A market with a session and without signals is waited for until `WAIT_HOURS` after the day. A market without a
    session is not waited for, and its empty tables cause no new join.

    Args:
        days: ISO days that are over.
        signals: by market, day to the sequence number of its last signals; numbers only grow.
        joined: by joined table, day to the sequence number of its last materialization, of the same count.
        now: with a time zone.
    """
    due = []
    for day in days:
        expected = [market for market in signals if has_session(market, day)]
        numbers = [signals[market][day] for market in expected if day in signals[market]]
        waiting = len(numbers) < len(expected) and pd.Timestamp(now) < _end(day) + pd.Timedelta(hours=WAIT_HOURS)
        stale = any(table.get(day, -1) < max(numbers, default=0) for table in joined)
        if numbers and stale and not waiting:
            due.append(day)
    return due


def _end(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
