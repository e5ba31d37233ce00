"""
Markets: bars, calendar, horizon and trading costs.

Calendars give the bars that must exist, so that a missing bar can be told from a closed market.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Literal

import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.settings import MARKETS as DEFAULT_COSTS
from alpha_pipeline.settings import Settings


@dataclass(frozen=True)
class Market:
    """
    One market of the graph.

    Args:
        name: asset-key prefix, `crypto` or `equities`.
        asset_type: name in prompts: "crypto", "stock" or "forex".
        bar: length of a bar, a pandas offset ("1h", "1D").
        calendar: "24/7" or an `exchange_calendars` code such as "XNYS".
        periods_per_year: bars per year by the calendar; annualises every statistic.
        horizon_bars: bars between a decision and its evaluation; one day by default.
        fee_bps: taker fee per unit of turnover.
        slippage_bps: half spread and slippage per unit of turnover.
        borrow_bps_per_year: cost of holding a short position.
    """

    name: str
    asset_type: Literal["crypto", "stock", "forex"]
    bar: str
    calendar: str
    periods_per_year: float
    horizon_bars: int
    fee_bps: float
    slippage_bps: float
    borrow_bps_per_year: float = 0.0

    @property
    def bar_length(self) -> pd.Timedelta:
        return pd.Timedelta(self.bar)

    @property
    def bars_per_day(self) -> float:
        """Bars of a full day by the clock, at least one."""
        return max(1.0, pd.Timedelta(days=1) / self.bar_length)


# With the costs they have by default; those in force are `configured_markets`.
CRYPTO = Market("crypto", "crypto", "1h", "24/7", 8760.0, 24, **asdict(DEFAULT_COSTS["crypto"]))
EQUITIES = Market("equities", "stock", "1D", "XNYS", 252.0, 1, **asdict(DEFAULT_COSTS["equities"]))
MARKETS = (CRYPTO, EQUITIES)


def configured_markets(settings: Settings) -> tuple[Market, ...]:
    """The markets of the graph with the costs of the settings."""
    return tuple(replace(market, **asdict(settings.markets[market.name])) for market in MARKETS)


def expected_closes(market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
    """
    Closes of the bars that must exist in (start, end], UTC.

    Hourly markets on "24/7" close on every multiple of the bar; a daily market closes with its session (half days
    included), by the exchange calendar. Empty on a day without a session.
    """
    if market.calendar == "24/7":
        first = start.floor(market.bar)
        closes = pd.date_range(first, end, freq=market.bar, tz=None if first.tz else "UTC")
        return closes[(closes > start) & (closes <= end)]
    calendar = _exchange_calendar(market.calendar)
    sessions = calendar.sessions_in_range(_day(start), _day(end))
    closes = pd.DatetimeIndex(calendar.schedule.loc[sessions, "close"])
    return closes[(closes > start) & (closes <= end)]


def has_session(market: Market, day: str) -> bool:
    """Whether a bar closes on an ISO day; always on "24/7"."""
    start = pd.Timestamp(day, tz="UTC")
    return len(expected_closes(market, start, start + pd.Timedelta(days=1))) > 0


def partition_days(timestamps: pd.Series) -> pd.Series:
    """
    Day of a bar: the day it opened on, so that the bar closing at midnight ends its day.

    Day D holds the closes in (D 00:00, D+1 00:00] UTC, and is complete when D is over.
    """
    return (timestamps - pd.Timedelta(1, "us")).dt.floor("D").dt.tz_localize(None)


def _day(moment: pd.Timestamp) -> pd.Timestamp:
    return moment.tz_convert("UTC").tz_localize(None).normalize()


@lru_cache(maxsize=4)
def _exchange_calendar(code: str):  # type: ignore[no-untyped-def]  # the library is untyped
    import exchange_calendars  # slow import, not needed by 24/7 markets

    try:
        return exchange_calendars.get_calendar(code, start="1995-01-01")
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise SettingError(f"unknown exchange calendar {code!r}; expected '24/7' or a code such as 'XNYS'") from error
