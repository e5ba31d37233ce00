"""
Parsing of vendors' answers: rows that cannot be read are dropped and counted by fault, an answer of nothing else fails.

Whether a readable row can be true is decided in `ingest.ingestion_gate`.
"""

from collections.abc import Mapping, Sequence
from math import nan

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError

STAMPS_MS = (1.2e12, 4.1e12)  # 2008 to 2099; stamps in seconds or nanoseconds are outside
JUMP = 10.0


def numbers(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> pd.DataFrame:
    """Cells as vendors send them -> (rows, columns) of float64; NaN for no number, extra cells are ignored."""
    width = len(columns)
    cells = [[_number(cell) for cell in row[:width]] + [nan] * (width - len(row)) for row in rows]
    return pd.DataFrame(cells, columns=list(columns), dtype="float64")


def moments(milliseconds: pd.Series) -> pd.Series:
    """Milliseconds since 1970 -> UTC; NaT outside of `STAMPS_MS`."""
    plausible = milliseconds.where(milliseconds.between(*STAMPS_MS))
    return pd.to_datetime(plausible, unit="ms", utc=True).astype("datetime64[us, UTC]")


def known_at_close(bars: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """Bars with a `timestamp` as rows of one symbol, in the columns of `tables.RAW_OHLCV`."""
    rows = bars.assign(symbol=symbol, available_at=bars["timestamp"]).astype({"symbol": "str"})
    return rows[[column.name for column in tables.RAW_OHLCV.columns]]


def drop_faulty(rows: pd.DataFrame, faults: Mapping[str, pd.Series], label: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows without a fault, and "label: fault" -> number of dropped rows; a row counts for its first fault."""
    sound = pd.Series(True, index=rows.index)
    counts = {}
    for fault, mask in faults.items():
        if count := int((sound & mask).sum()):
            counts[f"{label}: {fault}"] = count
        sound &= ~mask
    return rows[sound], counts


def in_window(
    rows: pd.DataFrame,
    faults: Mapping[str, pd.Series],
    window: tuple[pd.Timestamp, pd.Timestamp],
    label: str,
    request: str,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """
    The readable rows of one symbol stamped in (start, end], one per stamp.

    Args:
        rows: with a column `timestamp`; NaT where it is unreadable.
        faults: fault -> (rows,) True where it applies.
        window: start and end.
        label: begins every count.
        request: begins the error message.

    Returns:
        Sorted by time, and the counts of dropped rows. Of equal rows one is kept; different rows of one stamp are all
        dropped.

    Raises:
        SourceError: there were rows and all were dropped.
    """
    start, end = window
    stamps = rows["timestamp"]
    outside = stamps.notna() & ~((stamps > start) & (stamps <= end))
    readable, counts = drop_faulty(
        rows, {"no stamp": stamps.isna(), "stamp outside the window": outside, **faults}, label
    )
    unique, repeated = drop_faulty(readable, {"repeated rows": readable.duplicated()}, label)
    conflict = {"conflicting rows of one stamp": unique["timestamp"].duplicated(False)}
    sound, conflicts = drop_faulty(unique, conflict, label)
    counts |= repeated | conflicts
    if len(rows) and sound.empty:
        raise SourceError(f"{request}: none of {len(rows)} rows is usable: {counts}")
    return sound.sort_values("timestamp", ignore_index=True), counts


def jumps(closes: pd.Series, label: str) -> dict[str, int]:
    """
    Number of closes more than tenfold, or less than a tenth of, the previous positive one; they are kept.

    A price in other units looks like a crash, and coins have crashed like that within an hour: counted, not rejected.
    """
    positive = closes[closes > 0]
    ratio = positive / positive.shift()
    count = int(((ratio > JUMP) | (ratio < 1 / JUMP)).sum())
    return {f"{label}: closes tenfold or a tenth of the previous one, kept": count} if count else {}


def _number(cell: object) -> float:
    if isinstance(cell, bool) or not isinstance(cell, (str, int, float)):
        return nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return nan
