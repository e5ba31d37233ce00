"""
Posts of Hacker News through its public search index: stories and comments since 2006, without a key.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import HttpClient, rows_of
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from alpha_pipeline.resources.vendors.text.headlines import plain_text
from alpha_pipeline.resources.vendors.text.mentions import names_of
from alpha_pipeline.resources.vendors.text.posts import (
    LONGEST_POST,
    MISSHAPEN,
    NO_TEXT,
    NO_TIME,
    OUTSIDE,
    Post,
    Score,
    hourly_rows,
    whole_hours,
)

PUBLIC_URL = "https://hn.algolia.com"
PATH = "/api/v1/search_by_date"
RATE_LIMIT = RateLimit("hacker_news", calls=2, seconds=1.0)  # 10,000 an hour and address are allowed; this is 7,200
HITS_PER_QUERY = 1000  # the index lists no more, on any page
SHORTEST_SPAN_SECONDS = 60
LAG = pd.Timedelta(minutes=15)  # delay of the index
TRUNCATED = "minutes with more posts than one query lists"


@dataclass(frozen=True)
class HackerNews:
    """
    Stories and comments that name a symbol, one query per name and time span.

    Suitable for backfills, with a caveat: deleted posts are missing and edited ones have their last text, so that a
    window fetched years later may differ from what could be read then. Names are searched, tickers only for symbols
    without a listed name: "link" and "near" would match ordinary words.

    Args:
        score: texts -> numbers in [-1, 1], NaN for no score.
        url: base address; a stand-in on loopback serves as well.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock; later hours are not complete.
    """

    score: Score
    url: str = PUBLIC_URL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "hacker_news"
    kind: str = "social"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Complete hours that end in (start, end]; a symbol whose queries failed has no rows.

        Raises:
            SourceError: every symbol failed.
            SettingError: the window or a symbol is invalid.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        span = whole_hours(start, end, self.now(), LAG)
        if span[0] >= span[1]:
            return FetchResult(tables.RAW_SOCIAL.empty())
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        posts_of: dict[str, list[Post]] = {}
        for symbol in picked:
            try:
                posts_of[symbol] = self._posts(symbol, market, span, counts)
            except SourceError as error:
                failures[symbol] = str(error)
        if not posts_of:
            raise SourceError(f"{self.name}: all {len(picked)} symbols failed; first: {failures[picked[0]]}")
        return FetchResult(hourly_rows(posts_of, market, span, self.score, LAG, self.name), failures, dict(counts))

    def _posts(
        self, symbol: str, market: Market, span: tuple[pd.Timestamp, pd.Timestamp], counts: Counter[str]
    ) -> list[Post]:
        """Posts matched by any name of a symbol, each once."""
        first, last = (int(utc_moment.timestamp()) for utc_moment in span)
        hits: dict[str, object] = {}
        for name in names_of(symbol, market):
            request = f"{self.url}{PATH} posts with {name!r}"
            for hit in self._hits(f'"{name}"', first, last, request, counts):
                hits[str(hit.get("objectID")) if isinstance(hit, dict) else repr(hit)] = hit
        excluded: Counter[str] = Counter()
        posts = [post for hit in hits.values() if (post := _post(hit, first, last, excluded))]
        if hits and not posts and not excluded[NO_TEXT]:
            raise SourceError(
                f"{self.url}{PATH} posts of {symbol}: expected objectID, created_at_i in ({first}, {last}] and a text; "
                f"found {str(next(iter(hits.values())))[:200]}"
            )
        counts.update(excluded)
        return posts

    def _hits(self, query: str, first: int, last: int, request: str, counts: Counter[str]) -> list[object]:
        """All hits of (first, last], seconds; a span with more hits than the index lists is split in halves."""
        web = HttpClient(self.url, self.rate_limit, self.retry_policy)
        span_request = f"{request} in ({first}, {last}] s"
        hits: list[object] = []
        page, pages, total = 0, 1, 0
        while page < pages:
            answer = web.json(PATH, _query(query, first, last, page))
            rows = rows_of(answer, "hits", span_request)
            if page == 0:
                pages, total = _extent(answer, len(rows), span_request)
            hits.extend(rows)
            page += 1
            if max(total, len(hits)) < HITS_PER_QUERY:
                continue
            if last - first > SHORTEST_SPAN_SECONDS:
                middle = (first + last) // 2
                older = self._hits(query, first, middle, request, counts)
                return older + self._hits(query, middle, last, request, counts)
            if page == pages:
                counts[TRUNCATED] += 1
        return hits


def _extent(answer: dict[str, object], rows: int, request: str) -> tuple[int, int]:
    """Numbers of pages and hits by the first page; inconsistent ones would cause endless requests."""
    pages, total = answer.get("nbPages"), answer.get("nbHits")
    if isinstance(pages, int) and isinstance(total, int):
        listed = min(total, HITS_PER_QUERY)
        if pages >= 0 and (pages - 1) * rows <= 2 * listed <= 4 * pages * rows:
            return pages, total
    raise SourceError(
        f"{request}: expected nbPages and nbHits consistent with the {rows} hits of the first page; "
        f"found {str(pages)[:20]} and {str(total)[:20]}"
    )


def _query(query: str, first: int, last: int, page: int) -> dict[str, object]:
    return {
        "query": query,
        "advancedSyntax": "true",  # quotes match the words of a name as a phrase
        "typoTolerance": "false",
        "tags": "(story,comment)",
        "numericFilters": f"created_at_i>{first},created_at_i<={last}",
        "hitsPerPage": HITS_PER_QUERY,
        "page": page,
    }


def _post(hit: object, first: int, last: int, counts: Counter[str]) -> Post | None:
    """A hit as a post; the text of a comment excludes the title of its story."""
    if not isinstance(hit, dict) or not isinstance(hit.get("objectID"), str):
        counts[MISSHAPEN] += 1
        return None
    stamp = hit.get("created_at_i")
    if isinstance(stamp, bool) or not isinstance(stamp, int):
        counts[NO_TIME] += 1
        return None
    if not first < stamp <= last:
        counts[OUTSIDE] += 1
        return None
    parts = [hit.get(key) for key in ("title", "story_text", "comment_text")]
    text = plain_text(" ".join(part for part in parts if isinstance(part, str)), LONGEST_POST)
    if not text:
        counts[NO_TEXT] += 1
        return None
    return Post(hit["objectID"], pd.Timestamp(stamp, unit="s", tz="UTC"), text)
