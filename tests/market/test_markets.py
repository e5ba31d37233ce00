"""Bars due by calendar, and the day of a bar."""

import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, expected_closes, partition_days


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_an_hourly_market_closes_every_hour_of_the_day_midnight_included() -> None:
    """Day D of an hourly 24/7 market holds 24 closes, the last at the next midnight."""
    closes = expected_closes(CRYPTO, utc("2019-09-30"), utc("2019-10-01"))
    assert len(closes) == 24
    assert closes[0] == utc("2019-09-30 01:00")
    assert closes[-1] == utc("2019-10-01 00:00")


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2019-07-03", "17:00"),  # half day before Independence Day, New York summer time
        ("2019-07-05", "20:00"),
        ("2019-12-24", "18:00"),  # half day, winter time
        ("2019-12-26", "21:00"),
    ],
)
def test_a_daily_market_closes_with_its_session(day: str, close: str) -> None:
    """Half days and daylight saving come from the exchange calendar."""
    closes = expected_closes(EQUITIES, utc(day), utc(day) + pd.Timedelta(days=1))
    assert list(closes) == [utc(f"{day} {close}")]


@pytest.mark.parametrize("day", ["2019-07-04", "2019-09-28", "2019-09-29", "2012-10-29"])
def test_holidays_weekends_and_storms_have_no_bars(day: str) -> None:
    """Independence Day, a weekend and hurricane Sandy."""
    assert len(expected_closes(EQUITIES, utc(day), utc(day) + pd.Timedelta(days=1))) == 0


def test_the_midnight_bar_ends_its_day() -> None:
    """A bar belongs to the day it opened on."""
    stamps = pd.Series(pd.to_datetime(["2019-09-30 00:00", "2019-09-30 01:00", "2019-10-01 00:00"], utc=True))
    assert partition_days(stamps).astype(str).tolist() == ["2019-09-29", "2019-09-30", "2019-09-30"]


def test_an_unknown_calendar_is_named() -> None:
    """A misspelt calendar is a setting error, not a traceback of the library."""
    odd = Market("odd", "stock", "1D", "XNYC", 252.0, 1, 1, 1, 1.0, 1.0)
    with pytest.raises(SettingError, match="XNYC"):
        expected_closes(odd, utc("2019-09-30"), utc("2019-10-01"))
