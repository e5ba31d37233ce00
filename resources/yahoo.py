"""
The live door of equities: daily bars of Yahoo Finance, split-adjusted, dividends and adjusted closes kept apart.

`yfinance` speaks to the vendor; sessions, half days and refusing nonsense are done here.
"""

import logging
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market import Market, expected_closes
from resources.door import require_bars, require_source, require_symbols, require_window, utc_now
from resources.patience import Patience, RefusedError, insist

SYMBOLS = (
    "AAPL", "ABBV", "ABT", "ACN", "ADBE", "AMD", "AMGN", "AMZN", "AVGO", "BAC", "CAT", "COST", "CRM", "CSCO", "CVX",
    "DIS", "GE", "GOOGL", "GS", "HD", "HON", "IBM", "INTC", "JNJ", "JPM", "KO", "LIN", "LLY", "LOW", "MA", "MCD",
    "META", "MRK", "MSFT", "NFLX", "NKE", "NVDA", "ORCL", "PEP", "PFE", "PG", "QCOM", "TMO", "TSLA", "TXN", "UNH", "V",
    "VZ", "WMT", "XOM",
)  # fmt: skip
FIRST_CLOSE = pd.Timestamp("1995-01-03 21:00", tz="UTC")  # where the exchange calendar begins
SETTLED_AFTER = pd.Timedelta(minutes=30)  # quotes lag the exchange by up to 20 minutes; sooner, a close may still move

ABSENT = {
    "funding": "stocks have no funding rate",
    "derivatives": "stocks have no perpetual contracts",
    "news": "Yahoo headlines are not connected yet",
    "social": "Yahoo has no posts",
    "onchain": "stocks have no chain metrics",
}
_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
    "Adj Close": "adjusted_close",
    "Dividends": "dividend",
    "Stock Splits": "split",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class YahooDoor:
    """
    Daily quotes of Yahoo Finance.

    Args:
        only: symbols to fetch when none are named; empty for fifty large companies.
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        patience: tries, waits and the time-out.
        history_days: days `history` goes back.
        cache_folder: where the client keeps time zones and cookies; empty for a folder of temporary files.
        now: the clock that tells finished sessions from the current one.
    """

    only: tuple[str, ...] = ()
    url: str = ""
    patience: Patience = field(default_factory=Patience)
    history_days: int = 3650
    cache_folder: str = ""
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "yahoo"

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The configured symbols, or the default fifty."""
        return tuple(sorted(self.only or SYMBOLS))

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From the first session of the calendar to the last settled one."""
        settled = self.now() - SETTLED_AFTER
        return FIRST_CLOSE, expected_closes(market, settled - pd.Timedelta(days=14), settled)[-1]

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """
        Settled sessions that closed in (start, end]; see `MarketData`.

        Prices are as traded but for splits, which the vendor applies to the past; dividends do not change them.
        """
        table = self._sessions(market, symbols, start, end)
        return table[[column.name for column in tables.RAW_OHLCV.columns]]

    def fetch_adjustments(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """
        What the vendor knows today about the same sessions; kept apart, because every later dividend rewrites it.

        Returns:
            timestamp, symbol, adjusted_close (USD, splits and dividends), dividend (USD per share), split (new shares
            per old; 0 without one). Errors as `fetch_ohlcv`.
        """
        table = self._sessions(market, symbols, start, end)
        return table[["timestamp", "symbol", "adjusted_close", "dividend", "split"]]

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The sessions of the `history_days` before `end`."""
        start = max(end - pd.Timedelta(days=self.history_days), FIRST_CLOSE - market.bar_length)
        return self.fetch_ohlcv(market, None, start, end) if start < end else tables.RAW_OHLCV.empty()

    def missing_reason(self, source: str) -> str | None:
        """Always a reason: only bars are fetched."""
        require_source(source)
        return ABSENT[source]

    def fetch_facts(self, source: str, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        """The empty table of the source."""
        require_window(start, end)
        return require_source(source).empty()

    def _sessions(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        require_window(start, end)
        if market.bar_length != pd.Timedelta(days=1):
            raise SettingError(f"{self.name} serves daily bars; market {market.name} asks for {market.bar!r}")
        picked = require_symbols(self.symbols(market) if symbols is None else symbols)
        last = min(end, self.coverage(market)[1])
        closes = expected_closes(market, start, last) if start < last else pd.DatetimeIndex([], tz="UTC")
        if len(closes) == 0:
            if len(expected_closes(market, start, end)):
                raise SourceError(f"{self.name}: no session of ({start}, {end}] is settled at {self.now()}")
            return tables.RAW_OHLCV.empty().assign(adjusted_close=0.0, dividend=0.0, split=0.0)
        session = client(self.url.rstrip("/"), self.cache_folder)
        bars = [self._bars(session, symbol, closes) for symbol in picked]
        table = pd.concat(bars).sort_values(["timestamp", "symbol"], ignore_index=True)
        require_bars(table, market, start, last, f"{self.name} ({self._address()})")
        return table

    def _bars(self, session: Any, symbol: str, closes: pd.DatetimeIndex) -> pd.DataFrame:
        asked = f"{self._address()} daily bars of {symbol}, sessions {closes[0]:%Y-%m-%d} to {closes[-1]:%Y-%m-%d}"
        quotes = insist(partial(_ask, session, symbol, closes, self.patience.timeout_seconds), self.patience, asked)
        try:
            table = quotes[list(_COLUMNS)].rename(columns=_COLUMNS).astype("float64")
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{asked}: the answer has another shape: {error!r}") from error
        # Sessions of the regular exchanges close on their own day, UTC too, so the date finds the close.
        close_of_day = dict(zip(closes.tz_localize(None).normalize(), closes, strict=True))
        days = pd.DatetimeIndex(quotes.index).tz_localize(None).normalize()
        table["timestamp"] = pd.DatetimeIndex(days.map(close_of_day), tz="UTC")
        outside = int(table["timestamp"].isna().sum())
        priced = table[table["timestamp"].notna() & table["close"].notna()]
        lost = len(closes) - len(priced)
        if outside or lost:
            _log.warning("%s: %d rows on no asked session left out, %d sessions without a price", asked, outside, lost)
        if not np.isfinite(priced[["close", "volume"]].to_numpy()).all():
            raise SourceError(f"{asked}: a close or volume is not finite")
        known = priced.assign(symbol=symbol, available_at=priced["timestamp"]).astype({"symbol": "str"})
        return known.astype({"timestamp": "datetime64[us, UTC]", "available_at": "datetime64[us, UTC]"})

    def _address(self) -> str:
        return self.url or "query2.finance.yahoo.com"


def client(base: str, cache_folder: str, timeout_seconds: float | None = None) -> Any:
    """
    A session for yfinance whose requests to any Yahoo host go to `base` when one is given.

    The client keeps one session per process, and copies its host names at import: rewriting requests is the only way
    that holds. It remembers the status of the last answer, which yfinance does not pass on. A time-out given here holds
    where yfinance has one of its own that callers cannot change.
    """
    import yfinance  # a second, paid by live runs only
    from curl_cffi import requests

    class Session(requests.Session):
        last_status = 0

        def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
            parts = urlsplit(url)
            if base and f".{parts.hostname}".endswith(".yahoo.com"):
                url = base + parts.path + (f"?{parts.query}" if parts.query else "")
            self.last_status = 0
            if timeout_seconds is not None:
                kwargs["timeout"] = timeout_seconds
            response = super().request(method, url, *args, **kwargs)
            self.last_status = response.status_code
            return response

    folder = Path(cache_folder or Path(tempfile.gettempdir()) / "alpha_pipeline_yahoo")
    folder.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(folder))
    yfinance.config.debug.hide_exceptions = False  # by default it logs failures and returns nothing
    return Session(impersonate="chrome")


def _ask(session: Any, symbol: str, closes: pd.DatetimeIndex, timeout_seconds: float) -> pd.DataFrame:
    """One symbol's quotes; every way it fails becomes `RefusedError`."""
    import yfinance
    from yfinance.data import YfData

    YfData.cache_get.cache_clear()  # it keeps bad answers about past days for the life of the process
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the client's own use of pandas, shown by its choice
            quotes = yfinance.Ticker(symbol, session=session).history(
                start=closes[0].strftime("%Y-%m-%d"),
                end=(closes[-1] + pd.Timedelta(days=1)).strftime("%Y-%m-%d"),
                interval="1d",
                auto_adjust=False,
                actions=True,
                timeout=timeout_seconds,
            )
    except (
        Exception
    ) as error:  # answers of another shape surface as KeyError, TypeError and more from inside the client
        raise refused(error, session) from error
    if quotes.empty:
        raise RefusedError(
            "an empty answer for days with a session (delisted, renamed or not yet listed?)", again=False
        )
    return quotes


def refused(error: Exception, session: Any) -> RefusedError:
    """What an error from inside yfinance means."""
    from curl_cffi.requests.exceptions import RequestException, Timeout
    from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

    status = session.last_status
    if isinstance(error, YFRateLimitError):
        return RefusedError("HTTP 429: too many requests", again=True)
    if isinstance(error, Timeout):
        return RefusedError("no answer in time", again=True)
    if status >= 400 and status != 404:
        return RefusedError(f"HTTP {status}", again=status >= 500)
    if isinstance(error, YFTickerMissingError):
        return RefusedError(str(error), again=False)
    if status == 404:
        return RefusedError("HTTP 404: no such symbol, or delisted", again=False)
    if isinstance(error, RequestException) and status == 0:
        return RefusedError(f"not reachable or cut short: {error}", again=True)
    return RefusedError(f"not understood: {error!r:.200}", again=isinstance(error, ValueError))
