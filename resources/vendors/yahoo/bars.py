"""
The live door of equities: daily bars of Yahoo Finance, and when companies were first traded.

How the vendor is asked is `yahoo_wire`; sessions and half days are found here; adjusted closes are
`yahoo_adjustments`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market, expected_closes
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.batch import Answer, gather, table_of
from resources.vendors.listings import listing_rows
from resources.vendors.parsing import broken_bars, in_window, jumps, known_at_close, quarantined, untrue_bars
from resources.vendors.protocols import FetchResult, require_bars, require_symbols, require_window, utc_now
from resources.vendors.yahoo.client import CURRENCY, PACE, client, quotes, refused

__all__ = ["SYMBOLS", "YahooBars", "client", "refused"]

SYMBOLS = (
    "AAPL", "ABBV", "ABT", "ACN", "ADBE", "AMD", "AMGN", "AMZN", "AVGO", "BAC", "CAT", "COST", "CRM", "CSCO", "CVX",
    "DIS", "GE", "GOOGL", "GS", "HD", "HON", "IBM", "INTC", "JNJ", "JPM", "KO", "LIN", "LLY", "LOW", "MA", "MCD",
    "META", "MRK", "MSFT", "NFLX", "NKE", "NVDA", "ORCL", "PEP", "PFE", "PG", "QCOM", "TMO", "TSLA", "TXN", "UNH", "V",
    "VZ", "WMT", "XOM",
)  # fmt: skip
FIRST_CLOSE = pd.Timestamp("1995-01-03 21:00", tz="UTC")  # where the exchange calendar begins
SETTLED_AFTER = pd.Timedelta(minutes=30)  # quotes lag the exchange by up to 20 minutes; sooner, a close may still move


@dataclass(frozen=True)
class YahooBars:
    """
    Daily quotes of Yahoo Finance.

    Args:
        only: symbols to fetch when none are named; empty for fifty large companies.
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        patience: tries, waits and the time-out.
        history_days: days `history` goes back.
        cache_folder: where the client keeps time zones and cookies; empty for a folder of temporary files.
        now: the clock that tells finished sessions from the current one.
        pace: the most the vendor is asked, by all processes of this machine together.
    """

    only: tuple[str, ...] = ()
    url: str = ""
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    history_days: int = 3650
    cache_folder: str = ""
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "yahoo"
    pace: RateLimit = PACE

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
        Settled sessions that closed in (start, end], of the symbols that came.

        Prices are as traded but for splits, which the vendor applies to all of the past: a window fetched before a
        split and one fetched after it meet in a jump by its ratio, which `YahooAdjustments` gives. Dividends do not
        change them.

        Args:
            market: one of daily bars; decides the calendar.
            symbols: which; None for `symbols(market)`.
            start: exclusive, UTC.
            end: inclusive, UTC.

        Returns:
            Columns of `tables.RAW_OHLCV`; a volume the vendor has not is 0, by its client. A symbol that failed is a
            failure; after a ban the rest is not asked. Bars that break their contract are left out and counted in the
            notes, as are sessions without a bar.

        Raises:
            SourceError: no symbol came, no session of the window is settled, or none came where bars must exist.
            SettingError: the window, a symbol or the length of the bar is none.
        """
        require_window(start, end)
        picked = require_symbols(self.symbols(market) if symbols is None else symbols)
        closes = settled_closes(market, start, end, self.now(), self.name)
        if len(closes) == 0:
            return FetchResult(tables.RAW_OHLCV.empty())
        session = client(self.url.rstrip("/"), self.cache_folder, pace=self.pace)
        questions = {symbol: partial(_bars, session, symbol, closes, self.patience) for symbol in picked}
        fetched = gather(questions, tables.RAW_OHLCV, self.name)
        require_bars(fetched.table, market, start, closes[-1], f"{self.name} ({session.address})")
        return fetched

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """The rows of `fetch_bars`; what failed or was left out goes to the log."""
        return table_of(self.fetch_bars(market, symbols, start, end), self.name)

    def fetch_instruments(self, market: Market) -> FetchResult:
        """
        When `symbols(market)` were first traded.

        The vendor forgets what is delisted: the table has survivors only, and a note counts them.

        Returns:
            Columns of `tables.LISTINGS`: one row a symbol, without an end, funding or a step of the price.
            A symbol without a date of its first trade is counted in the notes.

        Raises:
            SourceError: no symbol came.
            SettingError: the market has other than daily bars.
        """
        now = self.now()
        last = settled_closes(market, now - pd.Timedelta(days=14), now, now, self.name)
        session = client(self.url.rstrip("/"), self.cache_folder, pace=self.pace)
        picked = require_symbols(self.symbols(market))
        questions = {symbol: partial(_listing, session, symbol, last, self.patience, now) for symbol in picked}
        fetched = gather(questions, tables.LISTINGS, f"{self.name} instruments")
        unknown = {"symbols that trade today; what was delisted is not known": len(fetched.table)}
        return FetchResult(fetched.table, fetched.failures, {**fetched.notes, **unknown})

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The sessions of the `history_days` before `end`."""
        start = max(end - pd.Timedelta(days=self.history_days), FIRST_CLOSE - market.bar_length)
        return self.fetch_ohlcv(market, None, start, end) if start < end else tables.RAW_OHLCV.empty()


def last_settled(market: Market, now: pd.Timestamp) -> pd.Timestamp:
    """Close of the last session whose quotes do not move any more."""
    settled = now - SETTLED_AFTER
    return expected_closes(market, settled - pd.Timedelta(days=14), settled)[-1]


def settled_closes(
    market: Market, start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp, name: str
) -> pd.DatetimeIndex:
    """
    Closes of the settled sessions in (start, end], UTC; none where the calendar has none.

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
    table: pd.DataFrame, closes: pd.DatetimeIndex, symbol: str, asked: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """
    Rows of days -> rows of sessions, with their close as `timestamp`; days that are no session asked for are counted.

    Sessions of the regular exchanges close on their own day, UTC too, so the date finds the close, half days and
    changes of the clock included.

    Raises:
        SourceError: there were rows and none is of a session.
    """
    close_of_day = dict(zip(closes.tz_localize(None).normalize(), closes, strict=True))
    days = pd.DatetimeIndex(table.index).tz_localize(None).normalize()
    dated = table.assign(timestamp=pd.DatetimeIndex(days.map(close_of_day), tz="UTC"))
    dated = dated.astype({"timestamp": tables.MOMENT})
    known, notes = quarantined(dated, {"a day that is no session asked for": dated["timestamp"].isna()}, symbol)
    if known.empty:
        raise SourceError(f"{asked}: none of {len(table)} days is a session asked for; the first is {table.index[0]}")
    return known, notes


def _bars(session: Any, symbol: str, closes: pd.DatetimeIndex, patience: RetryPolicy) -> Answer:
    asked = f"{session.address} daily bars of {symbol}, sessions {closes[0]:%Y-%m-%d} to {closes[-1]:%Y-%m-%d}"
    table, _ = quotes(session, symbol, closes[0], closes[-1], patience, asked)
    dated, off = on_sessions(table, closes, symbol, asked)
    broken = {"a session without a price": dated["close"].isna(), **broken_bars(dated)}
    window = closes[0] - pd.Timedelta(1, "us"), closes[-1]
    sound, notes = in_window(dated, broken, window, symbol, asked)
    lost = {f"{symbol}: sessions without a bar": len(closes) - len(sound)} if len(sound) < len(closes) else {}
    told = {**off, **notes, **lost, **jumps(sound["close"], symbol)}
    return known_at_close(sound, symbol), told, known_at_close(untrue_bars(dated, window), symbol)


def _listing(session: Any, symbol: str, closes: pd.DatetimeIndex, patience: RetryPolicy, now: pd.Timestamp) -> Answer:
    asked = f"{session.address} first trade of {symbol}"
    _, told = quotes(session, symbol, closes[0], closes[-1], patience, asked)
    first = told.get("firstTradeDate")  # the client has made a moment of it
    if not isinstance(first, pd.Timestamp) or first.tzinfo is None:
        return tables.LISTINGS.empty(), {f"{symbol}: no date of its first trade": 1}
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
