"""
The lake: tables stored as plain Parquet by day, validated on write and verified on read. Needs no Dagster.

    lake = Lake("data")
    lake.read("crypto/market_panel", "2019-07-01", "2019-07-31", columns=["timestamp", "symbol", "close"])

Layout: `<root>/<key>/day=YYYY-MM-DD/part-0.parquet` (hive), `<root>/<key>/part-0.parquet` for unpartitioned tables.
Checksums are in `checked_files`, storage in `stores`, encoding in `parquet`, schemas in `alpha_pipeline.tables`.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alpha_pipeline.errors import DataError, LakeError, MissingPartitionError, SettingError
from alpha_pipeline.resources.lake.checked_files import PART, CheckedFiles, inside
from alpha_pipeline.resources.lake.parquet import Part, add, decode, encode, join, split
from alpha_pipeline.resources.lake.stores import open_store
from alpha_pipeline.tables import TABLES, Table

Day = str | date
In = TypeVar("In")
Out = TypeVar("Out")

FINAL = "Rows of this table are never rewritten: restore a copy of the file, or delete it to compute it again"


@dataclass(frozen=True)
class Stored:
    """One written file: path, size, digest, and the span of its time column (None without rows)."""

    path: str
    day: str | None
    rows: int
    bytes: int
    sha256: str
    first: pd.Timestamp | None
    last: pd.Timestamp | None


@dataclass(frozen=True)
class Lake:
    """
    Tables and other files under one root.

    Args:
        root: a folder, or any fsspec URL (`s3://bucket/prefix`, `memory://lake`).
    """

    root: str
    files: CheckedFiles = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", CheckedFiles(open_store(self.root)))

    def read(
        self,
        key: str,
        start_day: Day | None = None,
        end_day: Day | None = None,
        columns: Sequence[str] | None = None,
        allow_missing: bool = False,
    ) -> pd.DataFrame:
        """
        Read a stored table as one frame, sorted by its keys.

        Args:
            key: asset key, parts joined by `/`.
            start_day: first day, ISO or date; None for the first stored one, or for an unpartitioned table.
            end_day: last day, inclusive; None for the last stored one.
            columns: requested columns, in this order; None for all.
            allow_missing: leave out missing days instead of raising.

        Returns:
            The table's columns, extra float64 columns after them (NaN on days that lack one).

        Raises:
            MissingPartitionError: nothing is stored, or a day between start and end is not.
            CorruptFileError: a file does not match its checksum.
            DataError: a column is not stored, or a file lacks a key of its table.
        """
        table = table_of(key)
        if start_day is None and end_day is None and self.exists(f"{key}/{PART}"):
            return join(table, key, [self._load(table, key, None, columns)], columns)
        stored = self.days(key) if start_day is None or end_day is None else []
        start_day, end_day = start_day or next(iter(stored), None), end_day or next(reversed(stored), None)
        if start_day is None or end_day is None:
            if allow_missing:
                return join(table, key, [], columns)
            raise MissingPartitionError(
                f"{key} was never materialized in {self.url(key)}. {rebuild_command(key)} "
                "(and --partition DAY if it is by day)"
            )
        return self.read_days(key, days_between(start_day, end_day), columns, allow_missing)[0]

    def read_days(
        self, key: str, days: Iterable[str], columns: Sequence[str] | None = None, allow_missing: bool = False
    ) -> tuple[pd.DataFrame, list[str]]:
        """
        Read the given ISO days as one frame, in the order given.

        Returns:
            The frame (without days: no rows, all columns and types) and the days that are not stored.

        Raises:
            As `read`.
        """
        table, requested = table_of(key), list(days)
        parts = self._each(lambda day: self._load_or_none(table, key, day, columns), requested)
        missing = [day for day, part in zip(requested, parts, strict=True) if part is None]
        if missing and not allow_missing:
            shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            raise MissingPartitionError(
                f"{key}: {len(missing)} of {len(requested)} days were never materialized in {self.url(key)}: {shown}. "
                f"{rebuild_command(key, missing[0], missing[-1])}"
            )
        return join(table, key, [part for part in parts if part is not None], columns), missing

    def write(self, key: str, frame: pd.DataFrame) -> Stored:
        """
        Store an unpartitioned table, replacing the old one.

        Raises:
            DataError: the frame does not conform to its table; nothing was written.
            LakeError: the store failed; the old file is still readable.
        """
        table = table_of(key)
        arrow = table.conform(frame)
        self.files.sweep(part_path(key))
        return self._store(table, key, None, arrow)

    def write_range(self, key: str, frame: pd.DataFrame, start_day: Day, end_day: Day) -> list[Stored]:
        """
        Store a frame of the days start to end, inclusive: one file per day, also for days without rows. Stored files
        of these days are replaced; those of an `append_only` table only gain rows with new keys.

        A bar that closes at midnight belongs to the day that ends there; a run date is its own day.

        Raises:
            DataError: the frame does not conform, or has rows outside the days; nothing was written.
            CorruptFileError: a stored file of an append-only table does not match its checksum; it was not changed.
            LakeError: the store failed; each day has its old or its new file.
        """
        table = table_of(key)
        days = pd.DatetimeIndex(days_between(start_day, end_day))
        parts = split(table, key, table.conform(frame), days)
        self.files.sweep(part_path(key, str(start_day)), nested=True)
        return self._each(lambda item: self._store(table, key, *item), list(parts.items()))

    def days(self, key: str) -> list[str]:
        """ISO days that are stored, sorted."""
        folders = self.files.store.below(inside(key), PART)
        return [folder.removeprefix("day=") for folder in folders if folder.startswith("day=")]

    def atomic_write(self, path: str, data: bytes) -> str:
        """
        Store any file (`calls/ab/ab12.json`, `reports/2019-09-30.html`) as safely as a table.

        Returns:
            Its full path or URL.

        Raises:
            LakeError: the path is outside the lake, or the store failed; the old file is still readable.
        """
        self.files.sweep(inside(path))
        self.files.publish(path, data)
        return self.url(path)

    def read_bytes(self, path: str) -> bytes:
        """
        Read and verify a file stored by `atomic_write`.

        Raises:
            LakeError: there is no such file.
            CorruptFileError: it does not match its checksum.
        """
        try:
            return self.files.load(inside(path), f"Delete it and run again: {self.url(path)}")
        except FileNotFoundError as error:
            raise LakeError(f"there is no file {self.url(path)}") from error

    def exists(self, path: str) -> bool:
        """Whether a file exists at a path relative to the root."""
        return self.files.store.exists(inside(path))

    def url(self, path: str) -> str:
        """Full path or URL of a relative path."""
        return self.files.store.url(path)

    def _store(self, table: Table, key: str, day: str | None, arrow: pa.Table) -> Stored:
        path = part_path(key, day)
        if table.append_only:
            data = self._grow(table, key, day, arrow)
            arrow = decode(table, data, None, self.url(path), FINAL).arrow
            digest = hashlib.sha256(data).hexdigest()
        else:
            data = encode(table, arrow)
            digest = self.files.publish(path, data)
        times = pc.min_max(arrow.column(table.time))
        first, last = (pd.Timestamp(times[end].as_py()) if arrow.num_rows else None for end in ("min", "max"))
        return Stored(self.url(path), day, arrow.num_rows, len(data), digest, first, last)

    def _grow(self, table: Table, key: str, day: str | None, arrow: pa.Table) -> bytes:
        path = part_path(key, day)

        def grown(old: bytes | None) -> bytes:
            return encode(table, arrow) if old is None else add(table, old, arrow, self.url(path), FINAL)

        return self.files.revise(path, grown, FINAL)

    def _load(self, table: Table, key: str, day: str | None, columns: Sequence[str] | None) -> Part:
        path, remedy = part_path(key, day), FINAL if table.append_only else rebuild_command(key, day, day)
        return decode(table, self.files.load(path, remedy), columns, self.url(path), remedy)

    def _load_or_none(self, table: Table, key: str, day: str, columns: Sequence[str] | None) -> Part | None:
        try:
            return self._load(table, key, day, columns)
        except FileNotFoundError:
            return None

    def _each(self, work: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
        """Results of `work` in order, computed on threads; the first error cancels the items not yet started."""
        if len(items) <= 1:
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(self.files.store.threads, len(items))) as pool:
            futures = [pool.submit(work, item) for item in items]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def table_of(key: str) -> Table:
    """
    Schema of an asset's table, by the last part of its key.

    Raises:
        DataError: no table has that name.
    """
    table = TABLES.get(inside(key).rpartition("/")[2])
    if table is None:
        raise DataError(f"{key!r} ends in no stored table; expected the last part to be one of {sorted(TABLES)}")
    return table


def part_path(key: str, day: str | None = None) -> str:
    """Path of a table's file, relative to the root."""
    return f"{key}/{PART}" if day is None else f"{key}/day={day}/{PART}"


def rebuild_command(key: str, first: str | None = None, last: str | None = None) -> str:
    """Sentence with the command that materializes a table, a day or a range of days."""
    days = "" if first is None else f" --partition {first}" if first == last else f" --partition-range {first}...{last}"
    return f"Rebuild with: dagster asset materialize -m alpha_pipeline.definitions --select {key}{days}"


def days_between(start: Day, end: Day) -> list[str]:
    """
    ISO days from start to end, both included.

    Raises:
        SettingError: one of them is no ISO date, or they are in the wrong order.
    """
    try:
        first, last = (date.fromisoformat(str(day)) for day in (start, end))
    except ValueError as error:
        raise SettingError(f"{start!s} ... {end!s} is no range of days; expected YYYY-MM-DD") from error
    if first > last:
        raise SettingError(f"the range of days {first} ... {last} ends before it begins")
    return [str(day.date()) for day in pd.date_range(first, last)]
