"""
Headlines of RSS and Atom feeds.

`feedparser` only parses; requests are made by `HttpClient`.
"""

import calendar
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import HttpClient
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from alpha_pipeline.resources.vendors.text.headlines import Item, news_rows, web_address

DEFAULT_FEEDS: Mapping[str, tuple[str, ...]] = {
    "crypto": (
        "https://www.coindesk.com/arc/outboundfeeds/rss/",
        "https://cointelegraph.com/rss",
        "https://decrypt.co/feed",
        "https://www.theblock.co/rss.xml",
        "https://bitcoinmagazine.com/feed",
    ),
    "stock": (
        "https://finance.yahoo.com/news/rssindex",
        "https://feeds.content.dowjones.io/public/rss/mw_topstories",
        "https://www.cnbc.com/id/10000664/device/rss/rss.html",
        "https://seekingalpha.com/market_currents.xml",
    ),
}
RATE_LIMIT = RateLimit("rss", calls=2, seconds=1.0)  # each feed has its own host

# feedparser reads an unknown zone as UTC, which may be hours too early: such times are dropped.
KNOWN_ZONE = re.compile(r"(?:[+-]\d\d:?\d\d|\b(?:GMT|UTC?|[ECMP][SD]T)|\dZ)\s*$", re.IGNORECASE)
CLOSING = (b"</rss>", b"</feed>", b"</rdf:rdf>")
SHORT_REACH = "feeds that do not reach the beginning of the window"
NOT_WELL_FORMED = "malformed feeds, read anyway"


@dataclass(frozen=True)
class FeedNews:
    """
    Feeds, fetched one after the other.

    A feed lists its last 25 to 50 items: fetch it daily. A window that begins before its oldest item is incomplete,
    which `counts` says.

    Args:
        feeds: asset type -> addresses.
        retry_policy: attempts, waits and the time-out per feed.
        rate_limit: of all feeds together.
        now: the clock; later items are errors.
    """

    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_FEEDS)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "rss"
    kind: str = "news"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Items published in (start, end]; available when published, or when the feed says they were changed.

        Raises:
            SourceError: every feed failed.
            SettingError: the window, a symbol or a feed is invalid, or the market has no feeds.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        items: list[Item] = []
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for feed in self._of(market):
            try:
                items_of_feed, well_formed = self._items(feed)
            except SourceError as error:
                failures[feed] = str(error)
                continue
            items.extend(items_of_feed)
            counts[NOT_WELL_FORMED] += not well_formed
            counts[SHORT_REACH] += (
                min((item.published for item in items_of_feed if item.published), default=start) > start
            )
        if len(failures) == len(self._of(market)):
            raise SourceError(f"{self.name}: all {len(failures)} feeds failed; {'; '.join(failures.values())}")
        rows = news_rows(items, picked, market, (start, end), self.now())
        return FetchResult(
            rows.table, failures, {**rows.counts, **{note: count for note, count in counts.items() if count}}
        )

    def _of(self, market: Market) -> tuple[str, ...]:
        feeds = self.feeds.get(market.asset_type, ())
        if not feeds:
            raise SettingError(
                f"{self.name} has no feeds for the asset type {market.asset_type}; it has {sorted(self.feeds)}"
            )
        for feed in feeds:
            if not web_address(feed):
                raise SettingError(f"feed {feed!r} is not a URL; expected http:// or https://")
        return tuple(dict.fromkeys(feeds))

    def _items(self, feed: str) -> tuple[list[Item], bool]:
        """Items of one feed, and whether it was well formed; a truncated feed is an error."""
        import feedparser  # type: ignore[import-untyped]  # has no types; imported by live runs only

        parts = urlsplit(feed)
        web = HttpClient(f"{parts.scheme}://{parts.netloc}", self.rate_limit, self.retry_policy)
        content = web.content(parts.path + (f"?{parts.query}" if parts.query else ""))
        headers = {"content-location": feed, "content-type": "application/xml"}  # XML, whatever the server says
        try:
            read = feedparser.parse(io.BytesIO(content), response_headers=headers)
        except Exception as error:  # the parser raises UnicodeDecodeError and others for broken bytes
            raise SourceError(f"{feed}: expected RSS or Atom, found unreadable bytes: {error!r:.200}") from error
        well_formed = not read.bozo or isinstance(read.bozo_exception, feedparser.CharacterEncodingOverride)
        if not read.get("version"):
            raise SourceError(f"{feed}: expected RSS or Atom, found {content[:120]!r}")
        if not well_formed and not any(tag in content[-2000:].lower() for tag in CLOSING):
            raise SourceError(f"{feed}: the feed was truncated after {len(content):,} bytes: {read.bozo_exception}")
        return [_item(entry) for entry in read.entries], well_formed


def _item(entry: Any) -> Item:
    """
    One entry. An entry changed after its publication is available since the change.

    An entry with only one of both times was published then.
    """
    published, updated = _time(entry, "published"), _time(entry, "updated")
    return Item(entry.get("title"), entry.get("link"), published or updated, updated)


def _time(entry: Any, which: str) -> pd.Timestamp | None:
    raw, parsed = dict.get(entry, which), dict.get(entry, f"{which}_parsed")  # its `get` falls back to the other key
    if parsed is None or not KNOWN_ZONE.search(str(raw)):
        return None
    try:
        return pd.Timestamp(calendar.timegm(parsed), unit="s", tz="UTC")
    except (ValueError, OverflowError):
        return None
