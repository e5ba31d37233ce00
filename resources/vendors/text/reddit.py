"""
Posts of Reddit's communities through its API, with the key of a registered application.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import AGENT, HttpClient
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from alpha_pipeline.resources.vendors.text.headlines import plain_text
from alpha_pipeline.resources.vendors.text.posts import (
    FUTURE,
    LONGEST_POST,
    MISSHAPEN,
    NO_TEXT,
    NO_TIME,
    REPEATED,
    Post,
    Score,
    hourly_rows,
    whole_hours,
)
from alpha_pipeline.settings import variable_of

ID_VARIABLE, SECRET_VARIABLE = variable_of("data", "reddit_id"), variable_of("data", "reddit_secret")
TOKEN_URL = "https://www.reddit.com"
TOKEN_PATH = "/api/v1/access_token"
PUBLIC_URL = "https://oauth.reddit.com"
COMMUNITIES: Mapping[str, tuple[str, ...]] = {
    "crypto": ("CryptoCurrency", "CryptoMarkets", "Bitcoin", "ethereum"),
    "stock": ("stocks", "investing", "StockMarket", "wallstreetbets"),
}
RATE_LIMIT = RateLimit("reddit", calls=60, seconds=60.0)  # an application may make a hundred a minute
POSTS_PER_PAGE = 100
MAXIMUM_PAGES = 10  # a listing has at most a thousand posts
LAG = pd.Timedelta(minutes=5)  # delay by the filters of a community
LATEST = 4e9  # seconds since 1970; later values have other units
OUT_OF_REACH = "hours before the oldest listed post of a community, dropped"


@dataclass(frozen=True)
class RedditPosts:
    """
    New posts of a few communities.

    A listing has the last thousand posts, about a day of a busy community: fetch it daily; it is unsuitable for
    backfills. Hours that a listing does not cover completely are dropped. Deleted posts are missing, edited ones have
    their last text. A community that fails is missing from the counts and is a failure.

    Args:
        score: texts -> numbers in [-1, 1], NaN for no score.
        client_id: of the application.
        secret: of the application.
        communities: asset type -> names.
        url: base address of the API; a stand-in on loopback serves as well.
        token_url: base address of the token endpoint.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock; later hours are not complete.
    """

    score: Score
    client_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    communities: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COMMUNITIES)
    url: str = PUBLIC_URL
    token_url: str = TOKEN_URL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "reddit"
    kind: str = "social"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Complete hours that end in (start, end].

        Raises:
            SourceError: no token, or every community failed.
            SettingError: the window, a symbol or a community is invalid, the market has none, or a key is not set.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        communities = self._of(market)
        keys = self._keys()
        first, last = whole_hours(start, end, self.now(), LAG)
        if first >= last:
            return FetchResult(tables.RAW_SOCIAL.empty())
        token = with_retry(partial(self._token, keys), self.retry_policy, f"{self.token_url}{TOKEN_PATH}")
        web = HttpClient(self.url, self.rate_limit, self.retry_policy, {"Authorization": f"Bearer {token}"})
        posts: dict[str, Post] = {}
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        reached = first
        for community in communities:
            try:
                page_posts, oldest = self._listing(web, community, first, counts)
            except SourceError as error:
                failures[community] = str(error)
                continue
            posts.update((post.id, post) for post in page_posts)
            reached = max(reached, oldest.ceil("h"))
        if len(failures) == len(communities):
            raise SourceError(f"{self.name}: all {len(failures)} communities failed; first: {failures[communities[0]]}")
        if reached > first:
            counts[OUT_OF_REACH] += int((min(reached, last) - first) / pd.Timedelta(hours=1))
        table = tables.RAW_SOCIAL.empty()
        if reached < last:
            of_all = dict.fromkeys(picked, tuple(posts.values()))
            table = hourly_rows(of_all, market, (reached, last), self.score, LAG, self.name)
        return FetchResult(table, failures, dict(counts))

    def _of(self, market: Market) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(self.communities.get(market.asset_type, ())))
        if not names:
            raise SettingError(f"{self.name} has no communities for the asset type {market.asset_type}")
        for name in names:
            if not name.replace("_", "").isalnum() or not name.isascii():  # it becomes part of a URL
                raise SettingError(f"community {name!r} is not a name; expected letters, digits and '_'")
        return names

    def _keys(self) -> tuple[str, str]:
        keys = (self.client_id, self.secret)
        lacking = [name for name, key in zip((ID_VARIABLE, SECRET_VARIABLE), keys, strict=True) if not key]
        if lacking:
            raise SettingError(
                f"{self.name} needs the key of an application; {' and '.join(lacking)} not set, expected {ID_VARIABLE} "
                f"and {SECRET_VARIABLE}"
            )
        return keys

    def _token(self, keys: tuple[str, str]) -> str:
        """A token of the application, valid for an hour. No error message shows keys or answers."""
        import requests

        self.rate_limit.wait()
        try:
            response = requests.post(
                self.token_url.rstrip("/") + TOKEN_PATH,
                auth=keys,
                data={"grant_type": "client_credentials"},
                headers={"User-Agent": AGENT},
                timeout=self.retry_policy.timeout_seconds,
            )
        except requests.Timeout as error:
            raise AttemptFailedError("no answer in time", retryable=True) from error
        except requests.RequestException as error:
            raise AttemptFailedError(f"not reachable or truncated: {type(error).__name__}", retryable=True) from error
        status = response.status_code
        if status in (400, 401, 403):
            raise AttemptFailedError(f"HTTP {status}: {ID_VARIABLE} and {SECRET_VARIABLE} are refused", retryable=False)
        if status != 200:
            raise AttemptFailedError(f"HTTP {status}", retryable=status == 429 or status >= 500)
        try:
            answer = response.json()
        except ValueError as error:
            raise AttemptFailedError(
                "the answer is not JSON (truncated, or a page of a proxy)", retryable=True
            ) from error
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            # A wrong key may be answered with status 200.
            raise AttemptFailedError("expected an object with an access_token", retryable=False)
        return token

    def _listing(
        self, web: HttpClient, community: str, first: pd.Timestamp, counts: Counter[str]
    ) -> tuple[list[Post], pd.Timestamp]:
        """Posts of a community, newest first, back to `first` where the listing reaches it; and the time it reaches."""
        path = f"/r/{community}/new"
        posts: dict[str, Post] = {}
        after: str | None = None
        for _ in range(MAXIMUM_PAGES):
            query = {"limit": POSTS_PER_PAGE, "raw_json": 1, "after": after}
            rows, after = _page(web.json(path, query), web.address(path))
            excluded: Counter[str] = Counter()
            page_posts = [post for row in rows if (post := _post(row, self.now(), excluded))]
            if rows and excluded[MISSHAPEN] + excluded[NO_TIME] == len(rows):
                raise SourceError(
                    f"{web.address(path)}: expected posts with name, title and created_utc; found {str(rows[0])[:200]}"
                )
            counts.update(excluded)
            for post in page_posts:
                if post.id in posts:
                    counts[REPEATED] += 1
                posts[post.id] = post
            # The newest post of a page decides, so that an old one out of order does not end the listing.
            if after is None or (page_posts and max(post.written for post in page_posts) <= first):
                return list(posts.values()), first
        return list(posts.values()), min((post.written for post in posts.values()), default=first)


def _page(answer: Any, request: str) -> tuple[list[Any], str | None]:
    """Rows of a listing and the cursor of the next page; None at the end."""
    data = answer.get("data") if isinstance(answer, dict) else None
    rows, after = (data.get("children"), data.get("after")) if isinstance(data, dict) else (None, None)
    if not isinstance(rows, list) or not (after is None or isinstance(after, str)):
        raise SourceError(f"{request}: expected a listing with data.children and data.after; found {str(answer)[:200]}")
    return rows, after if rows else None


def _post(row: Any, now: pd.Timestamp, counts: Counter[str]) -> Post | None:
    """A row of a listing as a post: title and text."""
    data = row.get("data") if isinstance(row, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        counts[MISSHAPEN] += 1
        return None
    stamp = data.get("created_utc")
    if isinstance(stamp, bool) or not isinstance(stamp, int | float) or not 0 < stamp < LATEST:
        counts[NO_TIME] += 1
        return None
    written = pd.Timestamp(int(stamp), unit="s", tz="UTC")
    if written > now:
        counts[FUTURE] += 1
        return None
    text = plain_text(
        " ".join(part for key in ("title", "selftext") if isinstance(part := data.get(key), str)), LONGEST_POST
    )
    if not text:
        counts[NO_TEXT] += 1
        return None
    return Post(data["name"], written, text)
