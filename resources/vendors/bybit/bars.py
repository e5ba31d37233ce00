"""
Bars of Bybit's linear perpetuals, the live source of crypto.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.batch import Answer, gather, table_of
from alpha_pipeline.resources.vendors.bybit.client import PUBLIC_URL, RATE_LIMIT, BybitClient, open_client
from alpha_pipeline.resources.vendors.bybit.instruments import fetch_listings
from alpha_pipeline.resources.vendors.parsing import in_window, jumps, known_at_close, moments, numbers
from alpha_pipeline.resources.vendors.protocols import (
    FetchResult,
    require_bars,
    require_symbols,
    require_window,
    utc_now,
)
from alpha_pipeline.validation.raw.rows import PRICES

__all__ = ["PUBLIC_URL", "BybitBars"]

SYMBOLS = (
    "ADAUSDT", "APTUSDT", "ARBUSDT", "ATOMUSDT", "AVAXUSDT", "BCHUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "DOTUSDT",
    "ETCUSDT", "ETHUSDT", "FILUSDT", "LINKUSDT", "LTCUSDT", "NEARUSDT", "SOLUSDT", "TRXUSDT", "UNIUSDT", "XRPUSDT",
)  # fmt: skip
FIRST_CLOSE = pd.Timestamp("2020-03-25 11:00", tz="UTC")  # BTCUSDT, the oldest linear perpetual

KLINE_COLUMNS = ("start", "open", "high", "low", "close", "volume", "turnover")
KLINES_PER_PAGE = 1000
INTERVALS = {"1min": "1", "5min": "5", "15min": "15", "30min": "30", "1h": "60", "4h": "240", "1D": "D"}
UNIT_TOLERANCE = 2.0  # turnover / volume is a price of the bar; a median further off means other units


@dataclass(frozen=True)
class BybitBars:
    """
    Linear perpetuals of Bybit v5.

    Args:
        only: the default symbols; empty for twenty liquid ones.
        url: base address; a stand-in on loopback serves as well.
        retry_policy: attempts, waits and the time-out.
        history_days: days that `history` covers.
        now: the clock; bars that close later are not finished.
        rate_limit: shared by all processes of this machine.
    """

    only: tuple[str, ...] = ()
    url: str = PUBLIC_URL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    history_days: int = 365
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit"
    rate_limit: RateLimit = RATE_LIMIT

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The configured symbols, or the default twenty."""
        return tuple(sorted(self.only or SYMBOLS))

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From the oldest perpetual to the last finished bar."""
        return FIRST_CLOSE, self.now().floor(market.bar)

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """
        Finished bars that closed in (start, end].

        Args:
            market: gives the length of a bar.
            symbols: to fetch; None for `symbols(market)`.
            start: exclusive, UTC.
            end: inclusive, UTC.

        Returns:
            Columns of `tables.RAW_OHLCV`. A symbol that failed is a failure; after a ban the others are not requested.
            Bars that cannot be parsed are dropped and counted, as is a symbol without any bar.

        Raises:
            SourceError: every symbol failed, no bar of the window is finished, or there is none where bars must exist.
            SettingError: the window, a symbol or the length of the bar is invalid.
        """
        require_window(start, end)
        picked = require_symbols(self.symbols(market) if symbols is None else symbols)
        if market.bar not in INTERVALS:
            raise SettingError(f"{self.name} has no bars of {market.bar!r}; expected one of {sorted(INTERVALS)}")
        last = min(end, self.coverage(market)[1])
        if last <= start:
            raise SourceError(f"{self.name}: no bar of ({start}, {end}] is finished at {self.now()}")
        client = open_client(self.url, self.rate_limit, self.retry_policy)
        requests = {symbol: partial(_bars, client, market, symbol, start, last) for symbol in picked}
        fetched = gather(requests, tables.RAW_OHLCV, self.name)
        require_bars(fetched.table, market, start, last, f"{self.name} ({self.url})")
        return fetched

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """The rows of `fetch_bars`; failures and counts are logged. A symbol listed later has fewer."""
        return table_of(self.fetch_bars(market, symbols, start, end), self.name)

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The bars of the `history_days` before `end`."""
        start = max(end - pd.Timedelta(days=self.history_days), FIRST_CLOSE - market.bar_length)
        return self.fetch_ohlcv(market, None, start, end) if start < end else tables.RAW_OHLCV.empty()

    def fetch_instruments(self, market: Market) -> FetchResult:
        """Listings and delistings of all perpetuals; see `fetch_listings`."""
        return fetch_listings(open_client(self.url, self.rate_limit, self.retry_policy), self.now())


def _bars(client: BybitClient, market: Market, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    """
    One symbol's bars that closed in (start, end].

    A bar is known at its close, the stamp of its open plus its length.
    """
    request = f"{client.url} klines of {symbol} in ({start}, {end}]"
    query = {"category": "linear", "symbol": symbol, "interval": INTERVALS[market.bar], "limit": KLINES_PER_PAGE}
    first_open, last_open = start.floor(market.bar), end - market.bar_length
    rows = list(
        client.pages("get_kline", query, ("start", "end"), lambda row: row[0], _ms(first_open), _ms(last_open), request)
    )
    if not rows:
        return tables.RAW_OHLCV.empty(), {f"{symbol}: no bar in the window": 1}
    table = numbers([row if isinstance(row, list) else [] for row in rows], KLINE_COLUMNS)
    opened = moments(table.pop("start"))
    table["timestamp"] = opened + market.bar_length
    faults = {
        "a price is missing": table[list(PRICES)].isna().any(axis=1),
        "open off the grid of bars": opened != opened.dt.floor(market.bar),
    }
    sound, counts = in_window(table, faults, (start, end), symbol, request)
    _require_units(sound, request)
    return known_at_close(sound, symbol), counts | jumps(sound["close"], symbol)


def _require_units(bars: pd.DataFrame, request: str) -> None:
    """SourceError when turnover / volume is typically not a price of the bar: one of them has changed its unit."""
    traded = bars[(bars["volume"] > 0) & (bars["turnover"] > 0)]
    paid = traded["turnover"] / traded["volume"] / traded["close"]
    if len(paid) and not 1 / UNIT_TOLERANCE < (typical := float(np.median(paid))) < UNIT_TOLERANCE:
        raise SourceError(
            f"{request}: turnover / volume is {typical:.4g} times the close; expected about 1: the units have changed"
        )


def _ms(moment: pd.Timestamp) -> int:
    return moment.value // 1_000_000
