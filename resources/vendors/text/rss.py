"""
Headlines of RSS and Atom feeds: whatever a feed still lists.

`feedparser` reads the bytes and never fetches; titles, links and symbols are `headlines`' business.
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
from resources.http.client import HttpClient
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from resources.vendors.text.headlines import Item, news_rows, web_address

DEFAULT_FEEDS: Mapping[str, tuple[str, ...]] = {
    "crypto": (
        "https://www.coindesk.com/arc/outboundfeeds/rss/",
        "https://cointelegraph.com/rss",
        "https://decrypt.co/feed",
        "https://www.theblock.co/rss.xml",
        "https://bitcoinmagazine.com/feed",
    ),
    "equities": (
        "https://finance.yahoo.com/news/rssindex",
        "https://feeds.content.dowjones.io/public/rss/mw_topstories",
        "https://www.cnbc.com/id/10000664/device/rss/rss.html",
        "https://seekingalpha.com/market_currents.xml",
    ),
}
RATE_LIMIT = RateLimit("rss", calls=2, seconds=1.0)  # each feed is another host and is asked once

# feedparser takes a zone it does not know for UTC, which may be hours too early: such times are not believed.
KNOWN_ZONE = re.compile(r"(?:[+-]\d\d:?\d\d|\b(?:GMT|UTC?|[ECMP][SD]T)|\dZ)\s*$", re.IGNORECASE)
CLOSING = (b"</rss>", b"</feed>", b"</rdf:rdf>")
SHORT_REACH = "feeds that no longer list the beginning of the window"
NOT_WELL_FORMED = "feeds that were not well formed and read all the same"


@dataclass(frozen=True)
class FeedNews:
    """
    Feeds, asked one after the other.

    A feed lists its last 25 to 50 items: poll it and keep the rows. A window before its oldest item comes back short,
    which `notes` says.

    Args:
        feeds: addresses by the name of a market.
        retry_policy: attempts, waits and the time-out of one feed.
        rate_limit: the most all feeds are asked together.
        now: the clock that tells news from mistakes.
    """

    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_FEEDS)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "rss"
    kind: str = "news"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Items published in (start, end]; known when published, or when the feed says it was changed since.

        Raises:
            SourceError: no feed could be read.
            SettingError: the window, a symbol or a feed is none, or the market has no feeds.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        items: list[Item] = []
        failures: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for feed in self._of(market):
            try:
                found, well_formed = self._items(feed)
            except SourceError as error:
                failures[feed] = str(error)
                continue
            items.extend(found)
            counts[NOT_WELL_FORMED] += not well_formed
            counts[SHORT_REACH] += min((item.published for item in found if item.published), default=start) > start
        if len(failures) == len(self._of(market)):
            raise SourceError(f"{self.name}: none of {len(failures)} feeds came; {'; '.join(failures.values())}")
        told = news_rows(items, picked, market, (start, end), self.now())
        return FetchResult(
            told.table, failures, {**told.counts, **{note: count for note, count in counts.items() if count}}
        )

    def _of(self, market: Market) -> tuple[str, ...]:
        feeds = self.feeds.get(market.name, ())
        if not feeds:
            raise SettingError(f"{self.name} has no feeds for market {market.name}; it has {sorted(self.feeds)}")
        for feed in feeds:
            if not web_address(feed):
                raise SettingError(f"feed {feed!r} is no address; expected http:// or https://")
        return tuple(dict.fromkeys(feeds))

    def _items(self, feed: str) -> tuple[list[Item], bool]:
        """Items of one feed, and whether it was well formed; one that was cut short is no feed."""
        import feedparser  # type: ignore[import-untyped]  # carries no types; paid by live runs only

        parts = urlsplit(feed)
        web = HttpClient(f"{parts.scheme}://{parts.netloc}", self.rate_limit, self.retry_policy)
        content = web.content(parts.path + (f"?{parts.query}" if parts.query else ""))
        told = {"content-location": feed, "content-type": "application/xml"}  # XML whatever the server calls it
        try:
            read = feedparser.parse(io.BytesIO(content), response_headers=told)
        except Exception as error:  # broken bytes surface as UnicodeDecodeError and more from inside the parser
            raise SourceError(f"{feed}: expected RSS or Atom, found what cannot be read: {error!r:.200}") from error
        well_formed = not read.bozo or isinstance(read.bozo_exception, feedparser.CharacterEncodingOverride)
        if not read.get("version"):
            raise SourceError(f"{feed}: expected RSS or Atom, found {content[:120]!r}")
        if not well_formed and not any(tag in content[-2000:].lower() for tag in CLOSING):
            raise SourceError(f"{feed}: the feed was cut short after {len(content):,} bytes: {read.bozo_exception}")
        return [_item(entry) for entry in read.entries], well_formed


def _item(entry: Any) -> Item:
    """
    One entry. Where the feed says that it changed after it came out, the title is known only since then.

    An entry that has but one of both times happened then.
    """
    published, updated = _time(entry, "published"), _time(entry, "updated")
    return Item(entry.get("title"), entry.get("link"), published or updated, updated)


def _time(entry: Any, which: str) -> pd.Timestamp | None:
    raw, parsed = dict.get(entry, which), dict.get(entry, f"{which}_parsed")  # its own `get` falls back to the other
    if parsed is None or not KNOWN_ZONE.search(str(raw)):
        return None
    try:
        return pd.Timestamp(calendar.timegm(parsed), unit="s", tz="UTC")
    except (ValueError, OverflowError):
        return None
