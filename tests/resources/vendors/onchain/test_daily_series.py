"""Daily values: read without trust, cut to the window, stamped at the end of their day."""

import math

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.vendors.onchain.daily_series import (
    Days,
    day_of_seconds,
    day_of_text,
    days_within,
    facts,
    number,
    read_days,
    read_rows,
    require_request,
    result_of,
)

DAY = 86_400
DAYS = Days(first=10, last=19, today=21)
LAG = pd.Timedelta(hours=6)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.parametrize(
    ("start", "end", "now", "first", "last"),
    [
        ("1970-01-11", "1970-01-21", "1970-02-01", 10, 19),  # day 10 ends on the 12th, day 19 on the 21st
        ("1970-01-11 05:00", "1970-01-21 23:00", "1970-02-01", 10, 19),
        ("1970-01-10 23:59", "1970-01-21", "1970-02-01", 9, 19),
        ("1970-01-11", "1970-01-21", "1970-01-20 13:00", 10, 18),  # the 20th is not over
        ("1970-01-11", "1970-01-11 20:00", "1970-02-01", 10, 9),  # no midnight in it
        ("1970-01-30", "1970-01-31", "1970-01-15", 29, 13),
    ],
)
def test_a_window_holds_the_days_that_end_in_it(start: str, end: str, now: str, first: int, last: int) -> None:
    """Start excluded, end included, and no day that is not over."""
    days = days_within(utc(start), utc(end), utc(now))
    assert (days.first, days.last) == (first, last)
    assert days.is_empty == (last < first)


def test_neighbouring_windows_share_no_day_and_lose_none() -> None:
    """(a, b] and (b, c] are (a, c], wherever b lies."""
    now = utc("1971-01-01")
    for hours in range(0, 49, 7):
        cut = utc("1970-03-10") + pd.Timedelta(hours=hours)
        before, after = days_within(utc("1970-03-01"), cut, now), days_within(cut, utc("1970-03-20"), now)
        assert after.first == before.last + 1


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        (864_000, 10),
        (950_399, 10),
        ("864000", 10),
        (864_000.5, 10),
        (0, 0),
        (-1, None),
        (1_709_913_600_000, None),  # milliseconds
        (math.nan, None),
        (math.inf, None),
        (True, None),
        (None, None),
        ([864_000], None),
        ("1970-01-11", None),
    ],
)
def test_a_moment_in_seconds_is_a_day(stamp: object, day: int | None) -> None:
    """Numbers and their text; milliseconds, dates and nonsense are none."""
    assert day_of_seconds(stamp) == day


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("1970-01-11", 10),
        ("1970-01-11T00:00:00Z", 10),
        ("1970-01-11T00:00:00.000000000Z", 10),
        ("1970-01-11T01:00:00Z", None),
        ("1970-02-30", None),
        ("11.1.1970", None),
        (864_000, None),
        (None, None),
        ([], None),
    ],
)
def test_a_date_is_a_day(stamp: object, day: int | None) -> None:
    """A midnight in UTC is a day; an hour is not, for the metric would be of another frequency."""
    assert day_of_text(stamp) == day


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1, 1.0),
        ("1.5", 1.5),
        (" 1e6 ", 1e6),
        (10**400, None),
        ("nan", None),
        ("-inf", None),
        (math.inf, None),
        (True, None),
        (None, None),
        ("", None),
        ("1,000", None),
        ({"usd": 1}, None),
    ],
)
def test_a_number_is_finite(value: object, found: float | None) -> None:
    """Text counts, truth does not; nothing infinite passes."""
    assert number(value) == found


@pytest.mark.parametrize(
    ("points", "values", "excluded"),
    [
        ([(12 * DAY, 2), (11 * DAY, 1)], {11: 1.0, 12: 2.0}, {}),
        ([(11 * DAY, "1"), (11 * DAY, 1.0)], {11: 1.0}, {"repeated rows": 1}),
        ([(11 * DAY, 1), (11 * DAY, 2), (12 * DAY, 3)], {12: 3.0}, {"days with conflicting values": 1}),
        ([(9 * DAY, 1), (10 * DAY, 2), (19 * DAY, 3), (20 * DAY, 4)], {10: 2.0, 19: 3.0}, {}),
        ([(11 * DAY, 1), (22 * DAY, 2)], {11: 1.0}, {"rows of the future": 1}),
        ([(11 * DAY, 1), ("soon", 2)], {11: 1.0}, {"rows without a readable day": 1}),
        ([(11 * DAY, 1), (12 * DAY, None)], {11: 1.0}, {"values that are not finite numbers": 1}),
        ([(11 * DAY, 1), (12 * DAY, math.nan)], {11: 1.0}, {"values that are not finite numbers": 1}),
        ([(11 * DAY, 1), (12 * DAY, -3)], {11: 1.0}, {"negative values": 1}),
        ([(11 * DAY, 0)], {11: 0.0}, {}),
        ([], {}, {}),
    ],
    ids=["order", "twice", "disputed", "window", "future", "stamp", "null", "nan", "negative", "zero", "empty"],
)
def test_dirty_points_are_left_out_and_counted(
    points: list[tuple[object, object]], values: dict[int, float], excluded: dict[str, int]
) -> None:
    """Each kind of dirt has one treatment; what is clean is kept."""
    reading = read_days(points, DAYS, day_of_seconds, "here")
    assert (reading.values, reading.excluded) == (values, excluded)


def test_a_series_of_another_shape_is_an_error() -> None:
    """When not one row can be read, the answer has changed, and its first row is shown."""
    with pytest.raises(SourceError, match=r"here: none of 2 rows has a day and a number; the first has \('soon', 1\)"):
        read_days([("soon", 1), (11 * DAY, None)], DAYS, day_of_seconds, "here")
    with pytest.raises(SourceError, match="here: expected a list of days; found {'error'"):
        read_rows({"error": 1}, "date", lambda row: row["tvl"], DAYS, "here")
    with pytest.raises(SourceError, match="none of 1 rows"):
        read_rows([[11 * DAY, 1]], "date", lambda row: row["tvl"], DAYS, "here")


def test_rows_are_stamped_at_the_end_of_the_day_and_known_after_the_lag() -> None:
    """Day 10 ends as the 12th of January begins; types are those of the table."""
    table = facts({("B", "tvl"): {10: 1.0, 11: 2.0}, ("A", "fees"): {10: 3.0}}, ("tvl", "fees"), LAG)
    assert list(table.columns) == ["timestamp", "symbol", "available_at", "tvl", "fees"]
    assert table["timestamp"].tolist() == [utc("1970-01-12"), utc("1970-01-12"), utc("1970-01-13")]
    assert table["symbol"].tolist() == ["A", "B", "B"]
    assert (table["available_at"] - table["timestamp"] == LAG).all()
    np.testing.assert_array_equal(table["tvl"], [np.nan, 1.0, 2.0])
    fixed = tables.RAW_ONCHAIN.empty()
    assert table[fixed.columns].dtypes.equals(fixed.dtypes)
    assert tables.RAW_ONCHAIN.conform(table).num_rows == 3


def test_the_vendors_stamp_of_publication_goes_before_the_lag() -> None:
    """Where there is one, to the second; elsewhere the lag."""
    stamp = 11 * DAY + 3661.0
    table = facts({("A", "tvl"): {10: 1.0, 11: 2.0}}, ("tvl",), LAG, {("A", 10): stamp})
    assert table["available_at"].tolist() == [utc("1970-01-12 01:01:01"), utc("1970-01-13 06:00")]


def test_no_values_are_the_empty_table_of_the_same_columns() -> None:
    """An empty day has the types of a full one."""
    empty, full = facts({}, ("tvl",), LAG), facts({("A", "tvl"): {10: 1.0}}, ("tvl",), LAG)
    assert len(empty) == 0 and empty.dtypes.equals(full.dtypes)


def test_all_failed_is_an_error_and_some_failed_is_an_answer() -> None:
    """One of two questions that came is kept, with the reason of the other."""
    table = facts({}, ("tvl",), LAG)
    some = result_of("llama", table, {"tvl": "broken"}, {"rows": 2, "none": 0}, 2)
    assert some.failures == {"tvl": "broken"} and some.counts == {"rows": 2}
    with pytest.raises(SourceError, match="llama: every request failed. tvl: broken; coins: refused"):
        result_of("llama", table, {"tvl": "broken", "coins": "refused"}, {}, 2)


@pytest.mark.parametrize(
    ("market", "symbols", "start", "end", "words"),
    [
        (EQUITIES, ["LINK"], "2024-01-01", "2024-01-02", "llama has coins only; found the market 'equities'"),
        (CRYPTO, ["btc usdt"], "2024-01-01", "2024-01-02", "not a ticker"),
        (CRYPTO, [], "2024-01-01", "2024-01-02", "expected a list of names"),
        (CRYPTO, ["BTCUSDT"], "2024-01-02", "2024-01-01", "is empty"),
    ],
)
def test_an_invalid_request_is_not_made(market: object, symbols: list[str], start: str, end: str, words: str) -> None:
    """A market of shares, text that is not a ticker, a window that is none: settings, not failures of a vendor."""
    with pytest.raises(SettingError, match=words):
        require_request("llama", market, symbols, utc(start), utc(end))  # type: ignore[arg-type]  # parametrised
