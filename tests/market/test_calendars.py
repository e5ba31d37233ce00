"""Closes of every calendar and bar, against `exchange_calendars` and pandas; durations as bars."""

from dataclasses import replace

import exchange_calendars
import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.calendars import expected_closes, may_close, session_closes
from alpha_pipeline.market.durations import duration_bars, duration_time
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, market_clock

START, END = pd.Timestamp("2024-11-01", tz="UTC"), pd.Timestamp("2025-02-01", tz="UTC")


def _market(calendar: str, bar: str) -> Market:
    clock = market_clock(calendar, bar)
    return replace(
        EQUITIES, calendar=calendar, bar=bar, periods_per_year=clock.periods_per_year,
        bars_per_session=clock.bars_per_session,
    )  # fmt: skip


def test_hours_of_an_exchange_are_its_trading_index() -> None:
    """From the opening, the last one cut by the close, half days included: as the library counts them."""
    closes = expected_closes(_market("XNYS", "1h"), START, END)
    nyse = exchange_calendars.get_calendar("XNYS")
    index = nyse.trading_index("2024-11-01", "2025-01-31", period="1h", closed="right", force_close=True)
    oracle = index.right if isinstance(index, pd.IntervalIndex) else index
    assert closes.tolist() == [stamp for stamp in oracle if START < stamp <= END]


@pytest.mark.parametrize(
    ("calendar", "bar", "per_year", "per_session"),
    [
        ("24/7", "1h", 8760, 24), ("24/7", "15min", 35_040, 96), ("24/7", "5min", 105_120, 288), ("24/7", "1D", 365, 1),
        ("24/5", "1h", 6240, 24), ("24/5", "1D", 260, 1), ("XNYS", "1D", 252, 1), ("XNYS", "1h", 1764, 7),
        ("XNYS", "30min", 3276, 13), ("XNYS", "1W", 52, 52 / 252), ("XNYS", "1M", 12, 12 / 252),
        ("24/7", "1W", 52, 52 / 365), ("XTKS", "1D", 245, 1),
    ],
)  # fmt: skip
def test_a_year_has_the_bars_of_its_calendar(calendar: str, bar: str, per_year: float, per_session: float) -> None:
    """Weeks are 52, months 12, seven hours a session of US stocks 1,764."""
    clock = market_clock(calendar, bar)
    assert clock.periods_per_year == per_year and clock.bars_per_session == pytest.approx(per_session)


def test_weeks_and_months_close_with_their_last_session() -> None:
    """Good Friday and New Year move them."""
    nyse = exchange_calendars.get_calendar("XNYS").schedule["close"]
    window = nyse[(nyse > START) & (nyse <= END)]
    months = window.groupby(window.index.to_period("M")).last()
    assert expected_closes(_market("XNYS", "1M"), START, END).tolist() == months.tolist()
    weeks = window.groupby(window.index.to_period("W-SUN")).last()
    assert expected_closes(_market("XNYS", "1W"), START, END).tolist() == weeks.tolist()
    coins = expected_closes(replace(CRYPTO, bar="1M"), START, END)
    assert coins.tolist() == list(pd.date_range("2024-12-01", "2025-02-01", freq="MS", tz="UTC"))


def test_forex_rests_on_weekends() -> None:
    """Closes from Monday 01:00 to Saturday 00:00; bars of Sunday evening may exist, those of Saturday noon not."""
    forex = _market("24/5", "1h")
    closes = expected_closes(forex, pd.Timestamp("2025-01-03", tz="UTC"), pd.Timestamp("2025-01-07", tz="UTC"))
    assert closes[:24].tolist() == list(pd.date_range("2025-01-03 01:00", "2025-01-04", freq="h", tz="UTC"))
    assert closes[24] == pd.Timestamp("2025-01-06 01:00", tz="UTC") and len(closes) == 48
    moments = pd.Series(pd.to_datetime(["2025-01-05 22:00", "2025-01-04 12:00", "2025-01-06 00:30"], utc=True))
    assert may_close(forex, moments).tolist() == [True, False, False]


def test_moments_at_which_a_bar_can_close() -> None:
    """Within sessions vendors count from the opening or by the clock; days of an exchange are exact."""
    stamps = ["2025-01-03 15:00", "2025-01-03 15:30", "2025-01-03 21:00", "2025-01-03 21:30", "2025-01-04 15:00"]
    moments = pd.Series(pd.to_datetime(stamps, utc=True))
    assert may_close(_market("XNYS", "1h"), moments).tolist() == [True, True, True, False, False]
    assert may_close(EQUITIES, moments).tolist() == [False, False, True, False, False]
    assert may_close(CRYPTO, moments).tolist() == [True, False, True, False, True]


def test_a_day_is_the_close_of_its_session() -> None:
    """In winter 21:00 UTC, on a half day 18:00, midnight on 24/7; none on a holiday."""
    days = pd.DatetimeIndex(["2025-01-03", "2024-11-29", "2024-12-25"])
    closes = session_closes("XNYS", days)
    assert [str(stamp) for stamp in closes[:2]] == ["2025-01-03 21:00:00+00:00", "2024-11-29 18:00:00+00:00"]
    assert closes[2] is pd.NaT
    assert str(session_closes("24/7", days)[0]) == "2025-01-04 00:00:00+00:00"


def test_a_calendar_that_does_not_know_the_day_is_an_error() -> None:
    """Not a silent day without bars."""
    far = pd.Timestamp("2090-01-05", tz="UTC")
    with pytest.raises(SettingError, match=r"calendar XNYS knows the days from .* asked for 2090"):
        expected_closes(EQUITIES, far, far + pd.Timedelta(days=5))


@pytest.mark.parametrize(
    ("text", "calendar", "bar", "bars"),
    [
        ("5d", "XNYS", "1h", 35), ("5 sessions", "XNYS", "1D", 5), ("1 month", "XNYS", "1D", 21),
        ("1D", "24/7", "1h", 24), ("1 month", "24/7", "1D", 30), ("1 month", "XNYS", "1M", 1),
        ("3 months", "XNYS", "1M", 3), ("2 W", "XNYS", "1W", 2), ("1 month", "XNYS", "1W", 4),
        ("90min", "24/7", "30min", 3), ("1 year", "XNYS", "1h", 1764), ("7 bars", "XNYS", "1D", 7),
    ],
)  # fmt: skip
def test_a_duration_is_a_number_of_bars(text: str, calendar: str, bar: str, bars: int) -> None:
    """Days are sessions, months 21 sessions or 30 days of 24/7."""
    assert duration_bars(text, market_clock(calendar, bar)) == bars


@pytest.mark.parametrize("text", ["30min", "soon", "5 fortnights"])
def test_no_duration_of_whole_bars_is_refused(text: str) -> None:
    """What was found and what is expected."""
    with pytest.raises(SettingError, match="expected"):
        duration_bars(text, CRYPTO.clock)


def test_a_duration_by_the_clock() -> None:
    """Sessions and bars have no length of their own."""
    assert duration_time("6h") == pd.Timedelta(hours=6) and duration_time("") == pd.Timedelta(0)
    with pytest.raises(SettingError, match="has no length by the clock"):
        duration_time("5 sessions")
