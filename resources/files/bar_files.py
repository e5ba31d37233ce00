"""
Bars of users' files: rows that cannot be true are set aside, what was understood is said in remarks.

The panel and the market of a reading are in `file_panel`, facts in `fact_files`.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS, exchange_days
from alpha_pipeline.market.markets import Market, market_clock
from alpha_pipeline.resources.files.bar_remarks import (
    content_remarks,
    days_without_session,
    jump_remarks,
    stamp_remark,
)
from alpha_pipeline.resources.files.bar_spacing import DAY_US, bar_of_distances, off_grid, spacing
from alpha_pipeline.resources.files.file_readings import (
    FileReading,
    file_title,
    index_of,
    micros_of,
    require_few,
    stamp_micros,
    utc_of,
    with_place,
    with_reason,
)
from alpha_pipeline.resources.files.file_tables import RawTable, read_table
from alpha_pipeline.resources.files.formats import BAR_FIELDS, FileFormat
from alpha_pipeline.resources.files.layout import Layout, recognize
from alpha_pipeline.resources.files.long_form import LongColumns, long_columns
from alpha_pipeline.resources.files.stamps import NAT, closes_of_dates
from alpha_pipeline.typing import Array, Flags, Integers
from alpha_pipeline.validation.raw.rows import split_file_bars


def read_bars(file_format: FileFormat, market: Market, now: pd.Timestamp) -> FileReading:
    """
    The bars of a file.

    Args:
        file_format: where it is, and what it does not say itself.
        market: its calendar turns dates into closes.
        now: UTC; bars that close later are not finished.

    Raises:
        SettingError: there is no such file, or an option does not fit it.
        DataError: it is unreadable, a column is missing, a cell has no certain reading, or many rows cannot be true.
    """
    raw = read_table(file_format)
    layout = recognize(raw, file_format)
    columns = long_columns(raw, layout, file_format)
    title = file_title(raw)
    remarks = [*layout.remarks]
    columns, moments, early = _readable(columns, raw, title)
    order = np.lexsort((moments, columns.symbols))
    columns, moments = columns.take(order), moments[order]
    values = columns.values
    if "split" in values:
        values["split"] = np.where(np.nan_to_num(values["split"]) == 1, 0.0, np.nan_to_num(values["split"]))
    distances = _distances(moments, columns.symbols)
    bar = bar_of_distances(distances, columns.stamps.are_dates)
    closes, dated = _closes(moments, columns, layout, market, bar, title)
    past = closes <= micros_of(pd.DatetimeIndex([now.tz_convert(None)]))
    past = past if past.any() else ~past
    remarks += [stamp_remark(columns, layout, moments[past], closes[past], market, bar), *dated, *columns.remarks]
    frame, places = _frame(columns, closes), columns.rows
    kept, conflicts, merged = _unique(columns.symbols, closes, values)
    judged = split_file_bars(frame[kept].assign(row=places[kept]), now)
    rejected = [early, with_reason(frame[conflicts].assign(row=places[conflicts]), "conflicting rows of one bar", raw)]
    rejected.append(with_place(judged.rejected, raw))
    valid = judged.valid.drop(columns="row")
    if market.calendar == ALWAYS and len(valid):
        misses = off_grid(stamp_micros(valid["timestamp"]), bar)
        if misses.any():
            rejected.append(with_reason(judged.valid[misses], f"closes off the grid of {bar} bars", raw))
            valid = valid[~misses]
    rejected.append(_cut(raw))
    faults = pd.concat([part for part in rejected if len(part)] or [early], ignore_index=True)
    require_few(faults, len(frame) + len(early), title)
    remarks += jump_remarks(valid)
    table = valid.sort_values(["timestamp", "symbol"], kind="stable", ignore_index=True)
    distinct = pd.DatetimeIndex(table["timestamp"].unique())
    sessions = spacing(bar, market.calendar, distinct)
    remarks += content_remarks(table, distinct, sessions, market)
    return FileReading(table, faults, tuple(r for r in remarks if r), sessions, merged, title)


def _readable(columns: LongColumns, raw: RawTable, title: str) -> tuple[LongColumns, Integers, pd.DataFrame]:
    """Rows with a time, a symbol and any value; the times; the rows without a time or a symbol."""
    moments = np.where(columns.stamps.codes >= 0, columns.stamps.moments[columns.stamps.codes], NAT)[columns.rows]
    has_value = np.zeros(len(moments), bool)
    for numbers in columns.values.values():
        has_value |= ~np.isnan(numbers)
    no_time, no_symbol = has_value & (moments == NAT), has_value & (moments != NAT) & (columns.symbols < 0)
    good = has_value & ~no_time & ~no_symbol
    if not good.any():
        raise DataError(f"{title} has no row with a time, a symbol and a value")
    parts = []
    for flags, reason in ((no_time, "a time that is missing or cannot be read"), (no_symbol, "no symbol")):
        rows = np.flatnonzero(flags)
        part = pd.DataFrame({name: numbers[rows] for name, numbers in columns.values.items()})
        names = np.array([*columns.names, ""], dtype=object)
        symbols = pd.Series(names[columns.symbols[rows]], dtype="str")
        part = part.assign(timestamp=utc_of(moments[rows]), symbol=symbols, row=columns.rows[rows])
        parts.append(with_reason(part, reason, raw))
    keep = np.flatnonzero(good)
    if len(keep) < len(good):
        columns, moments = columns.take(keep), moments[keep]
    return columns, moments, pd.concat(parts, ignore_index=True)


def _distances(moments: Integers, symbols: Integers) -> Integers:
    """Distances of neighbours of one symbol, sorted by symbol and time; repeated times have none."""
    steps = np.diff(moments)
    result: Integers = steps[(symbols[1:] == symbols[:-1]) & (steps > 0)]
    return result


def _closes(
    moments: Integers, columns: LongColumns, layout: Layout, market: Market, bar: str, title: str
) -> tuple[Integers, list[str]]:
    """Closes of bars stamped at their open or close, and remarks on days without a session."""
    distinct, place = np.unique(moments, return_inverse=True)
    calendar, is_exchange = market.calendar, market.calendar not in (ALWAYS, WEEKDAYS)
    dates = columns.stamps.are_dates or (is_exchange and bool((distinct % DAY_US == 0).all()))
    if dates:
        days = distinct if layout.stamp == "close" else _last_days(distinct, bar, calendar)
        closes, is_session = closes_of_dates(days, calendar)
        off = distinct[~is_session]
        remark = f"{days_without_session(off)} no session of {calendar}; bars close at its usual time (right market?)"
        return closes[place], [remark] if len(off) and bar == "1D" else []
    if layout.preset == "stooq":
        raise DataError(
            f"{title} has times within the day, and Stooq does not document whether they open or close a bar, or their "
            "zone; give preset long with --stamp open or close and --time-zone"
        )
    if layout.stamp == "open":
        step = int(market_clock(calendar, bar).bar_length / pd.Timedelta(1, "us")) if bar != "1M" else 0
        ends = distinct + step if step else micros_of(index_of(distinct) + pd.DateOffset(months=1))
        if is_exchange and step < DAY_US:  # the last bar of a session may be short
            days_of = exchange_days(calendar, utc_of(distinct + 1)).astype("datetime64[us]").astype(np.int64)
            session_ends, is_session = closes_of_dates(days_of, calendar)
            ends = np.where(is_session & (distinct < session_ends), np.minimum(ends, session_ends), ends)
        return ends[place], []
    return moments, []


def _last_days(days: Integers, bar: str, calendar: str) -> Integers:
    """Last session of the day, week or month that begins on each date."""
    if bar == "1M":
        ends = micros_of((index_of(days) + pd.DateOffset(months=1)) - pd.Timedelta(days=1))
    else:
        ends = days + int(market_clock(ALWAYS, bar).bar_length / pd.Timedelta(1, "us")) - DAY_US
    for _ in range(10):
        is_session = closes_of_dates(ends, calendar)[1]
        ends = np.where(~is_session & (ends > days), ends - DAY_US, ends)
    return ends


def _frame(columns: LongColumns, closes: Integers) -> pd.DataFrame:
    """Long bars in the order of the columns."""
    names = pd.array(columns.names, dtype="str")
    stamps = utc_of(closes)
    available = stamps
    if columns.available is not None:
        known = columns.available.moments[columns.available.codes][columns.rows]
        available = utc_of(
            np.where((columns.available.codes[columns.rows] < 0) | (known == NAT), closes, np.maximum(known, closes))
        )
    ordered = [n for n in BAR_FIELDS if n in columns.values]
    others = sorted(n for n in columns.values if n not in ordered)
    return pd.DataFrame(
        {"timestamp": stamps, "symbol": names.take(columns.symbols), "available_at": available,
         **{name: columns.values[name] for name in (*ordered, *others)}},
        copy=False,
    )  # fmt: skip


def _unique(symbols: Integers, closes: Integers, values: dict[str, Array]) -> tuple[Flags, Flags, int]:
    """Rows to keep, rows that contradict another of their bar, and the number of exact repetitions."""
    kept, conflicts = np.ones(len(closes), bool), np.zeros(len(closes), bool)
    same = (symbols[1:] == symbols[:-1]) & (closes[1:] == closes[:-1])
    if not same.any():
        return kept, conflicts, 0
    rows = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    group = pd.DataFrame(
        {"symbol": symbols[rows], "close_time": closes[rows], **{n: v[rows] for n, v in values.items()}}
    )
    repeated = group.duplicated().to_numpy()
    kept[rows[repeated]] = False
    left = group[~repeated]
    contradicting = rows[~repeated][left.duplicated(["symbol", "close_time"], keep=False).to_numpy()]
    kept[contradicting], conflicts[contradicting] = False, True
    return kept, conflicts, int(repeated.sum())


def _cut(raw: RawTable) -> pd.DataFrame:
    """Lines with another number of cells than the header, such as the last line of an interrupted download."""
    return pd.DataFrame(
        {"timestamp": utc_of(np.full(len(raw.cut_rows), NAT)),
         "symbol": pd.array([""] * len(raw.cut_rows), dtype="str"),
         "reason": "a line with another number of cells", "place": [place for place, _ in raw.cut_rows]}
    )  # fmt: skip
