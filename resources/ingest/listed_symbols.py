"""
Listings by day: fetched once, stored when complete, and not rewritten by later answers of the vendor.

The rows are made in `vendors.listings`.
"""

import json
from collections.abc import Callable, Sequence

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.vendors.protocols import FetchResult

COLUMNS = [column.name for column in tables.RAW_INSTRUMENTS.columns]


def listings_by_day(
    lake: Lake,
    key: str,
    run_dates: Sequence[pd.Timestamp],
    symbols: Sequence[str],
    fetch: Callable[[], FetchResult],
    refetch: bool = False,
) -> FetchResult:
    """
    Instruments listed and delisted by the end of each day.

    Args:
        lake: holds the days and their receipts.
        key: of the asset, `crypto/raw_instruments`.
        run_dates: beginnings of days, UTC.
        symbols: to cover; a day that was fetched with fewer symbols is fetched again.
        fetch: the vendor's answer, rows of `tables.LISTINGS`; called at most once, and not when all days are complete.
        refetch: fetch complete days as well.

    Returns:
        Columns of `tables.RAW_INSTRUMENTS`. When the vendor failed, that is a failure of the answer and its days keep
        their stored rows, or none; such a day, and one that came in part, is fetched again next time.
    """
    missing = [run_date for run_date in run_dates if refetch or not _complete(lake, key, run_date, symbols)]
    stored = lake.read_days(key, [_day(run_date) for run_date in run_dates if run_date not in missing])[0]
    if not missing:
        return FetchResult(stored)
    try:
        listings = fetch()
    except SourceError as error:
        before = lake.read_days(key, [_day(run_date) for run_date in missing], allow_missing=True)[0]
        return FetchResult(_concatenated([stored, before]), {"listings": str(error)})
    if len(listings.table) and not listings.failures:
        for run_date in missing:
            lake.atomic_write(_receipt(key, run_date), json.dumps(sorted(symbols)).encode())
    fetched = [_as_of_end(run_date, listings.table) for run_date in missing]
    return FetchResult(_concatenated([stored, *fetched]), listings.failures, listings.counts)


def _as_of_end(run_date: pd.Timestamp, listings: pd.DataFrame) -> pd.DataFrame:
    until = listings[listings["timestamp"] <= run_date + pd.Timedelta(days=1)]
    return until.assign(run_date=run_date).astype({"run_date": tables.MOMENT})[COLUMNS]


def _complete(lake: Lake, key: str, run_date: pd.Timestamp, symbols: Sequence[str]) -> bool:
    receipt = _receipt(key, run_date)
    if not (lake.exists(receipt) and lake.exists(f"{key}/day={_day(run_date)}/part-0.parquet")):
        return False
    return set(symbols) <= set(json.loads(lake.read_bytes(receipt)))


def _concatenated(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else tables.RAW_INSTRUMENTS.empty()


def _receipt(key: str, run_date: pd.Timestamp) -> str:
    return f"receipts/{key}/{_day(run_date)}.json"


def _day(run_date: pd.Timestamp) -> str:
    return str(run_date.date())
