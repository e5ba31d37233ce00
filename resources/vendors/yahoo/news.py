"""
Headlines of stocks as Yahoo Finance files them: the latest of each symbol.

`yfinance` speaks to the vendor through the client of `yahoo`; titles and links are `headlines`' business.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from resources.http.rate_limit import RateLimit
from resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from resources.vendors.text.headlines import MISSHAPEN, Item, news_rows, utc_moment
from resources.vendors.yahoo.client import attempt_error, open_session

RATE_LIMIT = RateLimit("yahoo_news", calls=1, seconds=1.0)  # no limit is published; addresses that hurry are shut out
ITEMS_PER_SYMBOL = 50
SHORT_REACH = "streams that no longer list the beginning of the window"


@dataclass(frozen=True)
class YahooNews:
    """
    The news stream of each symbol.

    A stream is the latest items only: poll it and keep the rows. A window before its oldest item comes back short,
    which `notes` says. What the vendor files under a symbol counts for it whether or not the title names it.

    Args:
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        retry_policy: attempts, waits and the time-out.
        cache_folder: where the client keeps time zones and cookies; empty for a folder of temporary files.
        rate_limit: the most symbols that are asked for.
        count: items asked for of each symbol.
        now: the clock that tells news from mistakes.
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
        Items published in (start, end], known when published.

        Raises:
            SourceError: no symbol's stream came.
            SettingError: the window or a symbol is none.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        session = open_session(self.url.rstrip("/"), self.cache_folder, self.retry_policy.timeout_seconds)
        items: list[Item] = []
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for symbol in picked:
            try:
                found = self._stream(session, symbol, counts)
            except SourceError as error:
                failures[symbol] = str(error)
                continue
            items.extend(found)
            counts[SHORT_REACH] += min((item.published for item in found if item.published), default=start) > start
        if len(failures) == len(picked):
            raise SourceError(f"{self.name}: none of {len(picked)} symbols came; first: {failures[picked[0]]}")
        told = news_rows(items, picked, market, (start, end), self.now())
        return FetchResult(
            told.table, failures, {**told.counts, **{note: count for note, count in counts.items() if count}}
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
        """One stream. The client turns an answer of another shape into no items, so that none is taken for a fault."""
        import yfinance
        from yfinance.exceptions import YFDataException

        self.rate_limit.wait()
        try:
            rows = yfinance.Ticker(symbol, session=session).get_news(count=self.count)
        except YFDataException as error:
            raise AttemptFailedError(f"the vendor says it is down: {error}", retryable=True) from error
        except Exception as error:  # answers of another shape surface as AttributeError and more from inside the client
            raise attempt_error(error, session) from error
        if session.last_status >= 400:
            raise AttemptFailedError(f"HTTP {session.last_status}", retryable=session.last_status >= 500)
        if not rows:
            raise AttemptFailedError(
                "no items; expected the latest ones (no such symbol, or another shape?)", retryable=False
            )
        return list(rows)


def _link(content: dict[str, Any]) -> object:
    """The publisher's address, else where the vendor leads to."""
    for key in ("canonicalUrl", "clickThroughUrl"):
        link = content.get(key)
        if isinstance(link, dict) and link.get("url"):
            return link["url"]
    return None
