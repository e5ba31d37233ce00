"""
Bars and facts of users' files: rows that cannot be true are set aside, what was understood is said in remarks.

The panel and the market of a reading are in `file_panel`.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS, exchange_days, exchange_zone, may_close
from alpha_pipeline.market.markets import Market, market_clock
from alpha_pipeline.resources.files.bar_spacing import DAY_US, Spacing, bar_of_distances, off_grid, spacing
from alpha_pipeline.resources.files.file_format import BAR_FIELDS, FileFormat
from alpha_pipeline.resources.files.file_tables import RawTable, read_table
from alpha_pipeline.resources.files.layout import Layout, recognize
from alpha_pipeline.resources.files.long_columns import LongColumns, long_columns
from alpha_pipeline.resources.files.stamps import NAT, closes_of_dates
from alpha_pipeline.resources.ingest.ingestion_gate import MAXIMUM_REJECTED_SHARE, TOLERATED_ROWS
from alpha_pipeline.typing import Array, Flags, Integers
from alpha_pipeline.validation.raw.feed_health import JUMP, split_like
from alpha_pipeline.validation.raw.rows import split_file_bars

UNITS = np.log([100.0, 1000.0])
UNIT_TOLERANCE = 0.15  # of the log ratio: a price moves while its unit changes
SHOWN = 4


@dataclass(frozen=True)
class FileReading:
    """
    A user's file as rows.

    Args:
        table: `timestamp` (UTC close of the bar; of facts the event), `symbol`, `available_at`, float64 fields; sorted by
            timestamp and symbol.
        rejected: rows that cannot be true, with `reason` and `place` (file and line).
        remarks: what was understood, one sentence each.
        spacing: bars, their sessions and their year; of facts None.
        merged: rows that repeated another row exactly.
        title: name of the file, or of the first and the number of others.
        asset_type: of what the vendor of the layout sells; "" for several.
    """

    table: pd.DataFrame
    rejected: pd.DataFrame
    remarks: tuple[str, ...]
    spacing: Spacing | None
    merged: int
    title: str
    asset_type: str = ""

    @property
    def bar(self) -> str:
        """Length of a bar, "1min" to "1M"."""
        return self.spacing.bar if self.spacing else ""

    def counts(self) -> dict[str, int]:
        """Reason -> rejected rows, and "merged" for exact duplicates; the most frequent first."""
        counts = {str(reason): int(n) for reason, n in self.rejected["reason"].value_counts().items()}
        return counts | ({"repeated exactly, merged": self.merged} if self.merged else {})

    def data_line(self) -> str:
        """`; 3 rows set aside: 2 high below low, 1 no close`; empty when all rows are in the table."""
        counts = self.counts()
        rows = sum(counts.values())
        listed = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
        return f"; {rows:,} row{'s' * (rows != 1)} set aside: {listed}" if rows else ""


def read_bars(file_format: FileFormat, market: Market, now: pd.Timestamp) -> FileReading:
    """
    The bars of a file.

    Args:
        file_format: where it is, and what it does not say itself.
        market: its calendar turns dates into closes.
        now: UTC; bars that close later are not finished.

    Raises:
        SettingError: there is no such file, or an option does not fit it.
        DataError: it is unreadable, a column is missing, a cell has no certain reading, or too many rows cannot be true.
    """
    raw = read_table(file_format)
    layout = recognize(raw, file_format)
    columns = long_columns(raw, layout, file_format)
    title = _title(raw)
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
    remarks += [_stamp_remark(columns, layout, moments, closes, market, bar, file_format), *dated, *columns.remarks]
    frame, places = _frame(columns, closes), columns.rows
    kept, conflicts, merged = _unique(columns.symbols, closes, values)
    judged = split_file_bars(frame[kept].assign(row=places[kept]), now)
    rejected = [early, _rejected(frame[conflicts].assign(row=places[conflicts]), "conflicting rows of one bar", raw)]
    rejected.append(_placed(judged.rejected, raw))
    valid = judged.valid.drop(columns="row")
    if market.calendar == ALWAYS and len(valid):
        misses = off_grid(_int64(valid["timestamp"]), bar)
        if misses.any():
            rejected.append(_rejected(judged.valid[misses], f"closes off the grid of {bar} bars", raw))
            valid = valid[~misses]
    rejected.append(_cut(raw))
    faults = pd.concat([part for part in rejected if len(part)] or [early], ignore_index=True)
    _require_few(faults, len(frame) + len(early), title)
    remarks += _jumps(valid)
    table = valid.sort_values(["timestamp", "symbol"], kind="stable", ignore_index=True)
    distinct = pd.DatetimeIndex(table["timestamp"].unique())
    sessions = spacing(bar, market.calendar, distinct)
    remarks += _contents(table, distinct, sessions, market)
    return FileReading(table, faults, tuple(r for r in remarks if r), sessions, merged, title, layout.asset_type)


def read_facts(file_format: FileFormat, market: Market, now: pd.Timestamp) -> FileReading:
    """
    Facts of a file: any numeric columns with the time of the event and `available_at`, when it was known.

    A date without a time is the end of that day at the market's exchange: nothing is known before it.

    Raises:
        SettingError: there is no such file, or `units` names a column that it does not have.
        DataError: as `read_bars`; or no column has the time at which rows were known.
    """
    raw = read_table(file_format)
    layout = recognize(raw, file_format)
    title = _title(raw)
    if not layout.available:
        raise DataError(
            f"{title} does not say when its {file_format.kind} were known; "
            'name the column: --column available_at=NAME (columns = {available_at = "NAME"} in the project file)'
        )
    columns = long_columns(raw, layout, file_format)
    missing = sorted(set(file_format.units) - set(columns.values))
    if missing or not columns.values:
        raise SettingError(f"{title} has no numeric column {', '.join(missing)}; it has {', '.join(columns.values)}")
    assert columns.available is not None
    known_at = _day_ends(columns.available.moments, columns.available.are_dates, market)[columns.available.codes]
    unreadable = (columns.available.codes < 0) | (known_at == NAT)
    moments = _day_ends(columns.stamps.moments, columns.stamps.are_dates, market)[columns.stamps.codes]
    faults = {
        "no symbol": columns.symbols < 0,
        "a time that cannot be read": (columns.stamps.codes < 0) | (moments == NAT) | unreadable,
        "available before the event": known_at < moments,
        "available in the future": known_at > _micro(now),
        "not finite": np.any([np.isinf(column) for column in columns.values.values()], axis=0),
        "no value": np.all([np.isnan(column) for column in columns.values.values()], axis=0),
    }
    names = np.array([*columns.names, ""], dtype=object)
    frame = pd.DataFrame(
        {"timestamp": _utc(moments), "symbol": pd.array(names[columns.symbols], dtype="str"),
         "available_at": _utc(known_at), **columns.values, "row": columns.rows}
    )  # fmt: skip
    reason = np.full(len(frame), "", dtype=object)
    for text, flags in faults.items():
        reason[flags & (reason == "")] = text
    repeated = frame.drop(columns="row").duplicated().to_numpy() & (reason == "")
    keys = ["available_at", "timestamp", "symbol"]
    conflicts = frame[keys].duplicated(keep=False).to_numpy() & (reason == "") & ~repeated
    again = frame[~repeated].duplicated(keys, keep=False).reindex(frame.index, fill_value=False).to_numpy()
    reason[conflicts & again] = "conflicting rows of one event"
    rejected = _placed(frame[reason != ""].assign(reason=reason[reason != ""]), raw)
    _require_few(rejected, len(frame), title)
    table = frame[(reason == "") & ~repeated].drop(columns="row").sort_values(keys, kind="stable", ignore_index=True)
    span = f"{table['timestamp'].min():%Y-%m-%d} to {table['timestamp'].max():%Y-%m-%d}" if len(table) else "none"
    remarks = (
        *layout.remarks, f"events: {columns.stamps.remark}, {span}; available_at: {layout.available}", *columns.remarks,
        f"{len(table):,} rows of {table['symbol'].nunique():,} symbols",
    )  # fmt: skip
    return FileReading(table, rejected, remarks, None, int(repeated.sum()), title)


def _title(raw: RawTable) -> str:
    first = PurePosixPath(raw.files[0][0]).name
    return first if len(raw.files) == 1 else f"{first} and {len(raw.files) - 1} more files"


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
        part.insert(0, "symbol", pd.array(names[columns.symbols[rows]], dtype="str"))
        part.insert(0, "timestamp", _utc(moments[rows]))
        parts.append(_rejected(part.assign(row=columns.rows[rows]), reason, raw))
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
        remark = f"{_days(off)} no session of {calendar}: taken at its usual closing time; is it the right market?"
        return closes[place], [remark] if len(off) and bar == "1D" else []
    if layout.preset == "stooq":
        raise DataError(
            f"{title} has times within the day, and Stooq does not document whether they open or close a bar, or their "
            "zone; give preset long with --stamp open or close and --time-zone"
        )
    if layout.stamp == "open":
        step = int(market_clock(calendar, bar).bar_length / pd.Timedelta(1, "us")) if bar != "1M" else 0
        ends = distinct + step if step else _micros(_index(distinct) + pd.DateOffset(months=1))
        if is_exchange and step < DAY_US:  # the last bar of a session may be short
            days_of = exchange_days(calendar, _index(distinct + 1)).astype("datetime64[us]").astype(np.int64)
            session_ends, is_session = closes_of_dates(days_of, calendar)
            ends = np.where(is_session & (distinct < session_ends), np.minimum(ends, session_ends), ends)
        return ends[place], []
    return moments, []


def _last_days(days: Integers, bar: str, calendar: str) -> Integers:
    """Last session of the day, week or month that begins on each date."""
    if bar == "1M":
        ends = _micros((_index(days) + pd.DateOffset(months=1)) - pd.Timedelta(days=1))
    else:
        ends = days + int(market_clock(ALWAYS, bar).bar_length / pd.Timedelta(1, "us")) - DAY_US
    for _ in range(10):
        is_session = closes_of_dates(ends, calendar)[1]
        ends = np.where(~is_session & (ends > days), ends - DAY_US, ends)
    return ends


def _stamp_remark(
    columns: LongColumns, layout: Layout, moments: Integers, closes: Integers, market: Market, bar: str,
    file_format: FileFormat,
) -> str:  # fmt: skip
    shown = f"{_index(closes[-1:])[0]:%Y-%m-%d %H:%M} UTC"
    written = f"{_index(moments[-1:])[0]:%Y-%m-%d}"
    kind = columns.stamps.remark
    is_exchange = market.calendar not in (ALWAYS, WEEKDAYS)
    if columns.stamps.are_dates or (is_exchange and bool((moments[: 10_000] % DAY_US == 0).all()) and bar[-1] in "DWM"):
        where = f"the session of {market.calendar}" if is_exchange else "the day (midnight)"
        what = "closes of" if layout.stamp == "close" or bar == "1D" else f"first days of {bar} bars, which end with"
        line = f"times: {kind}, {what} {where}; {written} closes at {shown}"
        starts = _index(np.unique(moments)).day == 1
        if layout.stamp == "close" and bar == "1M" and starts.all():
            line += "; all are the first of a month: if they begin their bar, give --stamp open"
        return line
    where = "opens of bars, closing one bar later" if layout.stamp == "open" else "closes of bars"
    return f"times: {kind}, {where}; the last bar closes at {shown}"


def _frame(columns: LongColumns, closes: Integers) -> pd.DataFrame:
    """Long bars in the order of the columns."""
    names = pd.array(columns.names, dtype="str")
    stamps = _utc(closes)
    available = stamps
    if columns.available is not None:
        known = columns.available.moments[columns.available.codes][columns.rows]
        available = _utc(np.where((columns.available.codes[columns.rows] < 0) | (known == NAT), closes, np.maximum(known, closes)))
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
    group = pd.DataFrame({"symbol": symbols[rows], "close_time": closes[rows], **{n: v[rows] for n, v in values.items()}})
    repeated = group.duplicated().to_numpy()
    kept[rows[repeated]] = False
    left = group[~repeated]
    contradicting = rows[~repeated][left.duplicated(["symbol", "close_time"], keep=False).to_numpy()]
    kept[contradicting], conflicts[contradicting] = False, True
    return kept, conflicts, int(repeated.sum())


def _rejected(rows: pd.DataFrame, reason: str, raw: RawTable) -> pd.DataFrame:
    return _placed(rows.assign(reason=reason), raw)


def _placed(rows: pd.DataFrame, raw: RawTable) -> pd.DataFrame:
    """Rows with the column `place` for their number in the file."""
    return rows.assign(place=[raw.place(int(row)) for row in rows["row"]]).drop(columns="row")


def _cut(raw: RawTable) -> pd.DataFrame:
    """Lines with another number of cells than the header, such as the last line of an interrupted download."""
    return pd.DataFrame(
        {"timestamp": _utc(np.full(len(raw.cut_rows), NAT)), "symbol": pd.array([""] * len(raw.cut_rows), dtype="str"),
         "reason": "a line with another number of cells", "place": [place for place, _ in raw.cut_rows]}
    )  # fmt: skip


def _require_few(rejected: pd.DataFrame, rows: int, title: str) -> None:
    if len(rejected) <= max(TOLERATED_ROWS, MAXIMUM_REJECTED_SHARE * rows) and len(rejected) < rows:
        return
    counts = Counter(rejected["reason"])
    reasons = ", ".join(f"{count:,} x {reason}" for reason, count in counts.most_common())
    first = rejected.iloc[0]
    raise DataError(
        f"{title}: {len(rejected):,} of {rows:,} rows cannot be true ({reasons}), the first at {first['place']}; "
        "check that the columns and the times are read as they are meant (--column, --preset, --time-zone, --stamp)"
    )


def _jumps(bars: pd.DataFrame) -> list[str]:
    """Jumps of one bar by the ratio of a split without a split, and changes of unit."""
    close, symbol = bars["close"].to_numpy("float64"), bars["symbol"]
    codes = pd.factorize(symbol)[0]
    moves = np.diff(np.log(close))
    candidates = np.flatnonzero((np.abs(moves) > JUMP) & (codes[1:] == codes[:-1]))
    if "split" in bars:
        candidates = candidates[~(bars["split"].to_numpy("float64")[candidates + 1] > 0)]
    unit = np.abs(np.abs(moves[candidates])[:, None] - UNITS).min(axis=1, initial=np.inf) < UNIT_TOLERANCE
    split = ~unit & split_like(moves[candidates])
    lines = []
    for flags, text in (
        (split, "jumped by a ratio typical of splits without a value in a column `split`"),
        (unit, "changed about hundredfold or thousandfold from one bar to the next, as when a unit changes"),
    ):
        places = candidates[flags] + 1
        if len(places):
            shown = ", ".join(
                f"{symbol.iloc[p]} x{close[p] / close[p - 1]:.3g} at {bars['timestamp'].iloc[p]:%Y-%m-%d}"
                for p in places[:SHOWN]
            )
            more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
            lines.append(f"{shown}{more} {text}")
    return lines


def _contents(table: pd.DataFrame, distinct: pd.DatetimeIndex, sessions: Spacing, market: Market) -> list[str]:
    """Bars, symbols, gaps, closes outside sessions."""
    names = table["symbol"].nunique()
    per = "" if sessions.bar[-1] in "DWM" else f", {sessions.bars_per_session:g} a session"
    lines = [
        f"{len(table):,} bars of {sessions.bar}{per} ({sessions.periods_per_year:,.0f} a year), {names:,} symbols, "
        f"{distinct.min():%Y-%m-%d %H:%M} to {distinct.max():%Y-%m-%d %H:%M} UTC"
    ]
    codes, place = pd.factorize(table["symbol"])[0], np.searchsorted(distinct, table["timestamp"])
    first, last = np.full(names, len(distinct)), np.zeros(names, dtype=np.int64)
    np.minimum.at(first, codes, place)
    np.maximum.at(last, codes, place)
    missing = int((last - first + 1).sum()) - len(table)
    if missing:
        lines.append(f"gaps: {missing:,} bars of single symbols are missing between their first and last one")
    if market.calendar == ALWAYS and not sessions.bar.endswith("M"):
        length = market_clock(ALWAYS, sessions.bar).bar_length
        absent = round((distinct.max() - distinct.min()) / length) + 1 - len(distinct)
        if absent:
            after = distinct[:-1][np.diff(distinct) > length]
            lines.append(f"gaps: {absent:,} bars of all symbols are missing, the first after {after[0]:%Y-%m-%d %H:%M} UTC")
    if market.calendar not in (ALWAYS, WEEKDAYS) and sessions.bar[-1] not in "DWM":
        traded = pd.Series(distinct, name="timestamp")
        outside = traded[~_in_session(market, traded)]
        if len(outside):
            lines.append(
                f"{len(outside):,} of {len(traded):,} closes are outside the sessions of {market.calendar}, such as "
                f"{outside.iloc[0]:%Y-%m-%d %H:%M} UTC; if times are of another zone, give --time-zone"
            )
    return lines


def _in_session(market: Market, closes: pd.Series) -> Flags:
    return np.asarray(may_close(market, closes), dtype=bool)


def _days(days: Integers) -> str:
    shown = ", ".join(f"{day:%Y-%m-%d}" for day in _index(days[:SHOWN]))
    return f"{shown} is" if len(days) == 1 else f"{len(days)} days ({shown}{', ...' if len(days) > SHOWN else ''}) are"


def _day_ends(moments: Integers, are_dates: bool, market: Market) -> Integers:
    """Moments; of dates the midnight that ends them by the clock of the market's exchange."""
    if not are_dates:
        return moments
    zone = exchange_zone(market.calendar)
    present = moments != NAT
    ends = moments.copy()
    local = (_index(moments[present]) + pd.Timedelta(days=1)).tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    ends[present] = _micros(local.tz_convert("UTC").tz_localize(None))
    return ends


def _index(moments: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(moments).astype("datetime64[us]"))


def _micros(index: pd.DatetimeIndex) -> Integers:
    result: Integers = index.to_numpy("datetime64[us]").astype(np.int64)
    return result


def _micro(moment: pd.Timestamp) -> int:
    return int(moment.tz_convert("UTC").tz_localize(None).to_datetime64().astype("datetime64[us]").astype(np.int64))


def _utc(moments: Integers) -> pd.DatetimeIndex:
    return _index(moments).tz_localize("UTC")


def _int64(stamps: pd.Series) -> Integers:
    return _micros(pd.DatetimeIndex(stamps).tz_localize(None))
