"""
Funding, open interest and the order book of Bybit's linear perpetuals, as sources of facts.

How the exchange is asked is `bybit_wire`; bars are `bybit`.
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
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.batch import Answer, gather
from resources.vendors.bybit.client import PACE, PUBLIC_URL, Row, Wire, open_wire
from resources.vendors.parsing import in_window, moments, numbers
from resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now

ROWS_PER_PAGE = 200
# The exchange caps rates at a few percent; a rate of one half and more is a percentage or a defect.
LARGEST_RATE = 0.5
INTERVALS = {"5min": "5min", "15min": "15min", "30min": "30min", "1h": "1h", "4h": "4h", "1D": "1d"}
BOOK_DEPTH = 50
LIVE = pd.Timedelta(minutes=5)  # a book seen later says nothing of the window's end


@dataclass(frozen=True)
class BybitFunding:
    """
    Funding rates at their settlements, known when settled.

    Args:
        url: base address; a stand-in on loopback serves as well.
        patience: tries, waits and the time-out.
        pace: the most the exchange is asked, by all processes of this machine together.
        now: the clock; nothing later than it is believed.
    """

    url: str = PUBLIC_URL
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    pace: RateLimit = PACE
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit funding"
    kind: str = "funding"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Rates settled in (start, end]; see `FactSource`.

        Raises:
            SourceError: no symbol came, or a whole day has no settlement of any.
            SettingError: the window or a symbol is none.
        """
        last = _last(start, end, self.now())
        wire = open_wire(self.url, self.pace, self.patience)
        questions = {symbol: partial(_funding, wire, symbol, start, last) for symbol in require_symbols(symbols)}
        return _some_every_day(gather(questions, tables.RAW_FUNDING, self.name), start, last, self.name, self.url)


@dataclass(frozen=True)
class BybitDerivatives:
    """
    Open interest bar by bar, and the imbalance of the order book where the window ends now.

    Open interest is known one interval after its stamp: the exchange does not say whether the stamp begins or ends the
    interval it was counted in, and so it is never too early.

    Args:
        url: base address; a stand-in on loopback serves as well.
        patience: tries, waits and the time-out.
        pace: the most the exchange is asked, by all processes of this machine together.
        now: the clock that tells whether the window is live.
    """

    url: str = PUBLIC_URL
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    pace: RateLimit = PACE
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit open interest"
    kind: str = "derivatives"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Open interest stamped in (start, end], and a row of the order book when `end` is at most five minutes away.

        A row of the book belongs to the window's end and is known when the exchange saw it; a past window has none, so
        it must be stored when it is live. It fails by itself, as "SYMBOL order book".

        Raises:
            SourceError: nothing came, or a whole day has no open interest of any symbol.
            SettingError: the window, a symbol or the length of the bar is none.
        """
        if market.bar not in INTERVALS:
            raise SettingError(
                f"{self.name} has no interval of {market.bar!r}; expected one of {sorted(INTERVALS)}",
            )
        now = self.now()
        last = _last(start, end, now)
        wire = open_wire(self.url, self.pace, self.patience)
        picked = require_symbols(symbols)
        questions: dict[str, Callable[[], Answer]] = {
            symbol: partial(_open_interest, wire, market, symbol, start, last) for symbol in picked
        }
        if abs(now - end) <= LIVE:
            questions |= {f"{symbol} order book": partial(_book, wire, symbol, last, now) for symbol in picked}
        fetched = gather(questions, tables.RAW_DERIVATIVES, self.name)
        return _some_every_day(fetched, start, last, self.name, self.url)


def _funding(wire: Wire, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    asked = f"{wire.url} funding of {symbol} in ({start}, {end}]"
    query = {"category": "linear", "symbol": symbol, "limit": ROWS_PER_PAGE}
    table = _walk(
        wire,
        "get_funding_rate_history",
        query,
        {"fundingRateTimestamp": "", "fundingRate": "funding"},
        start,
        end,
        asked,
    )
    rate = table["funding"]
    broken = {
        "the rate is missing or not finite": ~np.isfinite(rate),
        "a rate of half and more": rate.abs() >= LARGEST_RATE,
    }
    sound, notes = in_window(table, broken, (start, end), symbol, asked)
    return _rows(sound, symbol, pd.Timedelta(0), tables.RAW_FUNDING), notes


def _open_interest(wire: Wire, market: Market, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    """The bounds walk as well as the vendor's cursor does, and survive a page that was cut."""
    asked = f"{wire.url} open interest of {symbol} in ({start}, {end}]"
    query = {"category": "linear", "symbol": symbol, "intervalTime": INTERVALS[market.bar], "limit": ROWS_PER_PAGE}
    names = {"timestamp": "", "openInterest": "open_interest"}
    table = _walk(wire, "get_open_interest", query, names, start, end, asked)
    interest = table["open_interest"]
    broken = {
        "open interest is missing or not finite": ~np.isfinite(interest),
        "open interest below zero": interest < 0,
    }
    sound, notes = in_window(table, broken, (start, end), symbol, asked)
    return _rows(sound.assign(book_imbalance=np.nan), symbol, market.bar_length, tables.RAW_DERIVATIVES), notes


def _book(wire: Wire, symbol: str, end: pd.Timestamp, now: pd.Timestamp) -> Answer:
    asked = f"{wire.url} order book of {symbol}"
    answer = wire.ask("get_orderbook", {"category": "linear", "symbol": symbol, "limit": BOOK_DEPTH}, asked)
    book = answer["result"]
    seen = moments(numbers([[book.get("ts")]], ["ts"])["ts"]).iloc[0]
    if pd.isna(seen) or abs(seen - now) > LIVE:
        raise SourceError(f"{asked}: seen at {seen}; expected within {LIVE} of {now} (a clock is off, or it is stale)")
    bids, asks = _sizes(book.get("b"), asked), _sizes(book.get("a"), asked)
    if not bids + asks > 0:
        raise SourceError(f"{asked}: nobody bids or asks; expected sizes in 'b' and 'a'")
    row = {"timestamp": [min(seen, end)], "open_interest": [np.nan], "book_imbalance": [(bids - asks) / (bids + asks)]}
    known = pd.DataFrame(row).astype({"timestamp": tables.MOMENT})
    return _rows(known, symbol, seen - min(seen, end), tables.RAW_DERIVATIVES), {}


def _sizes(levels: Any, asked: str) -> float:
    """Sum of the sizes of [price, size] levels; SourceError when one is none, for a part of a book is no book."""
    if not isinstance(levels, list) or not all(isinstance(level, list) for level in levels):
        raise SourceError(f"{asked}: expected lists of [price, size]; found {str(levels)[:100]}")
    sizes = numbers(levels, ("price", "size"))
    if not (np.isfinite(sizes).all(axis=None) and (sizes >= 0).all(axis=None)):
        raise SourceError(f"{asked}: expected prices and sizes that are numbers; found {str(levels)[:100]}")
    return float(sizes["size"].sum())


def _walk(
    wire: Wire,
    method: str,
    query: dict[str, Any],
    names: Mapping[str, str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    asked: str,
) -> pd.DataFrame:
    """`timestamp` and the other columns of rows in (start, end]; `names` has the vendor's key of the stamp first."""
    stamp, *others = names

    def when(row: Row) -> Any:
        return row[stamp]

    first_ms, last_ms = start.value // 1_000_000 + 1, end.value // 1_000_000
    dicts = list(wire.pages(method, query, ("startTime", "endTime"), when, first_ms, last_ms, asked))
    cells = [[row.get(key) for key in names] if isinstance(row, dict) else [] for row in dicts]
    table = numbers(cells, ["timestamp", *(names[key] for key in others)])
    return table.assign(timestamp=moments(table["timestamp"]))


def _rows(table: pd.DataFrame, symbol: str, lag: pd.Timedelta, target: tables.Table) -> pd.DataFrame:
    known = table.assign(symbol=symbol, available_at=table["timestamp"] + lag)
    return known.astype({"symbol": "str", "available_at": tables.MOMENT})[[column.name for column in target.columns]]


def _last(start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp) -> pd.Timestamp:
    """The end of what can be known of the window; SettingError when it is none."""
    require_window(start, end)
    return min(end, now)


def _some_every_day(fetched: FetchResult, start: pd.Timestamp, last: pd.Timestamp, name: str, url: str) -> FetchResult:
    """SourceError when a whole day is empty: perpetuals settle and are held around the clock."""
    if fetched.table.empty and last - start >= pd.Timedelta(days=1):
        raise SourceError(f"{name} ({url}) gave no row in ({start}, {last}]; expected some every day")
    return fetched
