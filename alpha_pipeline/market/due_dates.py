"""
Which run dates are due: the gaps among the last days, and the days whose markets can be joined.

What is stored and what runs is told; nothing here asks for it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import pandas as pd

from alpha_pipeline.market.markets import Market, has_session

# A market that is silent this long after its day is over is joined without; when it speaks, the day is joined anew.
WAIT_HOURS = 6.0


def missing_ranges(days: Sequence[str], done: Collection[str]) -> Iterator[tuple[str, str]]:
    """The runs of consecutive `days` that are not `done`, as (first, last), in order."""
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
    heard: Mapping[Market, Mapping[str, int]],
    written: Sequence[Mapping[str, int]],
    now: datetime,
) -> list[str]:
    """
    Days of which a joined table is missing or older than what a market said, and which wait for nobody.

    A market that has a session and no signals yet is waited for, `WAIT_HOURS` after the day is over. One without a
    session has nothing to say: it is not waited for, and its empty tables join nothing anew.

    Args:
        days: ISO days that are over.
        heard: of each market, day -> number of its last signals; numbers only grow.
        written: of each joined table, day -> number of its last writing, of the same count.
        now: with a time zone.
    """
    due = []
    for day in days:
        speaking = [market for market in heard if has_session(market, day)]
        said = [heard[market][day] for market in speaking if day in heard[market]]
        waiting = len(said) < len(speaking) and pd.Timestamp(now) < _end(day) + pd.Timedelta(hours=WAIT_HOURS)
        stale = any(table.get(day, -1) < max(said, default=0) for table in written)
        if said and stale and not waiting:
            due.append(day)
    return due


def _end(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
