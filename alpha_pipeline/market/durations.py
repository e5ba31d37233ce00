"""
Durations such as "5 sessions" or "1 month", as bars of a market and as time.
"""

import re
from typing import NamedTuple

import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.calendars import ALWAYS
from alpha_pipeline.settings.value_types import DURATION

# Unit -> canonical one. A day of a market is a session; a week has five, a month 21 (7 and 30.4375 days on 24/7).
_UNITS = {
    "bar": "bar", "bars": "bar", "min": "min", "h": "h", "d": "session", "D": "session", "day": "session",
    "days": "session", "session": "session", "sessions": "session", "w": "week", "W": "week", "week": "week",
    "weeks": "week", "mo": "month", "M": "month", "month": "month", "months": "month", "y": "year", "year": "year",
    "years": "year",
}  # fmt: skip
_TIME = {
    "min": pd.Timedelta(minutes=1), "h": pd.Timedelta(hours=1), "session": pd.Timedelta(days=1),
    "week": pd.Timedelta(days=7), "month": pd.Timedelta(days=365.25 / 12), "year": pd.Timedelta(days=365.25),
}  # fmt: skip
_SESSIONS_OF_WEEK, _SESSIONS_OF_MONTH = 5.0, 21.0
MOST_DIGITS = 9


class Clock(NamedTuple):
    """What durations are measured with: the bar of a market, its sessions and its year."""

    calendar: str
    bar: str
    bar_length: pd.Timedelta
    bars_per_session: float
    periods_per_year: float


def clock_of_bar(bar: str) -> Clock:
    """The clock of bars of a length such as "1h" where days have 24 hours."""
    length = pd.Timedelta(bar)
    per_day = pd.Timedelta(days=1) / length
    return Clock(ALWAYS, bar, length, per_day, 365 * per_day)


def duration_bars(text: str, clock: Clock) -> int:
    """
    A duration as a number of bars, at least one.

    Raises:
        SettingError: it is no whole number of bars.
    """
    count, unit = _parts(text)
    if unit == "bar":
        bars = float(count)
    elif unit in ("min", "h"):
        bars = count * (_TIME[unit] / clock.bar_length)
    elif unit == "year":
        bars = float(round(count * clock.periods_per_year))
    elif clock.calendar == ALWAYS:
        bars = count * (_TIME[unit] / clock.bar_length)
        bars = float(round(bars)) if unit == "month" else bars
    else:
        sessions = {"session": 1.0, "week": _SESSIONS_OF_WEEK, "month": _SESSIONS_OF_MONTH}[unit]
        if clock.bar == "1M":
            bars = count / {"month": 1.0}.get(unit, _SESSIONS_OF_MONTH / sessions)
        elif clock.bar == "1W":
            bars = float(round(count * 52 / 12)) if unit == "month" else count * sessions / _SESSIONS_OF_WEEK
        else:
            bars = count * sessions * clock.bars_per_session
    if bars < 1 or abs(bars - round(bars)) > 1e-9:
        raise SettingError(f"{text!r} is {bars:g} bars of {clock.bar}; expected a whole number of bars")
    return round(bars)


def duration_time(text: str) -> pd.Timedelta:
    """A duration by the clock; zero for an empty text. SettingError for bars and sessions, whose length varies."""
    if not text:
        return pd.Timedelta(0)
    count, unit = _parts(text)
    if unit == "bar" or "session" in text:
        raise SettingError(
            f"{text!r} has no length by the clock; expected a duration such as '6h', '30 days', '3 years'"
        )
    try:
        return count * _TIME[unit]
    except (OverflowError, pd.errors.OutOfBoundsTimedelta):
        raise SettingError(f"{text!r} is longer than any history; expected a duration such as '3 years'") from None


def _parts(text: str) -> tuple[int, str]:
    match = re.fullmatch(DURATION, text)
    if match is None:
        raise SettingError(f"{text!r} is no duration; expected one such as '4h', '5 sessions', '1 month'")
    if len(match[1]) > MOST_DIGITS:
        raise SettingError(
            f"{text[:40]!r} is longer than any history; expected a number of at most {MOST_DIGITS} digits"
        )
    return int(match[1]), _UNITS[match[2]]
