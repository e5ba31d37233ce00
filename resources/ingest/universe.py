"""
Listings day by day: asked for once, kept when all of them came, and not rewritten by what a vendor says later.

What a row says is `listings`' business; which vendor is asked, the caller's.
"""

import json
from collections.abc import Callable, Sequence

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from resources.lake.lake import Lake
from resources.vendors.protocols import FetchResult

COLUMNS = [column.name for column in tables.RAW_INSTRUMENTS.columns]


def universe_by_day(
    lake: Lake,
    key: str,
    run_dates: Sequence[pd.Timestamp],
    symbols: Sequence[str],
    ask: Callable[[], FetchResult],
    refetch: bool = False,
) -> FetchResult:
    """
    What was listed and delisted by the end of each day.

    Args:
        lake: where the days and their receipts are.
        key: of the asset, `crypto/raw_instruments`.
        run dates: beginnings of days, UTC.
        symbols: whose dates are wanted; a day that was asked for with fewer is asked for again.
        ask: the vendor's answer, rows of `tables.LISTINGS`; called once at most, and not when all days are there.
        refetch: ask for days that are there as well.

    Returns:
        Columns of `tables.RAW_INSTRUMENTS`. When the vendor failed, that is a failure of the answer, and its days are
        what they were, or empty; such a day, and one that came in part, is asked for again next time.
    """
    wanted = [run_date for run_date in run_dates if refetch or not _complete(lake, key, run_date, symbols)]
    kept = lake.read_days(key, [_day(run_date) for run_date in run_dates if run_date not in wanted])[0]
    if not wanted:
        return FetchResult(kept)
    try:
        known = ask()
    except SourceError as error:
        before = lake.read_days(key, [_day(run_date) for run_date in wanted], allow_missing=True)[0]
        return FetchResult(_joined([kept, before]), {"listings": str(error)})
    if len(known.table) and not known.failures:
        for run_date in wanted:
            lake.atomic_write(_receipt(key, run_date), json.dumps(sorted(symbols)).encode())
    found = [_at_the_end_of(run_date, known.table) for run_date in wanted]
    return FetchResult(_joined([kept, *found]), known.failures, known.notes)


def _at_the_end_of(run_date: pd.Timestamp, listings: pd.DataFrame) -> pd.DataFrame:
    until = listings[listings["timestamp"] <= run_date + pd.Timedelta(days=1)]
    return until.assign(run_date=run_date).astype({"run_date": tables.MOMENT})[COLUMNS]


def _complete(lake: Lake, key: str, run_date: pd.Timestamp, symbols: Sequence[str]) -> bool:
    receipt = _receipt(key, run_date)
    if not (lake.exists(receipt) and lake.exists(f"{key}/day={_day(run_date)}/part-0.parquet")):
        return False
    return set(symbols) <= set(json.loads(lake.read_bytes(receipt)))


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else tables.RAW_INSTRUMENTS.empty()


def _receipt(key: str, run_date: pd.Timestamp) -> str:
    return f"receipts/{key}/{_day(run_date)}.json"


def _day(run_date: pd.Timestamp) -> str:
    return str(run_date.date())
