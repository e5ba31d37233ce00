"""Listings by day are asked for once, survive a vendor that is down, and are asked for again until all came."""

from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.ingest.listed_symbols import listings_by_day
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.vendors.listings import listing_rows
from alpha_pipeline.resources.vendors.protocols import FetchResult

KEY = "crypto/raw_instruments"
NIGHTS = [pd.Timestamp("2024-03-01", tz="UTC"), pd.Timestamp("2024-03-02", tz="UTC")]


class Vendor:
    """One symbol of long ago, one listed on the second day; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.failures: dict[str, str] = {}

    def __call__(self) -> FetchResult:
        self.asked += 1
        if self.down:
            raise SourceError("the exchange is down")
        listed = pd.DataFrame(
            {
                "symbol": ["OLDUSDT", "NEWUSDT"],
                "listed_at": [pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2024-03-02 12:00", tz="UTC")],
                "delisted_at": pd.Series([pd.NaT, pd.NaT], dtype=tables.MOMENT),
                "status": "Trading",
                "base": "X",
                "quote": "USDT",
                "funding_interval_minutes": 480.0,
                "tick_size": 0.1,
            }
        )
        return FetchResult(listing_rows(listed, pd.Timestamp("2024-04-01", tz="UTC")), self.failures)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def run_date(lake: Lake, vendor: Vendor, symbols: tuple[str, ...] = ("OLDUSDT",), refetch: bool = False) -> FetchResult:
    """One run over both days, stored as the graph does."""
    found = listings_by_day(lake, KEY, NIGHTS, symbols, vendor, refetch)
    lake.write_range(KEY, found.table, "2024-03-01", "2024-03-02")
    return found


def test_each_day_knows_what_was_listed_by_its_end(lake: Lake, vendor: Vendor) -> None:
    """A listing of the second day is no row of the first."""
    table = run_date(lake, vendor).table
    assert table.groupby("run_date")["symbol"].agg(list).tolist() == [["OLDUSDT"], ["OLDUSDT", "NEWUSDT"]]
    assert tables.RAW_INSTRUMENTS.conform(table).num_rows == 3


def test_days_that_are_there_are_not_fetched(lake: Lake, vendor: Vendor) -> None:
    """The second run is silent and the same; asking again, or for another symbol, is possible."""
    first = run_date(lake, vendor).table
    again = run_date(lake, vendor)
    assert vendor.asked == 1 and not again.failures
    assert tables.RAW_INSTRUMENTS.conform(again.table).equals(tables.RAW_INSTRUMENTS.conform(first))
    run_date(lake, vendor, ("OLDUSDT", "NEWUSDT"))
    run_date(lake, vendor, refetch=True)
    assert vendor.asked == 3


def test_a_vendor_that_is_down_is_a_failure_and_takes_nothing_away(lake: Lake, vendor: Vendor) -> None:
    """The days are empty, or what they were; they are asked for again."""
    vendor.down = True
    down = run_date(lake, vendor)
    assert down.table.empty and down.failures == {"listings": "the exchange is down"}
    vendor.down = False
    assert len(run_date(lake, vendor).table) == 3
    vendor.down = True
    assert len(run_date(lake, vendor, refetch=True).table) == 3 and vendor.asked == 3


def test_days_that_came_in_part_are_fetched_again(lake: Lake, vendor: Vendor) -> None:
    """Without those that are gone a day has survivors only: it is stored, and not taken for complete."""
    vendor.failures = {"status Closed": "HTTP 500"}
    assert run_date(lake, vendor).failures == {"status Closed": "HTTP 500"}
    vendor.failures = {}
    run_date(lake, vendor)
    assert vendor.asked == 2
