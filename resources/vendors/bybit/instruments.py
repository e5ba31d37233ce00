"""
Listings and delistings of Bybit's perpetuals, delisted ones included.
"""

from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.resources.vendors.batch import Answer, gather
from alpha_pipeline.resources.vendors.bybit.client import BybitClient
from alpha_pipeline.resources.vendors.listings import listing_rows
from alpha_pipeline.resources.vendors.parsing import drop_faulty, moments, numbers
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols

ROWS_PER_PAGE = 1000
# Without a status the exchange returns those that trade; delisted ones must be requested by status.
STATUSES = ("Trading", "Delivering", "Closed")
PERPETUAL = "LinearPerpetual"


def fetch_listings(client: BybitClient, now: pd.Timestamp) -> FetchResult:
    """
    Listings and delistings of all linear perpetuals up to now.

    Args:
        client: of the exchange.
        now: later listings and delistings are announced only, and left out.

    Returns:
        Columns of `tables.LISTINGS`. A status whose request failed is a failure: without "Closed" the table is biased
        upwards (survivorship). Futures that expire, names that are not tickers, and rows without a date of listing, or
        of delisting when closed, are dropped and counted.

    Raises:
        SourceError: every status failed, or none has a perpetual.
    """
    requests = {f"status {status}": partial(_listed, client, status, now) for status in STATUSES}
    fetched = gather(requests, tables.LISTINGS, "bybit instruments")
    if fetched.table.empty:
        raise SourceError(f"{client.url} instruments: no perpetual in the answer; expected hundreds; {fetched.counts}")
    # One that changes its status between two requests comes twice; the later status has the date of delisting.
    unique = fetched.table.drop_duplicates(list(tables.LISTINGS.keys), keep="last")
    return FetchResult(unique.reset_index(drop=True), fetched.failures, fetched.counts)


def _listed(client: BybitClient, status: str, now: pd.Timestamp) -> Answer:
    request = f"{client.url} instruments of status {status}"
    query = {"category": "linear", "status": status, "limit": ROWS_PER_PAGE}
    rows = [row if isinstance(row, dict) else {} for row in client.cursor_pages("get_instruments_info", query, request)]
    if not rows:
        return tables.LISTINGS.empty(), {}
    table = pd.DataFrame(
        {
            "symbol": [_text(row, "symbol") for row in rows],
            "status": [_text(row, "status") for row in rows],
            "base": [_text(row, "baseCoin") for row in rows],
            "quote": [_text(row, "quoteCoin") for row in rows],
        },
        dtype="str",
    )
    keys = ("launchTime", "deliveryTime", "fundingInterval")
    figures = numbers([[row.get(key) for key in keys] for row in rows], keys)
    steps = numbers([[_inside(row, "priceFilter", "tickSize")] for row in rows], ["step"])["step"]
    table = table.assign(
        listed_at=moments(figures["launchTime"]),
        delisted_at=moments(figures["deliveryTime"]),  # 0 while no delisting is announced
        funding_interval_minutes=figures["fundingInterval"].where(figures["fundingInterval"] > 0),
        tick_size=steps.where(steps > 0),
    )
    kinds = pd.Series([_text(row, "contractType") for row in rows])
    faults = {
        "futures that expire": kinds.ne(PERPETUAL) & kinds.ne(""),
        "malformed rows": kinds.eq(""),
        "the name is not a ticker": ~table["symbol"].map(_is_ticker),
        "no date of listing": table["listed_at"].isna(),
        "closed without a date": table["status"].eq("Closed") & table["delisted_at"].isna(),
        "delisted before it was listed": table["delisted_at"] < table["listed_at"],
        "repeated rows": table.duplicated(["symbol", "listed_at"]),
    }
    sound, counts = drop_faulty(table, faults, f"status {status}")
    return listing_rows(sound, now), counts


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
