"""
Parquet encoding of tables: split by day, encode, decode, append, and join files into one frame.

Reading and writing the bytes is left to `Lake`.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alpha_pipeline.errors import CorruptFileError, DataError
from alpha_pipeline.market.markets import partition_days
from alpha_pipeline.tables import FLOAT, Table


class Part(NamedTuple):
    """One file as read: the requested columns, and the names of all its columns."""

    arrow: pa.Table
    names: set[str]


def split(table: Table, key: str, arrow: pa.Table, days: pd.DatetimeIndex) -> dict[str | None, pa.Table]:
    """
    Split rows by ISO day, one slice for each of `days`, in order.

    Args:
        table: its time column stamps bars (midnight ends a day) or run dates.
        key: for error messages.
        arrow: from `Table.conform`, hence sorted by time.
        days: consecutive days, without time zone.

    Raises:
        DataError: rows are outside the days, or have no time.
    """
    times = arrow.column(table.time).to_pandas()
    row_days = times.dt.floor("D").dt.tz_localize(None) if table.time == "run_date" else partition_days(times)
    outside = ~row_days.between(days[0], days[-1])
    if outside.any():
        raise DataError(
            f"{key}: {int(outside.sum())} of {len(times)} rows are outside the days {days[0]:%Y-%m-%d} ... "
            f"{days[-1]:%Y-%m-%d} of this run; first {table.time} {times[outside].iloc[0]}. Nothing was written"
        )
    edges = np.searchsorted(row_days.to_numpy(), days.append(days[-1:] + pd.Timedelta(days=1)).to_numpy())
    return {str(d.date()): arrow.slice(a, b - a) for d, a, b in zip(days, edges[:-1], edges[1:], strict=True)}


def encode(table: Table, arrow: pa.Table) -> bytes:
    """
    Encode as Parquet bytes that depend on the values only.

    Byte-stream split puts equal exponents of floats side by side for zstd (10% smaller at 50 rows); only the keys, by
    which readers filter, have statistics.
    """
    floats = [f.name for f in arrow.schema if f.type == FLOAT]
    sink = io.BytesIO()
    pq.write_table(
        arrow,
        sink,
        compression="zstd",
        use_dictionary=[name for name in arrow.schema.names if name not in floats],
        column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT") or None,
        write_statistics=list(table.keys),
        store_schema=False,
    )
    return sink.getvalue()


def decode(table: Table, data: bytes, columns: Sequence[str] | None, name: str, remedy: str) -> Part:
    """
    Decode a verified file; absent extra columns are left out, absent fixed columns (of a later schema) are blank.
    A file without rows may lack any column.

    Raises:
        DataError: the file lacks a key of the table.
        CorruptFileError: the bytes are no Parquet.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = set(file.schema_arrow.names)
        absent = [c for c in table.columns if c.name not in names]
        lost = sorted({c.name for c in absent} & {*table.keys, table.time})
        if lost and file.metadata.num_rows:
            raise DataError(f"{name} has no columns {lost}, which are keys of its table. {remedy}")
        selection = None if columns is None else [column for column in columns if column in names]
        rows = file.read(columns=selection, use_threads=False)
        for column in absent:
            if columns is None or column.name in columns:
                rows = rows.append_column(column.name, table.blank(column, rows.num_rows))
        return Part(rows, names | {c.name for c in absent})
    except pa.ArrowException as error:
        raise CorruptFileError(f"{name} is no readable Parquet file: {error}. {remedy}") from error


def add(table: Table, data: bytes, rows: pa.Table, name: str, remedy: str) -> bytes:
    """
    Append rows with new keys to a verified file; the same bytes when there are none.

    Raises:
        As `decode`.
    """
    stored = decode(table, data, None, name, remedy).arrow
    keys = list(table.keys)
    stored_keys = pd.MultiIndex.from_frame(stored.select(keys).to_pandas())
    new = ~pd.MultiIndex.from_frame(rows.select(keys).to_pandas()).isin(stored_keys)
    if not new.any():
        return data
    merged = pa.concat_tables([stored.select(rows.schema.names), rows.filter(pa.array(new))], promote_options="default")
    return encode(table, merged.sort_by([(key, "ascending") for key in keys]))


def join(table: Table, key: str, parts: list[Part], columns: Sequence[str] | None) -> pd.DataFrame:
    """
    Concatenate parts into one frame.

    Returns:
        The requested columns in that order; else the fixed ones and then all extras by name. An extra column that
        a part lacks is NaN there. Without parts, no rows.

    Raises:
        DataError: a column is in none of the parts, or their types differ.
    """
    fixed = [c.name for c in table.columns]
    available = set(fixed).union(*(part.names for part in parts))
    unknown = [name for name in columns or [] if name not in available]
    if unknown and (not table.open_ended or any(part.arrow.num_rows for part in parts)):
        raise DataError(f"{key} has no column {unknown}; it has {sorted(available)}")
    extra = sorted(available.difference(fixed)) if columns is None else [name for name in columns if name not in fixed]
    schema = table.schema(extra)
    schema = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    try:
        joined = pa.concat_tables([schema.empty_table(), *(part.arrow for part in parts)], promote_options="default")
    except pa.ArrowException as error:
        raise DataError(f"{key}: files of different schemas, {error}; rebuild the older days") from error
    return joined.to_pandas()
