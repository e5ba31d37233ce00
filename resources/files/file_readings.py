"""
A file that was read: its rows, the rows set aside with reason and place, and remarks.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.resources.files.bar_spacing import Spacing
from alpha_pipeline.resources.files.file_tables import RawTable
from alpha_pipeline.resources.ingest.ingestion_gate import MAXIMUM_REJECTED_SHARE, TOLERATED_ROWS
from alpha_pipeline.typing import Integers


@dataclass(frozen=True)
class FileReading:
    """
    A user's file as rows.

    Args:
        table: `timestamp` (UTC close of the bar; of facts the event), `symbol`, `available_at`, float64 fields; sorted
            by timestamp and symbol.
        rejected: rows that cannot be true, with `reason` and `place` (file and line).
        remarks: what was understood, one sentence each.
        spacing: bars, their sessions and their year; of facts None.
        merged: rows that repeated another row exactly.
        title: name of the file, or of the first and the number of others.
    """

    table: pd.DataFrame
    rejected: pd.DataFrame
    remarks: tuple[str, ...]
    spacing: Spacing | None
    merged: int
    title: str

    @property
    def bar(self) -> str:
        """Length of a bar, "1min" to "1M"."""
        return self.spacing.bar if self.spacing else ""

    def counts(self) -> dict[str, int]:
        """Reason -> rejected rows, and "merged" for exact duplicates; the most frequent first."""
        counts = {str(reason): int(n) for reason, n in self.rejected["reason"].value_counts().items()}
        return counts | ({"repeated exactly, merged": self.merged} if self.merged else {})


def file_title(raw: RawTable) -> str:
    first = PurePosixPath(raw.files[0][0]).name
    return first if len(raw.files) == 1 else f"{first} and {len(raw.files) - 1} more files"


def with_reason(rows: pd.DataFrame, reason: str, raw: RawTable) -> pd.DataFrame:
    return with_place(rows.assign(reason=reason), raw)


def with_place(rows: pd.DataFrame, raw: RawTable) -> pd.DataFrame:
    """Rows with the column `place` for their number in the file."""
    return rows.assign(place=[raw.place(int(row)) for row in rows["row"]]).drop(columns="row")


def require_few(rejected: pd.DataFrame, rows: int, title: str) -> None:
    if len(rejected) <= max(TOLERATED_ROWS, MAXIMUM_REJECTED_SHARE * rows) and len(rejected) < rows:
        return
    counts = Counter(rejected["reason"])
    reasons = ", ".join(f"{count:,} x {reason}" for reason, count in counts.most_common())
    first = rejected.iloc[0]
    raise DataError(
        f"{title}: {len(rejected):,} of {rows:,} rows cannot be true ({reasons}), the first at {first['place']}; "
        "check that the columns and the times are read as they are meant (--column, --preset, --time-zone, --stamp)"
    )


def index_of(moments: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(moments).astype("datetime64[us]"))


def micros_of(index: pd.DatetimeIndex) -> Integers:
    result: Integers = index.to_numpy("datetime64[us]").astype(np.int64)
    return result


def utc_of(moments: Integers) -> pd.DatetimeIndex:
    return index_of(moments).tz_localize("UTC")


def stamp_micros(stamps: pd.Series) -> Integers:
    return micros_of(pd.DatetimeIndex(stamps).tz_localize(None))
