"""
Which perpetuals Bybit has listed and delisted, and when; those that are gone are asked for as well.

How the exchange is asked is `bybit_wire`; how listings become dated rows is `listings`.
"""

from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from resources.vendors.batch import Answer, gather
from resources.vendors.bybit.client import Wire
from resources.vendors.listings import listing_rows
from resources.vendors.parsing import moments, numbers, quarantined
from resources.vendors.protocols import FetchResult, require_symbols

PER_PAGE = 1000
# Asked for nothing, the exchange answers with those that trade; the dead must be asked for by name.
STATUSES = ("Trading", "Delivering", "Closed")
PERPETUAL = "LinearPerpetual"


def instruments(wire: Wire, now: pd.Timestamp) -> FetchResult:
    """
    Listings and delistings of all linear perpetuals up to now.

    Args:
        wire: the open line.
        now: what is announced for later has not happened.

    Returns:
        Columns of `tables.LISTINGS`. A status the exchange does not answer for is a failure: without "Closed"
        the table has survivors only. Futures that expire, names that are no ticker, and rows without a date of their
        listing, or of their end when closed, are left out and counted in the notes.

    Raises:
        SourceError: no status came, or none has a perpetual.
    """
    questions = {f"status {status}": partial(_listed, wire, status, now) for status in STATUSES}
    fetched = gather(questions, tables.LISTINGS, "bybit instruments")
    if fetched.table.empty:
        raise SourceError(f"{wire.url} instruments: no perpetual in the answer; expected hundreds; {fetched.notes}")
    # One that changes its status between two questions comes twice; the later status has the date of its end.
    once = fetched.table.drop_duplicates(list(tables.LISTINGS.keys), keep="last")
    return FetchResult(once.reset_index(drop=True), fetched.failures, fetched.notes)


def _listed(wire: Wire, status: str, now: pd.Timestamp) -> Answer:
    asked = f"{wire.url} instruments of status {status}"
    query = {"category": "linear", "status": status, "limit": PER_PAGE}
    found = [row if isinstance(row, dict) else {} for row in wire.cursor_pages("get_instruments_info", query, asked)]
    if not found:
        return tables.LISTINGS.empty(), {}
    table = pd.DataFrame(
        {
            "symbol": [_text(row, "symbol") for row in found],
            "status": [_text(row, "status") for row in found],
            "base": [_text(row, "baseCoin") for row in found],
            "quote": [_text(row, "quoteCoin") for row in found],
        },
        dtype="str",
    )
    keys = ("launchTime", "deliveryTime", "fundingInterval")
    figures = numbers([[row.get(key) for key in keys] for row in found], keys)
    steps = numbers([[_inside(row, "priceFilter", "tickSize")] for row in found], ["step"])["step"]
    table = table.assign(
        listed_at=moments(figures["launchTime"]),
        delisted_at=moments(figures["deliveryTime"]),  # 0 while no end is announced
        funding_interval_minutes=figures["fundingInterval"].where(figures["fundingInterval"] > 0),
        tick_size=steps.where(steps > 0),
    )
    kinds = pd.Series([_text(row, "contractType") for row in found])
    broken = {
        "futures that expire": kinds.ne(PERPETUAL) & kinds.ne(""),
        "another shape": kinds.eq(""),
        "the name is no ticker": ~table["symbol"].map(_is_ticker),
        "no date of its listing": table["listed_at"].isna(),
        "closed without a date": table["status"].eq("Closed") & table["delisted_at"].isna(),
        "ends before it begins": table["delisted_at"] < table["listed_at"],
        "the same row again": table.duplicated(["symbol", "listed_at"]),
    }
    sound, notes = quarantined(table, broken, f"status {status}")
    return listing_rows(sound, now), notes


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _inside(row: dict[str, Any], outer: str, inner: str) -> object:
    value = row.get(outer)
    return value.get(inner) if isinstance(value, dict) else None


def _is_ticker(symbol: str) -> bool:
    try:
        return require_symbols([symbol]) == [symbol]
    except SettingError:
        return False
