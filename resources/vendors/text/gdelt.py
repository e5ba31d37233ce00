"""
Headlines of the world's press from GDELT's DOC 2.0 index, since 2017.

A time span is split until its answer is complete.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import HttpClient, rows_of
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from alpha_pipeline.resources.vendors.text.headlines import MISSHAPEN, Item, news_rows, utc_moment
from alpha_pipeline.resources.vendors.text.mentions import names_of

PUBLIC_URL = "https://api.gdeltproject.org"
PATH = "/api/v2/doc/doc"
RATE_LIMIT = RateLimit("gdelt", calls=1, seconds=5.0)  # as stated by its refusals
ARTICLES_PER_ANSWER = 250
SHORTEST_SPAN = pd.Timedelta(minutes=15)  # the index grows every quarter of an hour
SHORTEST_WORD = 3  # shorter ones are refused
MAXIMUM_WORDS = 4  # long queries are refused
TRUNCATED = "quarter hours with more articles than one answer holds"
ABOUT_THE_QUERY = re.compile(r"query|phrase|keyword|too short|too long", re.IGNORECASE)


@dataclass(frozen=True)
class GdeltNews:
    """
    Articles in English whose title names a symbol, one query per symbol and time span.

    The only time of an article is when GDELT saw it, at most a quarter of an hour after its publication: `timestamp`
    and `available_at` are equal. At one query in five seconds, fifty symbols take four minutes, busy days longer.

    Args:
        url: base address; a stand-in on loopback serves as well.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock; later articles are errors.
    """

    url: str = PUBLIC_URL
    retry_policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(wait_seconds=5.0, timeout_seconds=30.0))
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "gdelt"
    kind: str = "news"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Articles seen in (start, end].

        Raises:
            SourceError: every symbol failed.
            SettingError: the window or a symbol is invalid.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        now = self.now()
        if start >= now:
            return FetchResult(tables.RAW_NEWS.empty())
        items: list[Item] = []
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for symbol in picked:
            try:
                items.extend(self._articles(symbol, market, start, min(end, now), counts))
            except SourceError as error:
                failures[symbol] = str(error)
        if len(failures) == len(picked):
            raise SourceError(f"{self.name}: all {len(picked)} symbols failed; first: {failures[picked[0]]}")
        rows = news_rows(items, picked, market, (start, end), now)
        return FetchResult(rows.table, failures, {**rows.counts, **counts})

    def _articles(
        self, symbol: str, market: Market, start: pd.Timestamp, end: pd.Timestamp, counts: Counter[str]
    ) -> list[Item]:
        """All articles of (start, end]; the span of a full answer is split in halves."""
        request = f"{self.url}{PATH} articles of {symbol} in ({start}, {end}]"
        rows = self._get(_query(symbol, market), start, end, request)
        if len(rows) >= ARTICLES_PER_ANSWER:
            middle = (start + (end - start) / 2).floor("s")
            if end - start > SHORTEST_SPAN and start < middle < end:
                older = self._articles(symbol, market, start, middle, counts)
                return older + self._articles(symbol, market, middle, end, counts)
            counts[TRUNCATED] += 1
        good = [row for row in rows if isinstance(row, dict) and {"url", "title", "seendate"} <= set(row)]
        if rows and not good:
            raise SourceError(f"{request}: expected articles with url, title and seendate; found {str(rows[0])[:200]}")
        if len(good) < len(rows):
            counts[MISSHAPEN] += len(rows) - len(good)
        return [Item(row["title"], row["url"], _seen(row["seendate"])) for row in good]

    def _get(self, query_text: str, start: pd.Timestamp, end: pd.Timestamp, request: str) -> list[Any]:
        web = HttpClient(self.url, self.rate_limit, self.retry_policy)
        query = {
            "query": query_text,
            "mode": "artlist",
            "format": "json",
            "sort": "dateasc",
            "maxrecords": ARTICLES_PER_ANSWER,
            "startdatetime": f"{start.floor('s') + pd.Timedelta(seconds=1):%Y%m%d%H%M%S}",
            "enddatetime": f"{end:%Y%m%d%H%M%S}",
        }
        answer = with_retry(partial(_once, web, query), self.retry_policy, request)
        return rows_of(answer, "articles", request) if answer != {} else []  # no articles are an empty object


def _query(symbol: str, market: Market) -> str:
    """The names of a symbol as a GDELT query; characters its index lacks, such as "&", become blanks."""
    words = [re.sub(r"[^a-z0-9]+", " ", name).strip() for name in names_of(symbol, market)]
    words = list(dict.fromkeys(word for word in words if len(word.replace(" ", "")) >= SHORTEST_WORD))[:MAXIMUM_WORDS]
    if not words:
        raise SourceError(f"{symbol} has no name of {SHORTEST_WORD} letters or more to search for")
    either = " OR ".join(f'"{word}"' for word in words)
    return f"{f'({either})' if len(words) > 1 else either} sourcelang:english"


def _once(web: HttpClient, query: dict[str, object]) -> Any:
    """One answer; refusals are plain text with status 200, and the JSON has invalid backslashes."""
    text = web.content(PATH, query).decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[")):
        raise AttemptFailedError(
            f"expected JSON, found {text[:120]!r}", retryable=not ABOUT_THE_QUERY.search(text[:200])
        )
    for candidate in (text, re.sub(r'\\(?!["\\/bfnrtu])', "", text)):
        try:
            return json.loads(candidate, strict=False)
        except ValueError:
            continue
    raise AttemptFailedError(f"the answer is truncated, or not JSON: it ends with {text[-60:]!r}", retryable=True)


def _seen(stamp: object) -> pd.Timestamp | None:
    """A stamp such as 20240309T101500Z."""
    return utc_moment(stamp) if isinstance(stamp, str) and re.fullmatch(r"\d{8}T\d{6}Z", stamp) else None
