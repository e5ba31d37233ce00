"""
Meaning of the columns of a file: time, symbol and fields of long tables, symbols and fields of wide ones.

What is missing is refused with the way to give it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.resources.files.file_tables import RawTable, read_head
from alpha_pipeline.resources.files.formats import (
    AVAILABLE_NAMES,
    BAR_FIELDS,
    FIELD_NAMES,
    OPEN_TIMES,
    SHORT_NAMES,
    SYMBOL_NAMES,
    TIME_NAMES,
    VENDORS,
    FileFormat,
    Preset,
    Stamp,
    field_of,
    fold,
)

_SHORT_TABLE = 14  # one-letter names are fields in narrow tables only: C, L, O, V are tickers too


@dataclass(frozen=True)
class Layout:
    """
    What each column of a table is.

    Args:
        preset: the layout that was recognized or given: a vendor, "long" or "wide".
        times: one column of times, or a column of dates and one of clock times.
        symbol: column of symbols; "" where `symbols` or a wide table says them.
        symbols: symbol of each file, in order; empty where a column has them.
        fields: our name -> column of a long table.
        cells: (field, symbol, column) of a wide table.
        available: column of the time a row was known; "" without one.
        stamp: whether a time is the open or the close of its bar.
        remarks: what was recognized.
    """

    preset: str
    times: tuple[str, ...]
    symbol: str
    symbols: tuple[str, ...]
    fields: dict[str, str]
    cells: tuple[tuple[str, str, str], ...]
    available: str
    stamp: Stamp
    remarks: tuple[str, ...]


def recognize(table: RawTable, file_format: FileFormat) -> Layout:
    """
    The layout of a table.

    Raises:
        DataError: a column is missing or ambiguous; the message names it and the way to give it.
        SettingError: a column of the mapping is not in the file.
    """
    name = _title(table)
    mapped = _mapped(table, file_format, name)
    if table.pairs:
        return _two_rows(table, file_format, mapped, name)
    preset = _preset(table, file_format)
    times = _times(table, mapped, name)
    taken = {*times, *mapped.values()}
    symbol = mapped.get("symbol") or _first(table, SYMBOL_NAMES, taken)
    has_close = "close" in mapped or any(_named(c, table) == "close" for c in table.columns)
    is_facts = file_format.kind != "bars"
    if file_format.preset == "wide" or (
        file_format.preset in ("auto", "excel") and not (symbol or has_close or is_facts)
    ):
        return _wide(table, file_format, times, taken, name)
    symbols = () if symbol else _file_symbols(table, file_format, VENDORS.get(preset, Preset()), name)
    available = mapped.get("available_at") or _first(table, AVAILABLE_NAMES, {*taken, symbol})
    ignored = set(VENDORS.get(preset, Preset()).ignored)
    fields = _fields(table, mapped, {*times, symbol, available}, ignored, name)
    if not is_facts and "close" not in fields:
        raise DataError(
            f"{name} has no column of closing prices; it has {_list(table.columns)}. "
            'Name it: --column close=NAME (columns = {close = "NAME"} in the project file)'
        )
    remarks = [f"layout {preset if preset != 'long' else 'long'}: {_mapping(times, symbol, fields)}"]
    if symbols:
        source = f"as given, {symbols[0]}" if file_format.symbol else f"from the file names, such as {symbols[0]}"
        remarks.append(f"symbols: {source}")
    return Layout(
        preset, times, symbol, symbols, fields, (), available, _stamp(preset, times, file_format), tuple(remarks)
    )


def vendor_asset_type(file_format: FileFormat) -> str:
    """What the vendor of a file sells, by the head of the first file; "" where the layout is of no such vendor."""
    head = read_head(file_format)
    preset = _preset(head, file_format)
    return VENDORS.get(preset, Preset()).asset_type


def _title(table: RawTable) -> str:
    first = PurePosixPath(table.files[0][0]).name
    return first if len(table.files) == 1 else f"{first} and {len(table.files) - 1} more files"


def _mapped(table: RawTable, file_format: FileFormat, name: str) -> dict[str, str]:
    """The given mapping with the names of the file as written; case does not matter."""
    mapped = {}
    for ours, theirs in file_format.columns.items():
        matches = [c for c in table.columns if c == theirs] or [c for c in table.columns if fold(c) == fold(theirs)]
        if len(matches) != 1:
            raise SettingError(
                f"column {ours}={theirs}: {name} has no column {theirs!r}; it has {_list(table.columns)}"
            )
        mapped[ours] = matches[0]
    return mapped


def _preset(table: RawTable, file_format: FileFormat) -> str:
    if file_format.preset not in ("auto", "excel"):
        return file_format.preset
    if table.preset:
        return table.preset
    names = {fold(column) for column in table.columns}
    fits = (p for p, vendor in VENDORS.items() if any(marks <= names for marks in vendor.marks))
    return next(fits, "long")


def _times(table: RawTable, mapped: dict[str, str], name: str) -> tuple[str, ...]:
    if "timestamp" in mapped:
        return (mapped["timestamp"],)
    columns = {fold(column): column for column in reversed(table.columns)}
    if "open_date" in columns and "open_time" in columns:
        return columns["open_date"], columns["open_time"]
    exact = next((n for n in TIME_NAMES[:10] if n in columns), "")
    if exact:
        return (columns[exact],)
    if "date" in columns and "time" in columns:
        return columns["date"], columns["time"]
    chosen = _first(table, TIME_NAMES, set(mapped.values()))
    first = next(iter(table.columns))
    if not chosen and not fold(first):  # the unnamed index of a data frame
        return (first,)
    if not chosen and "t" in columns and {"o", "h", "l", "c"} <= set(columns):
        return (columns["t"],)
    if not chosen:
        raise DataError(
            f"{name} has no column of times; it has {_list(table.columns)}. "
            'Name it: --column timestamp=NAME (columns = {timestamp = "NAME"} in the project file)'
        )
    return (chosen,)


def _first(table: RawTable, names: Sequence[str], taken: set[str]) -> str:
    """The first column of a list of names; "" without one."""
    columns = {fold(column): column for column in reversed(table.columns) if column not in taken}
    return next((columns[name] for name in names if name in columns), "")


def _named(column: str, table: RawTable) -> str:
    """Our name of a bar's field, one-letter names of narrow tables included."""
    short = {fold(c) for c in table.columns}
    if len(fold(column)) == 1 and len(short) <= _SHORT_TABLE and {"o", "h", "l", "c"} <= short:
        return SHORT_NAMES.get(fold(column), "")
    return field_of(column)


def _file_symbols(table: RawTable, file_format: FileFormat, preset: Preset, name: str) -> tuple[str, ...]:
    """The symbol of each file: as given, as its name has it, or the name itself in a folder of one file per symbol."""
    if file_format.symbol:
        return (file_format.symbol,) * len(table.files)
    stems = [
        re.sub(r"(?i)(\.(csv|txt|tsv|parquet|pq|parq|gz|bz2|xz|zst|zip))+$", "", PurePosixPath(p).name)
        for p, *_ in table.files
    ]
    if preset.symbol_pattern:
        matches = [re.search(preset.symbol_pattern, stem) for stem in stems]
        if all(matches):
            return tuple(match[1] for match in matches if match)
    if len(set(stems)) > 1:
        return tuple(stems)
    raise DataError(
        f"{name} has no column of symbols; it has {_list(table.columns)}. "
        "Say the symbol: --symbol AAPL; or name the column: --column symbol=NAME"
    )


def _fields(table: RawTable, mapped: dict[str, str], taken: set[str], ignored: set[str], name: str) -> dict[str, str]:
    fields = {ours: theirs for ours, theirs in mapped.items() if ours not in ("timestamp", "symbol", "available_at")}
    for column in table.columns:
        if column in taken or column in fields.values() or fold(column) in ignored or not fold(column):
            continue
        ours = _named(column, table) or _volume(column, fields) or fold(column)
        if ours in mapped or fold(column) in (*TIME_NAMES, "day"):
            continue  # a second column of times, or the day folder of the lake
        if ours in fields:
            raise DataError(
                f"{name} has two columns for {ours}: {fields[ours]!r} and {column!r}; choose: --column {ours}={column}"
            )
        fields[ours] = column
    return fields


def _volume(column: str, fields: dict[str, str]) -> str:
    """`Volume BTC` before `Volume USDT` is the volume in units of the symbol."""
    return "volume" if "volume" not in fields and re.fullmatch(r"volume_[a-z0-9]+", fold(column)) else ""


def _wide(table: RawTable, file_format: FileFormat, times: tuple[str, ...], taken: set[str], name: str) -> Layout:
    """One row per time, a column per symbol: closing prices."""
    columns = [c for c in table.columns if c not in taken and c.strip() and not re.fullmatch(r"unnamed_\d+", c)]
    if not columns:
        raise DataError(f"{name} has a column of times and nothing else; expected fields or one column per symbol")
    cells = tuple(("close", column.strip(), column) for column in columns)
    _require_distinct([symbol for _, symbol, _ in cells], name)
    remark = f"layout wide: {times[0]}, then one column of closing prices per symbol, {_list(columns)}"
    return Layout("wide", times[:1], "", (), {}, cells, "", file_format.stamp or "close", (remark,))


def _two_rows(table: RawTable, file_format: FileFormat, mapped: dict[str, str], name: str) -> Layout:
    """Two header rows: fields and symbols."""
    others = [column for column in table.columns if column not in table.pairs]
    times = mapped.get("timestamp") or next((c for c in others if fold(c) in TIME_NAMES), others[0] if others else "")
    if not times:
        raise DataError(f"{name} has two header rows and no column of times")
    cells = tuple((field_of(upper), lower, column) for column, (upper, lower) in table.pairs.items())
    _require_distinct([f"{field} of {symbol}" for field, symbol, _ in cells], name)
    fields = list(dict.fromkeys(field for field, *_ in cells))
    preset = file_format.preset if file_format.preset not in ("auto", "excel") else "yfinance"
    remark = f"layout {preset}: {times}, then two header rows with {', '.join(fields)} of each symbol"
    return Layout(preset, (times,), "", (), {}, cells, "", _stamp(preset, (times,), file_format), (remark,))


def _require_distinct(names: Sequence[str], title: str) -> None:
    twice = (
        next((name for k, name in enumerate(names) if name in names[:k]), "") if len(set(names)) < len(names) else ""
    )
    if twice:
        raise DataError(f"{title} has two columns of {twice}; remove one")


def _stamp(preset: str, times: tuple[str, ...], file_format: FileFormat) -> Stamp:
    if file_format.stamp:
        return file_format.stamp
    if fold(times[-1]) in OPEN_TIMES:
        return "open"
    return VENDORS.get(preset, Preset()).stamp or "close"


def _mapping(times: tuple[str, ...], symbol: str, fields: dict[str, str]) -> str:
    """The columns that became something else by name."""
    pairs = {"timestamp": " ".join(times), **({"symbol": symbol} if symbol else {}), **fields}
    renamed = [f"{ours} from {theirs}" for ours, theirs in pairs.items() if ours != theirs]
    same = [ours for ours, theirs in pairs.items() if ours == theirs]
    order = {f: k for k, f in enumerate(("timestamp", "symbol", *BAR_FIELDS, *FIELD_NAMES))}
    return ", ".join([*sorted(same, key=lambda f: order.get(f, 99)), *renamed])


def _list(names: object, most: int = 8) -> str:
    listed = [str(name) for name in names]  # type: ignore[attr-defined]  # a dictionary or a list
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
