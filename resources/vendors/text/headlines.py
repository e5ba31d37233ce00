"""
Headlines as rows of news: plain text, plain URLs, each story once, one row per symbol it names.

Titles stay untrusted text; their sentiment is scored at ingestion.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.vendors.protocols import FetchResult
from alpha_pipeline.resources.vendors.text.mentions import symbols_in
from alpha_pipeline.text.untrusted import clean_line, truncate

LONGEST_TITLE = 300
LONGEST_MARKUP = 6000
LONGEST_URL = 2000
SAME_STORY = pd.Timedelta(days=1)

NO_TIME = "items without a time in a known zone, dropped"
NO_TITLE = "items without a title, dropped"
NO_URL = "items without a plain URL, dropped"
FUTURE = "items from the future, dropped"
REPEATED = "repeated items, merged"
UNNAMED = "items that name none of the symbols, dropped"
MISSHAPEN = "malformed items, dropped"

_TAG = re.compile(r"</?[a-zA-Z!][^<>]*(?:>|$)")  # also one truncated at the end
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Item:
    """
    One item of a vendor.

    Args:
        title: any text, with markup.
        url: any text.
        published: time of publication, UTC; None without one in a known zone.
        available_at: when this title was available; None for `published`.
        about: symbols the vendor assigns it to.
    """

    title: object
    url: object
    published: pd.Timestamp | None
    available_at: pd.Timestamp | None = None
    about: tuple[str, ...] = ()


def news_rows(
    items: Iterable[Item],
    symbols: Sequence[str],
    market: Market,
    window: tuple[pd.Timestamp, pd.Timestamp],
    now: pd.Timestamp,
) -> FetchResult:
    """
    Rows of `RAW_NEWS` of the items published in the window, and counts of dropped items.

    Repetitions are merged over all items before the window is cut, so that neighbouring windows agree.

    Args:
        items: in any order.
        symbols: to match; an item that names several gives one row for each.
        market: of the symbols.
        window: (start, end], UTC.
        now: later items are errors of the vendor.
    """
    counts: Counter[str] = Counter()
    start, end = window
    rows: list[tuple[object, ...]] = []
    for item, title, url in _merged(_readable(items, now, counts), counts):
        if item.published is None or not start < item.published <= end:
            continue
        named = sorted({*symbols_in(title, symbols, market), *set(item.about).intersection(symbols)})
        if not named:
            counts[UNNAMED] += 1
        available_at = max(item.published, item.available_at or item.published)
        rows.extend((item.published, symbol, available_at, url, title, float("nan")) for symbol in named)
    table = tables.RAW_NEWS.empty()
    if rows:
        table = pd.DataFrame(rows, columns=list(table.columns)).astype(table.dtypes.to_dict())
    return FetchResult(table.sort_values(list(tables.RAW_NEWS.keys), ignore_index=True), counts=dict(counts))


def plain_text(text: object, longest: int = LONGEST_TITLE) -> str:
    """Text without markup, entities, control and direction characters; white space folded, cut at `longest`."""
    if not isinstance(text, str):
        return ""
    cleaned = text[: longest + LONGEST_MARKUP]  # bounds the work
    for _ in range(3):  # feeds escape markup once or twice
        cleaned = html.unescape(_TAG.sub(" ", _SCRIPT.sub(" ", cleaned)))
    cleaned = _TAG.sub(" ", cleaned)
    words = clean_line(unicodedata.normalize("NFC", cleaned)).split()
    folded = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(words))  # where a tag stood between word and comma
    return truncate(folded, longest)


def web_address(url: object) -> str:
    """An http(s) URL without fragment and campaign parameters; "" when it is invalid."""
    if not isinstance(url, str) or len(url) > LONGEST_URL or any(not _visible(letter).strip() for letter in url):
        return ""
    try:
        parts = urlsplit(url)
        plain_host = parts.hostname and not parts.username and (parts.port or 1) > 0
    except ValueError:  # a broken IPv6 address, an invalid port
        return ""
    if parts.scheme not in ("http", "https") or not plain_host:
        return ""
    query = parts.query
    if "utm_" in query:
        query = urlencode([pair for pair in parse_qsl(query, True) if not pair[0].startswith("utm_")])
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, query, ""))


def utc_moment(text: object) -> pd.Timestamp | None:
    """An ISO time with a zone as UTC; None for anything else, also a time without a zone."""
    if not isinstance(text, str):
        return None
    try:
        stamp = pd.Timestamp(text)
    except (ValueError, OverflowError):
        return None
    if pd.isna(stamp) or stamp.tz is None:
        return None
    return stamp.tz_convert("UTC")


def _visible(letter: str) -> str:
    kind = unicodedata.category(letter)
    return " " if kind in ("Cc", "Zl", "Zp") else "" if kind[0] == "C" else letter


def _readable(items: Iterable[Item], now: pd.Timestamp, counts: Counter[str]) -> list[tuple[Item, str, str]]:
    """Complete items, oldest first."""
    readable = []
    for item in items:
        title, url = plain_text(item.title), web_address(item.url)
        if item.published is None:
            counts[NO_TIME] += 1
        elif not title:
            counts[NO_TITLE] += 1
        elif not url:
            counts[NO_URL] += 1
        elif max(item.published, item.available_at or item.published) > now:
            counts[FUTURE] += 1
        else:
            readable.append((item, title, url))
    return sorted(readable, key=lambda entry: (entry[0].published, entry[2], entry[1]))


def _merged(items: list[tuple[Item, str, str]], counts: Counter[str]) -> list[tuple[Item, str, str]]:
    """
    Each story once: the first item of a URL, and the first of a title at one host within a day.

    URLs come before titles because editors change titles. Symbols the vendor assigns to repetitions are kept.
    """
    stories: list[tuple[Item, str, str]] = []
    by_link: dict[str, int] = {}
    by_title: dict[tuple[str, str], int] = {}
    for item, title, url in items:
        story = (urlsplit(url).netloc, re.sub(r"\W+", " ", title.casefold()).strip())
        duplicate = by_link.get(url)
        if duplicate is None and story in by_title:
            last = stories[by_title[story]][0].published
            if last is not None and item.published is not None and item.published - last < SAME_STORY:
                duplicate = by_title[story]
        if duplicate is None:
            by_link[url] = by_title[story] = len(stories)
            stories.append((item, title, url))
        else:
            first, first_title, first_url = stories[duplicate]
            about = (*first.about, *item.about)
            stories[duplicate] = (
                Item(first.title, first.url, first.published, first.available_at, about),
                first_title,
                first_url,
            )
            counts[REPEATED] += 1
    return stories
