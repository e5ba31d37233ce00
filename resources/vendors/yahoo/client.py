"""
The client of Yahoo Finance: requests through `yfinance`, one rate limit for all, and the meaning of its errors.
"""

import tempfile
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.vendors.batch import BannedError

CURRENCY = "USD"  # prices in other currencies are refused
# Yahoo publishes no limit and bans by address. One request in two seconds
# fetches fifty companies in under two minutes, in four when their time zones are not cached yet.
RATE_LIMIT = RateLimit("yahoo", 30, 60.0)
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


def open_session(
    base: str, cache_folder: str, timeout_seconds: float | None = None, rate_limit: RateLimit | None = None
) -> Any:
    """
    A session for yfinance whose requests to any Yahoo host go to `base` when one is given.

    yfinance keeps one session per process and copies its host names at import, so requests are rewritten. The session
    stores the status of the last answer, which yfinance does not pass on. A time-out given here replaces one of
    yfinance that callers cannot change; a rate limit applies to every request, also those yfinance makes by itself;
    None leaves it to the caller.
    """
    import yfinance  # a second, spent by live runs only
    from curl_cffi import requests

    class Session(requests.Session):
        last_status = 0
        address = base or "query2.finance.yahoo.com"

        def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
            parts = urlsplit(url)
            if base and f".{parts.hostname}".endswith(".yahoo.com"):
                url = base + parts.path + (f"?{parts.query}" if parts.query else "")
            self.last_status = 0
            if timeout_seconds is not None:
                kwargs["timeout"] = timeout_seconds
            if rate_limit is not None:
                rate_limit.wait()
            response = super().request(method, url, *args, **kwargs)
            self.last_status = response.status_code
            return response

    folder = Path(cache_folder or Path(tempfile.gettempdir()) / "alpha_pipeline_yahoo")
    folder.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(folder))
    yfinance.config.debug.hide_exceptions = False  # by default it logs failures and returns nothing
    return Session(impersonate="chrome")


def quotes(
    session: Any, symbol: str, first: pd.Timestamp, last: pd.Timestamp, retry_policy: RetryPolicy, request: str
) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """
    Daily quotes of one symbol.

    Args:
        session: of `client`.
        symbol: its ticker.
        first: first day.
        last: last day, inclusive.
        retry_policy: attempts, waits and the time-out.
        request: begins the error message.

    Returns:
        Columns open, high, low, close, volume, adjusted_close, dividend, split as float64, indexed by the days at
        midnight of the exchange, sorted, each once; and the vendor's metadata of the symbol.

    Raises:
        SourceError: refused for good, failed after all attempts, malformed, or in another currency.
    """
    table, description = with_retry(
        partial(_attempt, session, symbol, first, last, retry_policy.timeout_seconds), retry_policy, request
    )
    if description.get("currency") != CURRENCY:
        raise SourceError(f"{request}: prices are in {description.get('currency')!r}; expected {CURRENCY}")
    try:
        return table[list(_COLUMNS)].rename(columns=_COLUMNS).astype("float64"), description
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{request}: malformed answer: {error!r}") from error


def attempt_error(error: Exception, session: Any) -> AttemptFailedError:
    """The error of yfinance as a failed attempt."""
    from curl_cffi.requests.exceptions import RequestException, Timeout
    from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

    status = session.last_status
    if isinstance(error, YFRateLimitError):
        return BannedError("HTTP 429: too many requests", retryable=True)
    if isinstance(error, Timeout):
        return AttemptFailedError("no answer in time", retryable=True)
    if status == 403:
        return BannedError("HTTP 403: this address is blocked", retryable=False)
    if status >= 400 and status != 404:
        return AttemptFailedError(f"HTTP {status}", retryable=status >= 500)
    if isinstance(error, YFTickerMissingError):
        return AttemptFailedError(str(error), retryable=False)
    if status == 404:
        return AttemptFailedError("HTTP 404: unknown or delisted symbol", retryable=False)
    if isinstance(error, RequestException) and status == 0:
        return AttemptFailedError(f"not reachable or truncated: {error}", retryable=True)
    return AttemptFailedError(f"unexpected error: {error!r:.200}", retryable=isinstance(error, ValueError))


def _attempt(
    session: Any, symbol: str, first: pd.Timestamp, last: pd.Timestamp, timeout_seconds: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Quotes and metadata of one symbol; every failure becomes `AttemptFailedError`."""
    import yfinance
    from yfinance.data import YfData

    YfData.cache_get.cache_clear()  # it caches bad answers for the life of the process
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # caused by yfinance itself
            ticker = yfinance.Ticker(symbol, session=session)
            table = ticker.history(
                start=first.strftime("%Y-%m-%d"),
                end=(last + pd.Timedelta(days=1)).strftime("%Y-%m-%d"),
                interval="1d",
                auto_adjust=False,
                actions=True,
                timeout=timeout_seconds,
            )
            description = {name: ticker.history_metadata.get(name) for name in ("currency", "firstTradeDate")}
    except Exception as error:  # yfinance raises KeyError, TypeError and others for malformed answers
        raise attempt_error(error, session) from error
    if table.empty:
        raise AttemptFailedError(
            "an empty answer for days with a session (delisted, renamed or not yet listed?)", retryable=False
        )
    return table, description
