"""
Calendars: the closes at which bars must exist, so that a missing bar can be told from a closed market.

`24/7`, `24/5`, and the sessions of exchanges by `exchange_calendars`.
"""

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import pandas as pd

from alpha_pipeline.errors import SettingError

ALWAYS, WEEKDAYS = "24/7", "24/5"
DAY, WEEK = pd.Timedelta(days=1), pd.Timedelta(days=7)
# Of the calendars most used, so that a default market needs no slow import: sessions a year, minutes of a session.
KNOWN_SESSIONS = {ALWAYS: (365.0, 1440), WEEKDAYS: (260.0, 1440), "XNYS": (252.0, 390), "XNAS": (252.0, 390)}
COUNTED_YEARS = ("2010-01-01", "2019-12-31")
FIRST_SESSION, EARLY_SESSION = "1990-01-01", "1950-01-01"


class HasBars(Protocol):
    """What a calendar must know of a market."""

    @property
    def calendar(self) -> str:
        """Its code."""
        ...

    @property
    def bar(self) -> str:
        """Length of a bar, "1min" to "1M"."""
        ...

    @property
    def bar_length(self) -> pd.Timedelta:
        """Length of a bar by the clock."""
        ...


def sessions_per_year(calendar: str) -> float:
    """Sessions of a year: 365 on 24/7, 260 on 24/5, of an exchange the mean of 2010 to 2019 as an integer."""
    if calendar in KNOWN_SESSIONS:
        return KNOWN_SESSIONS[calendar][0]
    first, last = COUNTED_YEARS
    return float(round(len(_exchange(calendar).sessions_in_range(first, last)) / 10))


def session_minutes(calendar: str) -> int:
    """Minutes of an ordinary session, a break at noon included."""
    if calendar in KNOWN_SESSIONS:
        return KNOWN_SESSIONS[calendar][1]
    schedule = _exchange(calendar).schedule.loc[slice(*COUNTED_YEARS)]
    return int((schedule["close"] - schedule["open"]).mode().iloc[0] / pd.Timedelta(minutes=1))


def expected_closes(market: HasBars, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
    """
    Closes of the bars that must exist in (start, end], UTC.

    - On `24/7` bars close on multiples of the bar, weeks on Monday 00:00, months on their first day 00:00.
    - On `24/5` the same from Monday to Saturday 00:00; weeks and months close with their last weekday.
    - On an exchange, a day closes with its session (half days included), a week and a month with their last session;
      shorter bars are counted from the opening, and the last one of a session may be shorter.

    Empty on a day without a session.
    """
    if market.bar in ("1W", "1M"):
        return _periods(market, start, end)
    if market.calendar in (ALWAYS, WEEKDAYS):
        first = start.floor(market.bar)
        closes = pd.date_range(first, end, freq=market.bar, tz=None if first.tz else "UTC")
        closes = closes[(closes > start) & (closes <= end)]
        return closes if market.calendar == ALWAYS else closes[(closes - pd.Timedelta(1, "us")).day_of_week < 5]
    sessions = _sessions(market.calendar, start, end)
    if market.bar_length >= DAY:
        closes = pd.DatetimeIndex(sessions["close"])
    else:
        closes = _within_sessions(sessions, market.bar_length)
    return closes[(closes > start) & (closes <= end)]


def may_close(market: HasBars, closes: pd.Series) -> pd.Series:
    """
    Whether a bar of the market can have closed at these moments.

    Stricter where every bar is known (`24/7`, days of an exchange); within sessions any moment will do, since vendors
    count hours from the opening or by the clock; a week or a month may end with any day; the week of `24/5` may begin
    on Sunday evening.
    """
    if closes.empty:
        return pd.Series(dtype=bool)
    moments = pd.DatetimeIndex(closes)
    if market.bar in ("1W", "1M"):
        return pd.Series(True, closes.index)
    if market.calendar == WEEKDAYS:
        at = moments - pd.Timedelta(1, "us")
        is_open = (at.day_of_week < 5) | ((at.day_of_week == 6) & (at.hour >= 20))
        return pd.Series(is_open & (moments == moments.floor(market.bar)), closes.index)
    if market.calendar != ALWAYS and market.bar_length < DAY:
        sessions = _sessions(market.calendar, moments.min() - DAY, moments.max() + DAY)
        opens = pd.DatetimeIndex(sessions["open"]).to_numpy("datetime64[us]")
        ends = pd.DatetimeIndex(sessions["close"]).to_numpy("datetime64[us]")
        stamps = moments.to_numpy("datetime64[us]")
        place = np.searchsorted(opens, stamps, side="left") - 1
        inside = (place >= 0) & (stamps <= ends[np.maximum(place, 0)] if len(ends) else False)
        return pd.Series(inside, closes.index)
    due = expected_closes(market, moments.min() - max(market.bar_length, DAY), moments.max())
    return pd.Series(moments.isin(due), closes.index)


def session_closes(calendar: str, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """
    Close of the session of each day, UTC: midnight that ends the day on `24/7` and `24/5`.

    Args:
        calendar: of the market.
        days: midnights without time zone.

    Returns:
        NaT on a day without a session.
    """
    if calendar in (ALWAYS, WEEKDAYS):
        return pd.DatetimeIndex((days + DAY).tz_localize("UTC")).as_unit("us")
    if days.empty:
        return pd.DatetimeIndex([], tz="UTC").as_unit("us")
    return pd.DatetimeIndex(_sessions(calendar, days.min(), days.max())["close"].reindex(days)).as_unit("us")


def usual_closes(calendar: str, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """
    The ordinary closing time of a calendar on any day, UTC, sessions or not: midnight that ends it on `24/7`, `24/5`.

    Args:
        calendar: of the market.
        days: midnights without time zone.
    """
    if calendar in (ALWAYS, WEEKDAYS):
        return pd.DatetimeIndex((days + DAY).tz_localize("UTC")).as_unit("us")
    exchange = _exchange(calendar)
    time = exchange.close_times[-1][1]
    local = days + pd.Timedelta(hours=time.hour, minutes=time.minute)
    return local.tz_localize(exchange.tz, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC").as_unit("us")


def exchange_days(calendar: str, moments: pd.DatetimeIndex) -> np.ndarray:
    """(n,) datetime64[D]: day of each close by the clock of the exchange; midnight ends a day."""
    local = (moments - pd.Timedelta(1, "us")).tz_convert(exchange_zone(calendar)).tz_localize(None)
    return local.to_numpy("datetime64[D]")


def exchange_zone(calendar: str) -> str:
    """IANA name of the time zone of a calendar; UTC on 24/7 and 24/5."""
    return "UTC" if calendar in (ALWAYS, WEEKDAYS) else str(_exchange(calendar).tz)


def last_known_session(calendar: str) -> pd.Timestamp:
    """Last session that the calendar of an exchange knows, about a year from today."""
    return pd.Timestamp(_exchange(calendar).last_session)


def has_session(market: HasBars, day: str) -> bool:
    """Whether a bar closes on an ISO day; always on "24/7"."""
    start = pd.Timestamp(day, tz="UTC")
    return len(expected_closes(market, start, start + DAY)) > 0


def partition_days(timestamps: pd.Series) -> pd.Series:
    """
    Day of a bar: the day it opened on, so that the bar closing at midnight ends its day.

    Day D holds the closes in (D 00:00, D+1 00:00] UTC, and is complete when D is over.
    """
    return (timestamps - pd.Timedelta(1, "us")).dt.floor("D").dt.tz_localize(None)


def _periods(market: HasBars, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
    """Closes of weeks or months: that of their last day with a session."""
    days = pd.date_range(_day(start) - 32 * DAY, _day(end) + 32 * DAY, freq="D")
    if market.calendar == WEEKDAYS:
        days = days[days.day_of_week < 5]
    closes = pd.Series(session_closes(market.calendar, days), index=days).dropna()
    period = pd.DatetimeIndex(closes.index).to_period("W-SUN" if market.bar == "1W" else "M")
    ends = pd.DatetimeIndex(closes.groupby(period).last())
    return ends[(ends > start) & (ends <= end)]


def _within_sessions(sessions: pd.DataFrame, bar: pd.Timedelta) -> pd.DatetimeIndex:
    opens = pd.DatetimeIndex(sessions["open"]).to_numpy("datetime64[us]")
    ends = pd.DatetimeIndex(sessions["close"]).to_numpy("datetime64[us]")
    step = bar.to_numpy().astype("timedelta64[us]")
    counts = -(-(ends - opens) // step)  # a part of a bar is a bar
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    closes = np.minimum(np.repeat(opens, counts) + (number + 1) * step, np.repeat(ends, counts))
    return pd.DatetimeIndex(closes).tz_localize("UTC")


def _sessions(calendar: str, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Opens and closes of the sessions around a span; SettingError where the calendar does not know the days."""
    first, last = _day(start), _day(end)
    exchange = _exchange(calendar, EARLY_SESSION if first < pd.Timestamp(FIRST_SESSION) else FIRST_SESSION)
    if first < exchange.first_session - WEEK or last > exchange.last_session + WEEK:
        raise SettingError(
            f"calendar {calendar} knows the days from {exchange.first_session.date()} to "
            f"{exchange.last_session.date()}; asked for {first.date()} to {last.date()}"
        )
    schedule: pd.DataFrame = exchange.schedule.loc[first - DAY : last + DAY]
    return schedule


def _day(moment: pd.Timestamp) -> pd.Timestamp:
    return (moment.tz_convert("UTC").tz_localize(None) if moment.tz else moment).normalize()


@lru_cache(maxsize=8)
def _exchange(code: str, since: str = FIRST_SESSION) -> Any:
    import exchange_calendars  # slow import, not needed by 24/7 markets

    try:
        return exchange_calendars.get_calendar(code, start=since)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise SettingError(
            f"unknown calendar {code!r}; expected '24/7', '24/5' or a code of exchange_calendars such as 'XNYS'"
        ) from error
    except ValueError:  # a calendar that begins later
        first = exchange_calendars.get_calendar(code).bound_min()
        return exchange_calendars.get_calendar(code, start=max(first, pd.Timestamp(since)))
