"""
Rows that break their contract are left out and counted by reason; an answer of nothing else is refused.

Which rows belong to which question, and where they come from, is each door's business.
"""

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.validation.raw.rows import BAR_RULES

STAMPS_MS = (1.2e12, 4.1e12)  # 2008 to 2099: a stamp in seconds or nanoseconds is none in milliseconds
JUMP = 10.0


def numbers(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> pd.DataFrame:
    """Cells as vendors send them -> (rows, columns) of float64; what is no number or absent is NaN, cells beyond go."""
    width = len(columns)
    cells = [[_number(cell) for cell in row[:width]] + [nan] * (width - len(row)) for row in rows]
    return pd.DataFrame(cells, columns=list(columns), dtype="float64")


def moments(milliseconds: pd.Series) -> pd.Series:
    """Milliseconds since 1970 -> UTC; NaT for what is no stamp of our time."""
    plausible = milliseconds.where(milliseconds.between(*STAMPS_MS))
    return pd.to_datetime(plausible, unit="ms", utc=True).astype("datetime64[us, UTC]")


def broken_bars(bars: pd.DataFrame) -> dict[str, pd.Series]:
    """
    What is wrong with which bar.

    Args:
        bars: columns open, high, low, close (quote currency) and volume; a price the vendor never has is NaN.

    Returns:
        Reason -> (rows,) True where it holds.
    """
    return {reason: broken(bars) for reason, broken in BAR_RULES.items()}


def known_at_close(bars: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """Bars with a `timestamp` as rows of one symbol, in the columns of `tables.RAW_OHLCV`."""
    known = bars.assign(symbol=symbol, available_at=bars["timestamp"]).astype({"symbol": "str"})
    return known[[column.name for column in tables.RAW_OHLCV.columns]]


def untrue_bars(bars: pd.DataFrame, window: tuple[pd.Timestamp, pd.Timestamp]) -> pd.DataFrame:
    """The rows of `bars` stamped in (start, end] that `broken_bars` finds broken: the record of what was left out."""
    broken = np.logical_or.reduce([mask.to_numpy(dtype=bool) for mask in broken_bars(bars).values()])
    return bars[broken & ((bars["timestamp"] > window[0]) & (bars["timestamp"] <= window[1])).to_numpy()]


def quarantined(rows: pd.DataFrame, broken: Mapping[str, pd.Series], whose: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows nothing is wrong with, and how many were left out: "whose: reason" -> rows, by their first reason."""
    sound = pd.Series(True, index=rows.index)
    notes = {}
    for reason, mask in broken.items():
        if count := int((sound & mask).sum()):
            notes[f"{whose}: {reason}"] = count
        sound &= ~mask
    return rows[sound], notes


def in_window(
    rows: pd.DataFrame,
    broken: Mapping[str, pd.Series],
    window: tuple[pd.Timestamp, pd.Timestamp],
    whose: str,
    asked: str,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """
    The sound rows of one symbol stamped in (start, end], once each.

    Args:
        rows: with a column `timestamp`; NaT where there was none.
        broken: what else is wrong with which row.
        window: start and end.
        whose: begins every note.
        asked: begins the message.

    Returns:
        Sorted by time, and the counts of what was left out. Of equal rows one is kept; of two different rows of one
        stamp neither is believed.

    Raises:
        SourceError: there were rows and none was sound: then the whole answer is nonsense.
    """
    start, end = window
    stamps = rows["timestamp"]
    outside = stamps.notna() & ~((stamps > start) & (stamps <= end))
    kept, notes = quarantined(rows, {"no stamp": stamps.isna(), "stamped outside the window": outside, **broken}, whose)
    once, twice = quarantined(kept, {"the same row again": kept.duplicated()}, whose)
    sound, contrary = quarantined(once, {"two different rows of one stamp": once["timestamp"].duplicated(False)}, whose)
    notes |= twice | contrary
    if len(rows) and sound.empty:
        raise SourceError(f"{asked}: none of {len(rows)} rows keeps its contract: {notes}")
    return sound.sort_values("timestamp", ignore_index=True), notes


def jumps(closes: pd.Series, whose: str) -> dict[str, int]:
    """
    Closes more than tenfold, or less than a tenth of, the one before, counted; they are kept.

    A price in other units looks like a crash, and coins have crashed like that within an hour: it is said, not judged.
    """
    ratio = closes / closes.shift()
    count = int(((ratio > JUMP) | (ratio < 1 / JUMP)).sum())
    return {f"{whose}: closes tenfold or a tenth of the one before, kept": count} if count else {}


def _number(cell: object) -> float:
    if isinstance(cell, bool) or not isinstance(cell, (str, int, float)):
        return nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return nan
