"""
The live door of crypto: bars of Bybit's linear perpetuals, without a key.

How the exchange is asked is `bybit_wire`; funding and open interest are `bybit_facts`, listings `bybit_instruments`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.validation.raw.rows import PRICES
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.batch import Answer, gather, table_of
from resources.vendors.bybit.client import PACE, PUBLIC_URL, Wire, open_wire
from resources.vendors.bybit.instruments import instruments
from resources.vendors.parsing import broken_bars, in_window, jumps, known_at_close, moments, numbers, untrue_bars
from resources.vendors.protocols import FetchResult, require_bars, require_symbols, require_window, utc_now

__all__ = ["PUBLIC_URL", "BybitBars"]

SYMBOLS = (
    "ADAUSDT", "APTUSDT", "ARBUSDT", "ATOMUSDT", "AVAXUSDT", "BCHUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "DOTUSDT",
    "ETCUSDT", "ETHUSDT", "FILUSDT", "LINKUSDT", "LTCUSDT", "NEARUSDT", "SOLUSDT", "TRXUSDT", "UNIUSDT", "XRPUSDT",
)  # fmt: skip
FIRST_CLOSE = pd.Timestamp("2020-03-25 11:00", tz="UTC")  # BTCUSDT, the oldest linear perpetual

KLINE_COLUMNS = ("start", "open", "high", "low", "close", "volume", "turnover")
KLINES_PER_PAGE = 1000
INTERVALS = {"1min": "1", "5min": "5", "15min": "15", "30min": "30", "1h": "60", "4h": "240", "1D": "D"}
UNITS = 2.0  # turnover / volume is a price of the bar; half of them off by more than this means other units


@dataclass(frozen=True)
class BybitBars:
    """
    Linear perpetuals of Bybit v5.

    Args:
        only: symbols to fetch when none are named; empty for twenty liquid ones.
        url: base address; a stand-in on loopback serves as well.
        patience: tries, waits and the time-out.
        history_days: days `history` goes back.
        now: the clock that tells finished bars from the current one.
        pace: the most the exchange is asked, by all processes of this machine together.
    """

    only: tuple[str, ...] = ()
    url: str = PUBLIC_URL
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    history_days: int = 365
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit"
    pace: RateLimit = PACE

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
        Finished bars that closed in (start, end], of the symbols that came.

        Args:
            market: decides the length of a bar.
            symbols: which; None for `symbols(market)`.
            start: exclusive, UTC.
            end: inclusive, UTC.

        Returns:
            Columns of `tables.RAW_OHLCV`. A symbol that failed is a failure; after a ban the rest is not asked. Bars
            that break their contract are left out and counted in the notes, as is a symbol without any bar.

        Raises:
            SourceError: no symbol came, no bar of the window is finished, or none came where bars must exist.
            SettingError: the window, a symbol or the length of the bar is none.
        """
        require_window(start, end)
        picked = require_symbols(self.symbols(market) if symbols is None else symbols)
        if market.bar not in INTERVALS:
            raise SettingError(f"{self.name} has no bars of {market.bar!r}; expected one of {sorted(INTERVALS)}")
        last = min(end, self.coverage(market)[1])
        if last <= start:
            raise SourceError(f"{self.name}: no bar of ({start}, {end}] is finished at {self.now()}")
        wire = open_wire(self.url, self.pace, self.patience)
        questions = {symbol: partial(_bars, wire, market, symbol, start, last) for symbol in picked}
        fetched = gather(questions, tables.RAW_OHLCV, self.name)
        require_bars(fetched.table, market, start, last, f"{self.name} ({self.url})")
        return fetched

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """The rows of `fetch_bars`; what failed or was left out goes to the log. A symbol listed later has fewer."""
        return table_of(self.fetch_bars(market, symbols, start, end), self.name)

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The bars of the `history_days` before `end`."""
        start = max(end - pd.Timedelta(days=self.history_days), FIRST_CLOSE - market.bar_length)
        return self.fetch_ohlcv(market, None, start, end) if start < end else tables.RAW_OHLCV.empty()

    def fetch_instruments(self, market: Market) -> FetchResult:
        """Listings and delistings of all perpetuals, delisted ones too; see `bybit_instruments.instruments`."""
        return instruments(open_wire(self.url, self.pace, self.patience), self.now())


def _bars(wire: Wire, market: Market, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> Answer:
    """
    One symbol's bars that closed in (start, end], a page of a thousand after the other.

    A bar is known at its close, the stamp of its opening plus its length.
    """
    asked = f"{wire.url} klines of {symbol} in ({start}, {end}]"
    query = {"category": "linear", "symbol": symbol, "interval": INTERVALS[market.bar], "limit": KLINES_PER_PAGE}
    first_open, last_open = start.floor(market.bar), end - market.bar_length
    rows = list(
        wire.pages("get_kline", query, ("start", "end"), lambda row: row[0], _ms(first_open), _ms(last_open), asked)
    )
    if not rows:
        return tables.RAW_OHLCV.empty(), {f"{symbol}: no bar in the window": 1}
    table = numbers([row if isinstance(row, list) else [] for row in rows], KLINE_COLUMNS)
    opened = moments(table.pop("start"))
    table["timestamp"] = opened + market.bar_length
    broken = {
        "a price is missing": table[list(PRICES)].isna().any(axis=1),
        **broken_bars(table),
        "opened off the grid of its bars": opened != opened.dt.floor(market.bar),
    }
    sound, notes = in_window(table, broken, (start, end), symbol, asked)
    _require_units(sound, asked)
    untrue = known_at_close(untrue_bars(table, (start, end)), symbol)
    return known_at_close(sound, symbol), notes | jumps(sound["close"], symbol), untrue


def _require_units(bars: pd.DataFrame, asked: str) -> None:
    """SourceError when turnover / volume is, in most bars, no price of the bar: one of them has changed its unit."""
    traded = bars[(bars["volume"] > 0) & (bars["turnover"] > 0)]
    paid = traded["turnover"] / traded["volume"] / traded["close"]
    if len(paid) and not 1 / UNITS < (typical := float(np.median(paid))) < UNITS:
        raise SourceError(
            f"{asked}: turnover / volume is {typical:.4g} times the close; expected about 1, so the units have changed"
        )


def _ms(moment: pd.Timestamp) -> int:
    return moment.value // 1_000_000
