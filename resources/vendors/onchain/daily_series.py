"""
Daily values of a vendor as facts: parsed, cut to a window, stamped at the end of their day.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window

DAY_SECONDS = 86_400
FIRST_DAY = date(1970, 1, 1).toordinal()
RETRY_POLICY = RetryPolicy(timeout_seconds=60.0)  # a series is one answer, some of megabytes
YEAR_2100_SECONDS = 4_102_444_800.0  # larger stamps have other units

Day = int  # days since 1970, UTC
Values = Mapping[Day, float]


@dataclass(frozen=True)
class Days:
    """
    The days whose end is in a window and has passed.

    Args:
        first: inclusive.
        last: inclusive; before `first` when empty.
        today: the current day; later stamps are of the future.
    """

    first: Day
    last: Day
    today: Day

    @property
    def is_empty(self) -> bool:
        return self.last < self.first


@dataclass(frozen=True)
class Reading:
    """
    A parsed series.

    Args:
        values: day -> finite number.
        excluded: reason -> number of dropped rows.
    """

    values: Values
    excluded: Mapping[str, int] = field(default_factory=dict)


def days_within(start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp) -> Days:
    """The days that ended in (start, end] and by `now`; the value of the current day still changes."""
    first = int(start.timestamp() // DAY_SECONDS)
    last = int(min(end, now).timestamp() // DAY_SECONDS) - 1
    return Days(first, last, int(now.timestamp() // DAY_SECONDS))


def require_request(
    name: str, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp
) -> list[str]:
    """
    The symbols, sorted, each once.

    Raises:
        SettingError: the window or a symbol is invalid, or the asset type is not crypto (LINK and UNI are stocks too).
    """
    require_window(start, end)
    if market.asset_type != "crypto":
        raise SettingError(f"{name} has coins only; found the market {market.name!r}, expected one of crypto")
    return require_symbols(symbols)


def day_of_seconds(stamp: object) -> Day | None:
    """The day of a stamp in seconds since 1970, a number or its text; None when it is invalid."""
    seconds = number(stamp)
    return None if seconds is None or not 0 <= seconds < YEAR_2100_SECONDS else int(seconds // DAY_SECONDS)


def day_of_text(stamp: object) -> Day | None:
    """The day of `2024-03-08`, also with its midnight in UTC; None for anything else."""
    return _day_of(stamp) if isinstance(stamp, str) else None


def number(value: object) -> float | None:
    """A finite number, also as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def read_days(
    points: Sequence[tuple[object, object]], days: Days, day_of: Callable[[object], Day | None], request: str
) -> Reading:
    """
    The values of a series in a window. The order of the points does not matter.

    Dropped and counted: points without a readable day, points of the future, values that are not finite or negative
    (flows, balances and counts never are), repeated points, and days with conflicting values.

    Args:
        points: (stamp, value), as of the vendor.
        days: the window.
        day_of: parses a stamp.
        request: begins the error message.

    Raises:
        SourceError: there are points and none can be parsed.
    """
    values: dict[Day, float] = {}
    disputed: set[Day] = set()
    excluded: Counter[str] = Counter()
    readable = 0
    for stamp, raw in points:
        day, value = day_of(stamp), number(raw)
        if day is None:
            excluded["rows without a readable day"] += 1
            continue
        if value is None:
            excluded["values that are not finite numbers"] += days.first <= day <= days.last
            continue
        readable += 1
        if day > days.today:
            excluded["rows of the future"] += 1
        elif not days.first <= day <= days.last:
            continue
        elif value < 0:
            excluded["negative values"] += 1
        elif day not in values:
            values[day] = value
        elif value == values[day]:
            excluded["repeated rows"] += 1
        else:
            disputed.add(day)
    if points and not readable:
        raise SourceError(
            f"{request}: none of {len(points)} rows has a day and a number; the first has {points[0]}"[:400]
        )
    if disputed:
        excluded["days with conflicting values"] = len(disputed)
    undisputed = {day: value for day, value in values.items() if day not in disputed}
    return Reading(undisputed, {reason: count for reason, count in excluded.items() if count})


def read_rows(answer: Any, stamp: str, value: Callable[[dict[str, Any]], object], days: Days, request: str) -> Reading:
    """`read_days` of a list of objects with a moment in seconds under `stamp`; SourceError when it is not a list."""
    if not isinstance(answer, list):
        raise SourceError(f"{request}: expected a list of days; found {str(answer)[:200]}")
    points = [(row.get(stamp), value(row)) if isinstance(row, dict) else (None, None) for row in answer]
    return read_days(points, days, day_of_seconds, request)


def facts(
    columns: Mapping[tuple[str, str], Values],
    fields: Sequence[str],
    lag: pd.Timedelta,
    published: Mapping[tuple[str, Day], float] | None = None,
) -> pd.DataFrame:
    """
    Rows of chain metrics from series.

    Args:
        columns: (symbol, field) -> its series.
        fields: the columns, in order, with or without values.
        lag: from the end of the day to its availability.
        published: (symbol, day) -> the vendor's own stamp of publication, seconds since 1970; used instead of the lag.

    Returns:
        Columns `timestamp` (end of the day), `symbol`, `available_at` and the fields, float64, NaN where a series has
        no value; sorted by timestamp and symbol. A day without any value has no row.
    """
    keys = sorted({(day, symbol) for (symbol, _), values in columns.items() for day in values})
    ends = [float((day + 1) * DAY_SECONDS) for day, _ in keys]
    available = [
        (published or {}).get((symbol, day), end + lag.total_seconds())
        for (day, symbol), end in zip(keys, ends, strict=True)
    ]
    no_values: Values = {}
    table = pd.DataFrame(
        {
            "timestamp": _moments(ends),
            "symbol": pd.Series([symbol for _, symbol in keys], dtype="str"),
            "available_at": _moments(available),
        }
    )
    table = table.astype({"timestamp": tables.MOMENT, "available_at": tables.MOMENT})
    for name in fields:
        cells = [columns.get((symbol, name), no_values).get(day, math.nan) for day, symbol in keys]
        table[name] = pd.Series(cells, dtype="float64")
    return table


def result_of(
    name: str, table: pd.DataFrame, failures: Mapping[str, str], counts: Mapping[str, int], requests: int
) -> FetchResult:
    """The result of several requests; SourceError when each of them failed."""
    if failures and len(failures) >= requests:
        raise SourceError(
            f"{name}: every request failed. " + "; ".join(f"{item}: {reason}" for item, reason in failures.items())
        )
    return FetchResult(table, failures, {remark: count for remark, count in counts.items() if count})


@lru_cache(maxsize=16_384)  # each day occurs once per coin
def _day_of(text: str) -> Day | None:
    parsed = re.fullmatch(r"(\d{4}-\d\d-\d\d)(T00:00:00(\.0+)?Z)?", text)
    try:
        return date.fromisoformat(parsed[1]).toordinal() - FIRST_DAY if parsed else None
    except ValueError:
        return None


def _moments(seconds: Sequence[float]) -> pd.Series:
    return pd.to_datetime(pd.Series(seconds, dtype="float64"), unit="s", utc=True)
