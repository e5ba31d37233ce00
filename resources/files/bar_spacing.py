"""
Length of the bars of a table and their sessions, from the distances of their times.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS, exchange_days
from alpha_pipeline.market.markets import market_clock
from alpha_pipeline.typing import Flags, Integers

MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
WEEK_DAYS, MONTH_DAYS = (5, 8), (27, 32)  # holidays shorten and lengthen weeks and months


@dataclass(frozen=True)
class Spacing:
    """
    Bars of a table.

    Args:
        bar: "1min" to "1M" (a month).
        bars_per_session: bars of a session (of a day on 24/7); below one for weeks and months.
        periods_per_year: bars of a year.
    """

    bar: str
    bars_per_session: float
    periods_per_year: float


def bar_of_distances(distances: Integers, counted_in_days: bool) -> str:
    """
    The commonest distance between bars of one symbol.

    Args:
        distances: (n,) positive, microseconds; of sessions where the times are dates.
        counted_in_days: whether the times are dates, whose closes move with the clock.

    Raises:
        DataError: bars shorter than a minute.
    """
    if not len(distances):
        return "1D"
    days = np.round(distances / DAY_US).astype(np.int64)
    is_long = (days >= WEEK_DAYS[0]) if counted_in_days else (days >= WEEK_DAYS[0]) & (distances % DAY_US < DAY_US)
    key = np.where(is_long, _bucket(days), distances // MINUTE_US)
    if counted_in_days:
        key = np.where(is_long, key, days * 1440)
    values, counts = np.unique(key, return_counts=True)
    # Weekends are the distance of a tenth of daily bars, never the commonest.
    minutes = int(values[counts.argmax()])
    if minutes == -1:
        return "1W"
    if minutes == -2:
        return "1M"
    if minutes < 1:
        raise DataError(f"bars are {int(np.median(distances)) / 1e6:g} seconds apart; the shortest bar is 1min")
    if minutes % 1440 == 0:
        return f"{minutes // 1440}D"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}min"


def _bucket(days: Integers) -> Integers:
    """-1 for weeks, -2 for months, minutes for other lengths."""
    week = (days >= WEEK_DAYS[0]) & (days <= WEEK_DAYS[1])
    month = (days >= MONTH_DAYS[0]) & (days <= MONTH_DAYS[1])
    result: Integers = np.where(week, -1, np.where(month, -2, days * 1440))
    return result


def spacing(bar: str, calendar: str, closes: pd.DatetimeIndex) -> Spacing:
    """
    Sessions and years of bars: of bars within sessions of an exchange as many as the data have on most days.

    Args:
        bar: their length.
        calendar: of the market.
        closes: distinct closes, UTC.
    """
    clock = market_clock(calendar, bar)
    if calendar in (ALWAYS, WEEKDAYS) or bar[-1] in "DWM" or closes.empty:
        return Spacing(bar, clock.bars_per_session, clock.periods_per_year)
    days = exchange_days(calendar, closes)
    counts = np.bincount(np.unique(np.unique(days, return_counts=True)[1], return_inverse=True)[1])
    sizes = np.unique(np.unique(days, return_counts=True)[1])
    per_session = float(sizes[counts.argmax()])
    return Spacing(bar, per_session, per_session * clock.periods_per_year / clock.bars_per_session)


def off_grid(closes: Integers, bar: str) -> Flags:
    """(n,): whether a close misses the grid of its bar, whose phase is that of most closes; never for months."""
    if bar.endswith("M"):
        return np.zeros(len(closes), bool)
    length = int(market_clock(ALWAYS, bar).bar_length / pd.Timedelta(1, "us"))
    phases, counts = np.unique(closes % length, return_counts=True)
    misses: Flags = closes % length != phases[counts.argmax()]
    return misses
