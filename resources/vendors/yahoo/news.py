"""
Latest headlines per stock of Yahoo Finance.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from alpha_pipeline.resources.vendors.text.headlines import MISSHAPEN, Item, news_rows, utc_moment
from alpha_pipeline.resources.vendors.yahoo.client import attempt_error, open_session

RATE_LIMIT = RateLimit("yahoo_news", calls=1, seconds=1.0)  # no limit is published; fast clients are banned
ITEMS_PER_SYMBOL = 50
SHORT_REACH = "streams that do not reach the beginning of the window"


@dataclass(frozen=True)
class YahooNews:
    """
    The news stream of each symbol.

    A stream has the latest items only: fetch it daily. A window that begins before its oldest item is incomplete, which
    `counts` says. An item the vendor assigns to a symbol counts for it, whether or not the title names it.

    Args:
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        retry_policy: attempts, waits and the time-out.
        cache_folder: folder of the client's time zones and cookies; empty for a temporary folder.
        rate_limit: of symbols.
        count: requested items per symbol.
        now: the clock; later items are errors.
    """

    url: str = ""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    cache_folder: str = ""
    rate_limit: RateLimit = RATE_LIMIT
    count: int = ITEMS_PER_SYMBOL
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "yahoo_news"
    kind: str = "news"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Items published in (start, end], available when published.

        Raises:
            SourceError: every symbol failed.
            SettingError: the window or a symbol is invalid.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        session = open_session(self.url.rstrip("/"), self.cache_folder, self.retry_policy.timeout_seconds)
        items: list[Item] = []
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for symbol in picked:
            try:
                stream = self._stream(session, symbol, counts)
            except SourceError as error:
                failures[symbol] = str(error)
                continue
            items.extend(stream)
            counts[SHORT_REACH] += min((item.published for item in stream if item.published), default=start) > start
        if len(failures) == len(picked):
            raise SourceError(f"{self.name}: all {len(picked)} symbols failed; first: {failures[picked[0]]}")
        rows = news_rows(items, picked, market, (start, end), self.now())
        return FetchResult(
            rows.table, failures, {**rows.counts, **{note: count for note, count in counts.items() if count}}
        )

    def _stream(self, session: Any, symbol: str, counts: Counter[str]) -> list[Item]:
        request = f"{self.url or 'finance.yahoo.com'} news of {symbol}"
        rows = with_retry(partial(self._once, session, symbol), self.retry_policy, request)
        good = [row["content"] for row in rows if isinstance(row, dict) and isinstance(row.get("content"), dict)]
        if not good:
            raise SourceError(f"{request}: expected items with a content; found {str(rows[0])[:200]}")
        if len(good) < len(rows):
            counts[MISSHAPEN] += len(rows) - len(good)
        return [
            Item(content.get("title"), _link(content), utc_moment(content.get("pubDate")), about=(symbol,))
            for content in good
        ]

    def _once(self, session: Any, symbol: str) -> list[Any]:
        """One stream. The client turns a malformed answer into no items, so no items are an error."""
        import yfinance
        from yfinance.exceptions import YFDataException

        self.rate_limit.wait()
        try:
            rows = yfinance.Ticker(symbol, session=session).get_news(count=self.count)
        except YFDataException as error:
            raise AttemptFailedError(f"the vendor is down: {error}", retryable=True) from error
        except Exception as error:  # the client raises AttributeError and others for malformed answers
            raise attempt_error(error, session) from error
        if session.last_status >= 400:
            raise AttemptFailedError(f"HTTP {session.last_status}", retryable=session.last_status >= 500)
        if not rows:
            raise AttemptFailedError(
                "no items; expected the latest ones (unknown symbol, or a malformed answer?)", retryable=False
            )
        return list(rows)


def _link(content: dict[str, Any]) -> object:
    """The publisher's URL, else the vendor's."""
    for key in ("canonicalUrl", "clickThroughUrl"):
        link = content.get(key)
        if isinstance(link, dict) and link.get("url"):
            return link["url"]
    return None
