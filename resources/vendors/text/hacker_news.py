"""
Posts of Hacker News through its public search index: stories and comments, without a key, back to 2006.

Which posts name a symbol, and hours of them, are the business of `mentions` and `posts`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from resources.http.client import HttpClient, rows_of
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from resources.vendors.text.headlines import plain
from resources.vendors.text.mentions import names_of
from resources.vendors.text.posts import (
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
HITS_PER_QUESTION = 1000  # the index lists no more, whatever the page
SHORTEST_SPAN_SECONDS = 60
LAG = pd.Timedelta(minutes=15)  # the index follows the site within minutes
TRUNCATED = "minutes with more posts than one question lists"


@dataclass(frozen=True)
class HackerNews:
    """
    Stories and comments that name a symbol, one question per name and span of time.

    Fit for backfills: any past window can be asked. Posts deleted since are missing from it, and texts edited since are
    the edited ones, so that a window asked years later may differ from what one read then. Names are searched, tickers
    only of symbols without a listed name: "link" and "near" would bring the whole site.

    Args:
        score: texts -> numbers in [-1, 1], NaN where it cannot tell.
        url: base address; a stand-in on loopback serves as well.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock that tells whole hours from the current one.
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
        Whole hours that end in (start, end]; a symbol whose questions failed has no rows.

        Raises:
            SourceError: no symbol's questions were answered.
            SettingError: the window or a symbol is none.
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
            raise SourceError(f"{self.name}: none of {len(picked)} symbols came; first: {failures[picked[0]]}")
        return FetchResult(hourly_rows(posts_of, market, span, self.score, LAG, self.name), failures, dict(counts))

    def _posts(
        self, symbol: str, market: Market, span: tuple[pd.Timestamp, pd.Timestamp], counts: Counter[str]
    ) -> list[Post]:
        """Posts found by any name of a symbol, each once."""
        first, last = (int(utc_moment.timestamp()) for utc_moment in span)
        found: dict[str, object] = {}
        for name in names_of(symbol, market):
            request = f"{self.url}{PATH} posts with {name!r}"
            for hit in self._hits(f'"{name}"', first, last, request, counts):
                found[str(hit.get("objectID")) if isinstance(hit, dict) else repr(hit)] = hit
        exclusion_reason: Counter[str] = Counter()
        posts = [post for hit in found.values() if (post := _post(hit, first, last, exclusion_reason))]
        if found and not posts and not exclusion_reason[NO_TEXT]:
            raise SourceError(
                f"{self.url}{PATH} posts of {symbol}: expected objectID, created_at_i in ({first}, {last}] and a text; "
                f"found {str(next(iter(found.values())))[:200]}"
            )
        counts.update(exclusion_reason)
        return posts

    def _hits(self, query: str, first: int, last: int, request: str, counts: Counter[str]) -> list[object]:
        """All hits of (first, last], seconds: more than the index lists are asked again in halves."""
        web = HttpClient(self.url, self.rate_limit, self.retry_policy)
        asked_now = f"{request} in ({first}, {last}] s"
        hits: list[object] = []
        page, pages, total = 0, 1, 0
        while page < pages:
            answer = web.json(PATH, _question(query, first, last, page))
            rows = rows_of(answer, "hits", asked_now)
            if page == 0:
                pages, total = _extent(answer, len(rows), asked_now)
            hits.extend(rows)
            page += 1
            if max(total, len(hits)) < HITS_PER_QUESTION:
                continue
            if last - first > SHORTEST_SPAN_SECONDS:
                middle = (first + last) // 2
                older = self._hits(query, first, middle, request, counts)
                return older + self._hits(query, middle, last, request, counts)
            if page == pages:
                counts[TRUNCATED] += 1
        return hits


def _extent(answer: dict[str, object], rows: int, request: str) -> tuple[int, int]:
    """Pages and hits by the first page; numbers that do not go with its rows would be asked after for hours."""
    pages, total = answer.get("nbPages"), answer.get("nbHits")
    if isinstance(pages, int) and isinstance(total, int):
        listed = min(total, HITS_PER_QUESTION)
        if pages >= 0 and (pages - 1) * rows <= 2 * listed <= 4 * pages * rows:
            return pages, total
    raise SourceError(
        f"{request}: expected numbers nbPages and nbHits that go with the {rows} hits of the first page; "
        f"found {str(pages)[:20]} and {str(total)[:20]}"
    )


def _question(query: str, first: int, last: int, page: int) -> dict[str, object]:
    return {
        "query": query,
        "advancedSyntax": "true",  # quotes keep the words of a name together
        "typoTolerance": "false",
        "tags": "(story,comment)",
        "numericFilters": f"created_at_i>{first},created_at_i<={last}",
        "hitsPerPage": HITS_PER_QUESTION,
        "page": page,
    }


def _post(hit: object, first: int, last: int, counts: Counter[str]) -> Post | None:
    """A hit as a post; a comment is its own words, not the title above it."""
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
    text = plain(" ".join(part for part in parts if isinstance(part, str)), LONGEST_POST)
    if not text:
        counts[NO_TEXT] += 1
        return None
    return Post(hit["objectID"], pd.Timestamp(stamp, unit="s", tz="UTC"), text)
