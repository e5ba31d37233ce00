"""
Funding, open interest and the order book of Bybit's linear perpetuals, as sources of facts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.batch import Answer, gather
from alpha_pipeline.resources.vendors.bybit.client import PUBLIC_URL, RATE_LIMIT, BybitClient, Row, open_client
from alpha_pipeline.resources.vendors.parsing import in_window, moments, numbers
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now

ROWS_PER_PAGE = 200
# The exchange caps rates at a few percent; a rate of one half and more is a percentage or an error.
LARGEST_RATE = 0.5
INTERVALS = {"5min": "5min", "15min": "15min", "30min": "30min", "1h": "1h", "4h": "4h", "1D": "1d"}
BOOK_DEPTH = 50
LIVE = pd.Timedelta(minutes=5)  # a later book does not describe the end of the window


@dataclass(frozen=True)
class BybitFunding:
    """
    Funding rates, known when settled.

    Args:
        url: base address; a stand-in on loopback serves as well.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock; later rows are dropped.
    """

    url: str = PUBLIC_URL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit funding"
    kind: str = "funding"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Rates settled in (start, end]; see `FactSource`.

        Raises:
            SourceError: every symbol failed, or no symbol has a settlement in a window of a day or more.
            SettingError: the window or a symbol is invalid.
        """
        last = _last(start, end, self.now())
        client = open_client(self.url, self.rate_limit, self.retry_policy)
        requests = {symbol: partial(_funding, client, symbol, start, last) for symbol in require_symbols(symbols)}
        return _require_rows(gather(requests, tables.RAW_FUNDING, self.name), start, last, self.name, self.url)


@dataclass(frozen=True)
class BybitDerivatives:
    """
    Open interest per bar, and the order book imbalance where the window ends now.

    Open interest is known one interval after its stamp: the exchange does not say whether the stamp begins or ends the
    interval, so this is never too early.

    Args:
        url: base address; a stand-in on loopback serves as well.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock that decides whether the window is live.
    """

    url: str = PUBLIC_URL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit open interest"
    kind: str = "derivatives"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Open interest stamped in (start, end], and a row of the order book when `end` is within five minutes of now.

        The row of the book is stamped at the end of the window and known at the exchange's time; a past window has
        none, so it must be stored when it is live. Its failure is named "SYMBOL order book".

        Raises:
            SourceError: every request failed, or no symbol has a row in a window of a day or more.
            SettingError: the window, a symbol or the length of the bar is invalid.
        """
        if market.bar not in INTERVALS:
            raise SettingError(
                f"{self.name} has no interval of {market.bar!r}; expected one of {sorted(INTERVALS)}",
            )
        now = self.now()
        last = _last(start, end, now)
        client = open_client(self.url, self.rate_limit, self.retry_policy)
        picked = require_symbols(symbols)
        requests: dict[str, Callable[[], Answer]] = {
            symbol: partial(_open_interest, client, market, symbol, start, last) for symbol in picked
        }
        if abs(now - end) <= LIVE:
            requests |= {f"{symbol} order book": partial(_book, client, symbol, last, now) for symbol in picked}
        fetched = gather(requests, tables.RAW_DERIVATIVES, self.name)
        return _require_rows(fetched, start, last, self.name, self.url)


def _funding(client: BybitClient, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    request = f"{client.url} funding of {symbol} in ({start}, {end}]"
    query = {"category": "linear", "symbol": symbol, "limit": ROWS_PER_PAGE}
    table = _pages(
        client,
        "get_funding_rate_history",
        query,
        {"fundingRateTimestamp": "", "fundingRate": "funding"},
        start,
        end,
        request,
    )
    rate = table["funding"]
    faults = {
        "the rate is missing or not finite": ~np.isfinite(rate),
        "a rate of one half or more": rate.abs() >= LARGEST_RATE,
    }
    sound, counts = in_window(table, faults, (start, end), symbol, request)
    return _rows(sound, symbol, pd.Timedelta(0), tables.RAW_FUNDING), counts


def _open_interest(client: BybitClient, market: Market, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    """Pages are requested by their bounds, not by the vendor's cursor, so that a truncated page loses no rows."""
    request = f"{client.url} open interest of {symbol} in ({start}, {end}]"
    query = {"category": "linear", "symbol": symbol, "intervalTime": INTERVALS[market.bar], "limit": ROWS_PER_PAGE}
    names = {"timestamp": "", "openInterest": "open_interest"}
    table = _pages(client, "get_open_interest", query, names, start, end, request)
    interest = table["open_interest"]
    faults = {
        "open interest is missing or not finite": ~np.isfinite(interest),
        "open interest below zero": interest < 0,
    }
    sound, counts = in_window(table, faults, (start, end), symbol, request)
    return _rows(sound.assign(book_imbalance=np.nan), symbol, market.bar_length, tables.RAW_DERIVATIVES), counts


def _book(client: BybitClient, symbol: str, end: pd.Timestamp, now: pd.Timestamp) -> Answer:
    request = f"{client.url} order book of {symbol}"
    answer = client.get("get_orderbook", {"category": "linear", "symbol": symbol, "limit": BOOK_DEPTH}, request)
    book = answer["result"]
    seen = moments(numbers([[book.get("ts")]], ["ts"])["ts"]).iloc[0]
    if pd.isna(seen) or abs(seen - now) > LIVE:
        raise SourceError(
            f"{request}: stamped {seen}; expected within {LIVE} of {now} (a clock is wrong, or the book is stale)"
        )
    bids, asks = _sizes(book.get("b"), request), _sizes(book.get("a"), request)
    if not bids + asks > 0:
        raise SourceError(f"{request}: no bids and asks; expected sizes in 'b' and 'a'")
    row = {"timestamp": [min(seen, end)], "open_interest": [np.nan], "book_imbalance": [(bids - asks) / (bids + asks)]}
    rows = pd.DataFrame(row).astype({"timestamp": tables.MOMENT})
    return _rows(rows, symbol, seen - min(seen, end), tables.RAW_DERIVATIVES), {}


def _sizes(levels: Any, request: str) -> float:
    """Sum of the sizes of [price, size] levels; SourceError when one is invalid: an incomplete book is useless."""
    if not isinstance(levels, list) or not all(isinstance(level, list) for level in levels):
        raise SourceError(f"{request}: expected lists of [price, size]; found {str(levels)[:100]}")
    sizes = numbers(levels, ("price", "size"))
    if not (np.isfinite(sizes).all(axis=None) and (sizes >= 0).all(axis=None)):
        raise SourceError(f"{request}: expected numbers for prices and sizes; found {str(levels)[:100]}")
    return float(sizes["size"].sum())


def _pages(
    client: BybitClient,
    method: str,
    query: dict[str, Any],
    names: Mapping[str, str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    request: str,
) -> pd.DataFrame:
    """`timestamp` and the other columns of rows in (start, end]; the first key of `names` is the vendor's stamp."""
    stamp, *others = names

    def stamp_of(row: Row) -> Any:
        return row[stamp]

    first_ms, last_ms = start.value // 1_000_000 + 1, end.value // 1_000_000
    dicts = list(client.pages(method, query, ("startTime", "endTime"), stamp_of, first_ms, last_ms, request))
    cells = [[row.get(key) for key in names] if isinstance(row, dict) else [] for row in dicts]
    table = numbers(cells, ["timestamp", *(names[key] for key in others)])
    return table.assign(timestamp=moments(table["timestamp"]))


def _rows(table: pd.DataFrame, symbol: str, lag: pd.Timedelta, target: tables.Table) -> pd.DataFrame:
    rows = table.assign(symbol=symbol, available_at=table["timestamp"] + lag)
    return rows.astype({"symbol": "str", "available_at": tables.MOMENT})[[column.name for column in target.columns]]


def _last(start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp) -> pd.Timestamp:
    """The end of the window or now, whichever is earlier; SettingError when the window is invalid."""
    require_window(start, end)
    return min(end, now)


def _require_rows(fetched: FetchResult, start: pd.Timestamp, last: pd.Timestamp, name: str, url: str) -> FetchResult:
    """SourceError when a window of a day or more has no row: perpetuals settle and are held around the clock."""
    if fetched.table.empty and last - start >= pd.Timedelta(days=1):
        raise SourceError(f"{name} ({url}) gave no row in ({start}, {last}]; expected some every day")
    return fetched
