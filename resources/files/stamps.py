"""
Times and dates of files as moments in UTC: epochs by magnitude, ISO, day-first where certain, sessions of a calendar.

Each distinct value is read once. Bars, and whether a time opens or closes one, are in `bar_length`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.calendars import (
    ALWAYS,
    EARLY_SESSION,
    WEEKDAYS,
    last_known_session,
    session_closes,
    usual_closes,
)
from alpha_pipeline.resources.files.formats import DateOrder
from alpha_pipeline.resources.files.number_columns import is_number, is_text
from alpha_pipeline.typing import Flags, Integers

# Epoch stamps from 1973 to 5138 by magnitude: name, from, to, microseconds (0: a thousandth).
EPOCH_UNITS = (
    ("seconds", 1e8, 1e11, 1_000_000), ("milliseconds", 1e11, 1e14, 1_000), ("microseconds", 1e14, 1e17, 1),
    ("nanoseconds", 1e17, 1e20, 0),
)  # fmt: skip
DAY_US = 86_400_000_000
_OFFSET = r"(?P<offset>Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
_CLOCK = r"(?:[ T,]+(?P<clock>\d{1,2}:?\d{2}(?::?\d{2}(?:\.\d+)?)?)\s*(?P<half>[AaPp][Mm])?\s*" + _OFFSET + ")?"
_YEAR_FIRST = re.compile(r"(?P<a>\d{4})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,2})" + _CLOCK)
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{4})" + _CLOCK)
_COMPACT = re.compile(r"(?P<a>(?:19|20)\d{2})(?P<b>\d{2})(?P<c>\d{2})(?P<mark>)" + _CLOCK)
_LONG_COMPACT = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])[0-5]\d([0-5]\d)?")
_ISO = (
    r"^(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[ T](?P<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s?(?P<offset>Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$"
)
_HALF_DAY = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{1,2})-([AP]M)")
_NAMED = ("%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")
_DIGITS = re.compile(r"[+-]?\d+(\.\d+)?([eE][+]?\d+)?")


@dataclass(frozen=True)
class Stamps:
    """
    A column of times.

    Args:
        codes: (rows,) place of each row's value in `moments`; -1 where the cell is empty.
        moments: (values,) int64 microseconds of UTC; `pandas.NaT` as int64 where a value cannot be read.
        are_dates: whether every value is a date: without a time, or midnight by the clock of an exchange.
        texts: (values,) as written.
        remark: what was recognized, such as "epoch milliseconds".
    """

    codes: Integers
    moments: Integers
    are_dates: bool
    texts: Sequence[Any]
    remark: str


NAT = np.iinfo(np.int64).min


def read_stamps(column: pa.ChunkedArray, time_zone: str, date_order: DateOrder, label: str) -> Stamps:
    """
    A column of times as moments.

    Args:
        column: text, numbers, dates or timestamps.
        time_zone: IANA name of times without an offset.
        date_order: of dates such as 01/02/2022; "" to be told by the values.
        label: begins the error message.

    Raises:
        DataError: dates have two readings and nothing tells which, or no value can be read.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    merged = encoded.unify_dictionaries().combine_chunks()
    if isinstance(merged, pa.ChunkedArray):
        merged = merged.chunk(0)
    codes = np.asarray(merged.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
    distinct = merged.dictionary
    if is_text(kind):
        texts = [_spaced(str(text).strip()) for text in distinct.to_pylist()]
        if texts and all(_DIGITS.fullmatch(text) for text in texts if text):
            numbers = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy("float64")
            exact = [int(text) if text.isdigit() else float(text or "nan") for text in texts]
            moments, dates, remark = _of_numbers(numbers, exact, label)
        else:
            moments, dates, remark = _of_texts(texts, time_zone, date_order, label)
        return Stamps(codes, moments, dates, texts, remark)
    values = distinct.to_pandas()
    if is_number(kind):
        exact = distinct.to_pylist()
        moments, dates, remark = _of_numbers(values.to_numpy("float64", na_value=np.nan), exact, label)
        return Stamps(codes, moments, dates, exact, remark)
    if pa.types.is_date(kind):
        series = pd.to_datetime(pd.Series(distinct.cast(pa.timestamp("us")).to_pandas()))
        return Stamps(codes, _microseconds(series), True, series.tolist(), "dates")
    if pa.types.is_timestamp(kind):
        return Stamps(codes, *_of_timestamps(pd.Series(values), time_zone), values.tolist(), "times")
    raise DataError(f"{label}: expected dates or times, found {kind}")


def _spaced(text: str) -> str:
    """20240131153000 as 20240131 153000."""
    return f"{text[:8]} {text[8:]}" if _LONG_COMPACT.fullmatch(text) else text


def _of_timestamps(series: pd.Series, time_zone: str) -> tuple[Integers, bool]:
    zoned = series.dt.tz is not None
    wall = series.dt.tz_localize(None) if zoned else series
    at_midnight = bool((wall.dropna() == wall.dropna().dt.normalize()).all())
    if at_midnight and (not zoned or str(series.dt.tz) != "UTC"):
        return _microseconds(wall), True
    if not zoned:
        return _microseconds(_localize(wall, time_zone)), False
    return _microseconds(series), False


def _localize(wall: pd.Series, time_zone: str) -> pd.Series:
    """Wall clock times as moments; NaT at hours that the change of the clock repeats or skips."""
    return wall.dt.tz_localize(time_zone, ambiguous="NaT", nonexistent="NaT")


def _microseconds(series: pd.Series) -> Integers:
    naive = series.dt.tz_convert("UTC").dt.tz_localize(None) if series.dt.tz is not None else series
    result: Integers = naive.to_numpy("datetime64[us]").astype(np.int64)
    return result


def _of_numbers(numbers: np.ndarray, exact: Sequence[Any], label: str) -> tuple[Integers, bool, str]:
    """Epoch stamps by magnitude, or dates written as 20240131."""
    present = numbers[np.isfinite(numbers)]
    if len(present) and ((present >= 19_000_101) & (present <= 21_001_231)).all():
        days = pd.Series(numbers).map(lambda x: f"{x:.0f}", na_action="ignore")
        return _microseconds(pd.to_datetime(days, format="%Y%m%d", errors="coerce")), True, "dates as YYYYMMDD"
    moments = np.full(len(numbers), NAT)
    units = []
    for name, low, high, factor in EPOCH_UNITS:
        places = np.flatnonzero((numbers >= low) & (numbers < high))
        if len(places):
            units.append(name)
            whole = np.array([int(exact[int(k)]) for k in places], dtype=np.int64)  # a float has no room for ns
            fraction = np.round((numbers[places] % 1) * factor).astype(np.int64) if factor > 1 else 0
            moments[places] = (whole * factor if factor else whole // 1000) + fraction
    if not units:
        example = float(present[0]) if len(present) else np.nan
        hint = "; it may be a serial date of Excel: format the column as a date" if 1 <= example < 1e5 else ""
        raise DataError(
            f"{label}: {example:g} is no time: expected seconds, ms, us or ns since 1970, or YYYYMMDD{hint}"
        )
    return moments, False, f"epoch {' and '.join(units)}"


@dataclass(frozen=True)
class _Parts:
    year: int
    second: int  # as written: a month or a day
    third: int
    clock: str
    offset: str
    is_year_last: bool


def _of_texts(texts: list[str], time_zone: str, order: DateOrder, label: str) -> tuple[Integers, bool, str]:
    plain = _iso(texts, time_zone)
    if plain is not None:
        return plain
    parts = [_parts(text) for text in texts]
    last = [p for p in parts if p is not None and p.is_year_last]
    reading = _order(last, [t for t, p in zip(texts, parts, strict=True) if p and p.is_year_last], order, label)
    days, clocks = [], []
    for part in parts:
        if part is None:
            days.append("")
            clocks.append("")
            continue
        month, day = (
            (part.third, part.second) if part.is_year_last and reading == "day_first" else (part.second, part.third)
        )
        days.append(f"{part.year:04d}-{month:02d}-{day:02d}")
        clocks.append(f"{part.clock}{part.offset}")
    iso = [f"{d}{'T' if c else ''}{c}" if d else "" for d, c in zip(days, clocks, strict=True)]
    result = _iso(iso, time_zone)
    if result is None or (result[0] == NAT).all():
        example = next((text for text in texts if text), "")
        raise DataError(
            f"{label}: {example!r} is no date or time that is recognized; expected 2024-01-31 21:00 or 31.01.2024"
        )
    moments, dates, remark = result
    words = {"day_first": "dates day first", "month_first": "dates month first", "": remark}
    return moments, dates, words[reading]


def _iso(texts: list[str], time_zone: str) -> tuple[Integers, bool, str] | None:
    """Texts as ISO 8601 with or without offsets; None where some text is another format and none of the rest reads."""
    series = pd.Series(texts, dtype="str")
    pieces = series.str.extract(_ISO)
    readable = pieces["day"].notna()
    if not (readable | (series == "")).all() and not _mostly(readable):
        return None
    clock = pieces["clock"].fillna("")
    offset = pieces["offset"].fillna("").replace({"UTC": "+00:00", "Z": "+00:00"})
    wall = pd.to_datetime(
        (pieces["day"].fillna("") + " " + clock.where(clock != "", "00:00")).where(readable),
        format="ISO8601",
        errors="coerce",
    )
    has_zone = (offset != "").to_numpy()
    at_midnight = bool((wall[readable] == wall[readable].dt.normalize()).all())
    is_local = has_zone & (offset != "+00:00").to_numpy()  # midnight of an exchange is the date of its session
    if at_midnight and (((clock == "") | is_local) | ~readable).all():
        return _microseconds(wall), True, "dates"
    moments = np.full(len(series), NAT)
    naive = ~has_zone & readable.to_numpy()
    if naive.any():
        moments[naive] = _microseconds(_localize(wall[naive], time_zone))
    if has_zone.any():
        zoned = pd.to_datetime(
            wall[has_zone].dt.strftime("%Y-%m-%dT%H:%M:%S.%f") + offset[has_zone],
            utc=True,
            format="ISO8601",
            errors="coerce",
        )
        moments[has_zone] = _microseconds(zoned)
    return moments, False, "times" + (f" of {time_zone}" if naive.any() else " with their offset")


def _mostly(flags: pd.Series) -> bool:
    """Whether so many are readable that the others are faults of their rows."""
    return bool(flags.mean() >= 0.8)


def _parts(text: str) -> _Parts | None:
    half = _HALF_DAY.fullmatch(text)
    if half:
        hour = int(half[2]) % 12 + 12 * (half[3] == "PM")
        text = f"{half[1]} {hour:02d}:00"
    for pattern in (_YEAR_FIRST, _COMPACT, _YEAR_LAST):
        match = pattern.fullmatch(text)
        if match:
            is_last = pattern is _YEAR_LAST
            year, second, third = (int(match[k]) for k in (("c", "a", "b") if is_last else ("a", "b", "c")))
            clock = _clock(match["clock"], match["half"])
            return _Parts(year, second, third, clock, match["offset"] or "", is_last)
    for form in _NAMED:
        moment = pd.to_datetime(text, format=form, errors="coerce")
        if moment is not pd.NaT:
            return _Parts(int(moment.year), int(moment.month), int(moment.day), "", "", False)
    return None


def _clock(text: str | None, half: str | None) -> str:
    if not text:
        return ""
    digits = text if ":" in text else re.sub(r"(\d\d)(?=\d)", r"\1:", text.rjust(len(text) + len(text) % 2, "0"))
    hour, rest = digits.split(":", 1)
    number = int(hour) % 12 + 12 * (half.upper() == "PM") if half else int(hour)
    return f"{number:02d}:{rest}"


def _order(parts: Sequence[_Parts], texts: Sequence[str], order: DateOrder, label: str) -> DateOrder:
    """How dates with the year last are read."""
    if not parts:
        return ""
    day_first = [t for p, t in zip(parts, texts, strict=True) if p.second > 12]
    month_first = [t for p, t in zip(parts, texts, strict=True) if p.third > 12]
    if day_first and month_first:
        raise DataError(
            f"{label}: {day_first[0]!r} has the day first and {month_first[0]!r} the month; write one order"
        )
    certain: DateOrder = "day_first" if day_first else "month_first" if month_first else ""
    if certain and order and certain != order:
        example = (day_first or month_first)[0]
        raise DataError(f"{label}: date_order is {order}, but {example!r} can only be {certain.replace('_', ' ')}")
    if certain or order:
        return certain or order
    first = next((k for k, p in enumerate(parts) if p.second != p.third), 0)
    p = parts[first]
    readings = [f"{p.year}-{a:02d}-{b:02d}" for a, b in ((p.third, p.second), (p.second, p.third))]
    raise DataError(
        f"{label}: {texts[first]!r} is {readings[0]} with the day first or {readings[1]} with the month first, and no "
        "day above 12 tells which; give the order (--date-order day_first or month_first)"
    )


def closes_of_dates(days: Integers, calendar: str) -> tuple[Integers, Flags]:
    """
    Closes of the sessions of dates.

    Args:
        days: (n,) midnights, int64 microseconds.
        calendar: of the market.

    Returns:
        (n,) int64 microseconds of UTC: the close of the session; midnight ending the day where a market never closes;
        the usual close of the exchange on a day without a session. And (n,) whether the day is a session.
    """
    index = pd.DatetimeIndex(days.astype("datetime64[us]"))
    usual = usual_closes(calendar, index)
    if calendar in (ALWAYS, WEEKDAYS):
        return _as_integers(usual), np.asarray((index.day_of_week < 5) | (calendar == ALWAYS))
    values = np.full(len(index), "NaT", "datetime64[us]")
    covered = np.asarray((index >= pd.Timestamp(EARLY_SESSION)) & (index <= last_known_session(calendar)))
    if covered.any():
        values[covered] = session_closes(calendar, index[covered]).to_numpy("datetime64[us]")
    is_session = ~np.isnat(values)
    closes: Integers = np.where(is_session, values.astype(np.int64), _as_integers(usual))
    return closes, is_session


def _as_integers(index: pd.DatetimeIndex) -> Integers:
    result: Integers = index.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    return result
