"""
Daily bars and first trade dates of Yahoo Finance, the live source of equities.

Adjusted closes are in `adjustments`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.batch import Answer, gather, table_of
from alpha_pipeline.resources.vendors.listings import listing_rows
from alpha_pipeline.resources.vendors.parsing import drop_faulty, in_window, jumps, known_at_close
from alpha_pipeline.resources.vendors.protocols import (
    FetchResult,
    require_bars,
    require_symbols,
    require_window,
    utc_now,
)
from alpha_pipeline.resources.vendors.yahoo.client import CURRENCY, RATE_LIMIT, open_session, quotes

SYMBOLS = (
    "AAPL", "ABBV", "ABT", "ACN", "ADBE", "AMD", "AMGN", "AMZN", "AVGO", "BAC", "CAT", "COST", "CRM", "CSCO", "CVX",
    "DIS", "GE", "GOOGL", "GS", "HD", "HON", "IBM", "INTC", "JNJ", "JPM", "KO", "LIN", "LLY", "LOW", "MA", "MCD",
    "META", "MRK", "MSFT", "NFLX", "NKE", "NVDA", "ORCL", "PEP", "PFE", "PG", "QCOM", "TMO", "TSLA", "TXN", "UNH", "V",
    "VZ", "WMT", "XOM",
)  # fmt: skip
FIRST_CLOSE = pd.Timestamp("1995-01-03 21:00", tz="UTC")  # beginning of the exchange calendar
SETTLED_AFTER = pd.Timedelta(
    minutes=30
)  # quotes lag the exchange by up to 20 minutes; before, a close may still change


@dataclass(frozen=True)
class YahooBars:
    """
    Daily bars of Yahoo Finance.

    Args:
        only: the default symbols; empty for fifty large companies.
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        retry_policy: attempts, waits and the time-out.
        history_days: days that `history` covers.
        cache_folder: folder of the client's time zones and cookies; empty for a temporary folder.
        now: the clock; later sessions are not settled.
        rate_limit: shared by all processes of this machine.
    """

    only: tuple[str, ...] = ()
    url: str = ""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    history_days: int = 3650
    cache_folder: str = ""
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "yahoo"
    rate_limit: RateLimit = RATE_LIMIT

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The configured symbols, or the default fifty."""
        return tuple(sorted(self.only or SYMBOLS))

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From the first session of the calendar to the last settled one."""
        return FIRST_CLOSE, last_settled(market, self.now())

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """
        Settled sessions that closed in (start, end].

        Prices are as traded except for splits, which the vendor applies to all of the past: between a window fetched
        before a split and one fetched after it prices jump by its ratio, which `YahooAdjustments` gives. Dividends do
        not change them.

        Args:
            market: with daily bars; gives the calendar.
            symbols: to fetch; None for `symbols(market)`.
            start: exclusive, UTC.
            end: inclusive, UTC.

        Returns:
            Columns of `tables.RAW_OHLCV`; the vendor's client sets a missing volume to 0. A symbol that failed is a
            failure; after a ban the others are not requested. Sessions without a bar are counted.

        Raises:
            SourceError: every symbol failed, no session of the window is settled, or no bar where some are due.
            SettingError: the window, a symbol or the length of the bar is invalid.
        """
        require_window(start, end)
        picked = require_symbols(self.symbols(market) if symbols is None else symbols)
        closes = settled_closes(market, start, end, self.now(), self.name)
        if len(closes) == 0:
            return FetchResult(tables.RAW_OHLCV.empty())
        session = open_session(self.url.rstrip("/"), self.cache_folder, rate_limit=self.rate_limit)
        requests = {symbol: partial(_bars, session, symbol, closes, self.retry_policy) for symbol in picked}
        fetched = gather(requests, tables.RAW_OHLCV, self.name)
        require_bars(fetched.table, market, start, closes[-1], f"{self.name} ({session.address})")
        return fetched

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """The rows of `fetch_bars`; failures and counts are logged."""
        return table_of(self.fetch_bars(market, symbols, start, end), self.name)

    def fetch_instruments(self, market: Market) -> FetchResult:
        """
        First trade dates of `symbols(market)`.

        The vendor has no delisted symbols: the table is biased upwards (survivorship), which a count says.

        Returns:
            Columns of `tables.LISTINGS`: one row per symbol, without delisting, funding interval and tick size.
            Symbols without a first trade date are counted.

        Raises:
            SourceError: every symbol failed.
            SettingError: the market has other than daily bars.
        """
        now = self.now()
        last = settled_closes(market, now - pd.Timedelta(days=14), now, now, self.name)
        session = open_session(self.url.rstrip("/"), self.cache_folder, rate_limit=self.rate_limit)
        picked = require_symbols(self.symbols(market))
        requests = {symbol: partial(_listing, session, symbol, last, self.retry_policy, now) for symbol in picked}
        fetched = gather(requests, tables.LISTINGS, f"{self.name} instruments")
        survivors = {"symbols that trade today; delisted ones are unknown": len(fetched.table)}
        return FetchResult(fetched.table, fetched.failures, {**fetched.counts, **survivors})

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The sessions of the `history_days` before `end`."""
        start = max(end - pd.Timedelta(days=self.history_days), FIRST_CLOSE - market.bar_length)
        return self.fetch_ohlcv(market, None, start, end) if start < end else tables.RAW_OHLCV.empty()


def last_settled(market: Market, now: pd.Timestamp) -> pd.Timestamp:
    """Close of the last settled session."""
    settled = now - SETTLED_AFTER
    return expected_closes(market, settled - pd.Timedelta(days=14), settled)[-1]


def settled_closes(
    market: Market, start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp, name: str
) -> pd.DatetimeIndex:
    """
    Closes of the settled sessions in (start, end], UTC; empty where the calendar has no session.

    Raises:
        SourceError: there are sessions and none is settled.
        SettingError: the market has other than daily bars.
    """
    if market.bar_length != pd.Timedelta(days=1):
        raise SettingError(f"{name} serves daily bars; market {market.name} asks for {market.bar!r}")
    last = min(end, last_settled(market, now))
    closes = expected_closes(market, start, last) if start < last else pd.DatetimeIndex([], tz="UTC")
    if len(closes) == 0 and len(expected_closes(market, start, end)):
        raise SourceError(f"{name}: no session of ({start}, {end}] is settled at {now}")
    return closes


def on_sessions(
    table: pd.DataFrame, closes: pd.DatetimeIndex, symbol: str, request: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """
    Rows by day -> rows by session, with the close as `timestamp`; other days are dropped and counted.

    Sessions of the regular exchanges close on their own day, in UTC too, so the date identifies the close, on half days
    and with daylight saving.

    Raises:
        SourceError: no row belongs to a requested session.
    """
    close_of_day = dict(zip(closes.tz_localize(None).normalize(), closes, strict=True))
    days = pd.DatetimeIndex(table.index).tz_localize(None).normalize()
    dated = table.assign(timestamp=pd.DatetimeIndex(days.map(close_of_day), tz="UTC"))
    dated = dated.astype({"timestamp": tables.MOMENT})
    rows, counts = drop_faulty(dated, {"days without a requested session": dated["timestamp"].isna()}, symbol)
    if rows.empty:
        raise SourceError(f"{request}: none of {len(table)} days is a requested session; the first is {table.index[0]}")
    return rows, counts


def _bars(session: Any, symbol: str, closes: pd.DatetimeIndex, retry_policy: RetryPolicy) -> Answer:
    request = f"{session.address} daily bars of {symbol}, sessions {closes[0]:%Y-%m-%d} to {closes[-1]:%Y-%m-%d}"
    table, _ = quotes(session, symbol, closes[0], closes[-1], retry_policy, request)
    dated, off = on_sessions(table, closes, symbol, request)
    faults = {"a session without a price": dated["close"].isna()}
    window = closes[0] - pd.Timedelta(1, "us"), closes[-1]
    sound, counts = in_window(dated, faults, window, symbol, request)
    missing = {f"{symbol}: sessions without a bar": len(closes) - len(sound)} if len(sound) < len(closes) else {}
    return known_at_close(sound, symbol), {**off, **counts, **missing, **jumps(sound["close"], symbol)}


def _listing(
    session: Any, symbol: str, closes: pd.DatetimeIndex, retry_policy: RetryPolicy, now: pd.Timestamp
) -> Answer:
    request = f"{session.address} first trade of {symbol}"
    _, description = quotes(session, symbol, closes[0], closes[-1], retry_policy, request)
    first = description.get("firstTradeDate")  # converted to a timestamp by the client
    if not isinstance(first, pd.Timestamp) or first.tzinfo is None:
        return tables.LISTINGS.empty(), {f"{symbol}: no first trade date": 1}
    row = {
        "symbol": [symbol],
        "listed_at": [first.tz_convert("UTC")],
        "delisted_at": pd.Series([pd.NaT], dtype=tables.MOMENT),
        "status": ["Trading"],
        "base": [symbol],
        "quote": [CURRENCY],
        "funding_interval_minutes": [float("nan")],
        "tick_size": [float("nan")],
    }
    return listing_rows(pd.DataFrame(row), now), {}
