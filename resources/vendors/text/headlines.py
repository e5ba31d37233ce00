"""
Headlines of any vendor as rows of news: plain text, plain addresses, each item once, one row per symbol it names.

Fetching is the doors' business, the sentiment of a headline is scored elsewhere; a title stays untrusted text.
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
from alpha_pipeline.text.untrusted import clean_line, truncate
from resources.vendors.protocols import FetchResult
from resources.vendors.text.mentions import symbols_in

LONGEST_TITLE = 300
LONGEST_MARKUP = 6000
LONGEST_ADDRESS = 2000
SAME_STORY = pd.Timedelta(days=1)

NO_TIME = "items without a time in a known zone left out"
NO_TITLE = "items without a title left out"
NO_ADDRESS = "items without a plain web address left out"
FUTURE = "items from the future left out"
REPEATED = "repeated items taken as one"
UNNAMED = "items that name none of the symbols left out"
MISSHAPEN = "items of another shape left out"

_TAG = re.compile(r"</?[a-zA-Z!][^<>]*(?:>|$)")  # one that is cut off at the end, too
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Item:
    """
    One item as a vendor sent it.

    Args:
        title: any text, markup and all.
        url: any text.
        published: when it came out, UTC; None when the vendor does not say, or not in a zone one can know.
        known: when this title could be read; None for `published`.
        about: symbols the vendor itself files it under.
    """

    title: object
    url: object
    published: pd.Timestamp | None
    known: pd.Timestamp | None = None
    about: tuple[str, ...] = ()


def news_rows(
    items: Iterable[Item],
    symbols: Sequence[str],
    market: Market,
    window: tuple[pd.Timestamp, pd.Timestamp],
    now: pd.Timestamp,
) -> FetchResult:
    """
    Rows of `RAW_NEWS` of the items published in the window, and counts of what was left out.

    What is left out is decided over all items and then cut to the window, so that neighbouring windows agree.

    Args:
        items: in any order.
        symbols: whose news; an item that names several is one row for each.
        market: how symbols are named.
        window: (start, end], UTC.
        now: what is stamped later is a mistake of the vendor.
    """
    counts: Counter[str] = Counter()
    start, end = window
    rows: list[tuple[object, ...]] = []
    for item, title, url in _once(_readable(items, now, counts), counts):
        if item.published is None or not start < item.published <= end:
            continue
        named = sorted({*symbols_in(title, symbols, market), *set(item.about).intersection(symbols)})
        if not named:
            counts[UNNAMED] += 1
        known = max(item.published, item.known or item.published)
        rows.extend((item.published, symbol, known, url, title, float("nan")) for symbol in named)
    table = tables.RAW_NEWS.empty()
    if rows:
        table = pd.DataFrame(rows, columns=list(table.columns)).astype(table.dtypes.to_dict())
    return FetchResult(table.sort_values(list(tables.RAW_NEWS.keys), ignore_index=True), counts=dict(counts))


def plain(text: object, longest: int = LONGEST_TITLE) -> str:
    """Text without markup, entities, control and direction characters; white space folded, cut at `longest`."""
    if not isinstance(text, str):
        return ""
    said = text[: longest + LONGEST_MARKUP]  # a bound on the work
    for _ in range(3):  # feeds escape markup once or twice over
        said = html.unescape(_TAG.sub(" ", _SCRIPT.sub(" ", said)))
    said = _TAG.sub(" ", said)
    words = clean_line(unicodedata.normalize("NFC", said)).split()
    folded = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(words))  # where a tag stood between word and comma
    return truncate(folded, longest)


def web_address(url: object) -> str:
    """An http(s) address without fragment and campaign marks; "" when it is none."""
    if not isinstance(url, str) or len(url) > LONGEST_ADDRESS or any(not _visible(letter).strip() for letter in url):
        return ""
    try:
        parts = urlsplit(url)
        plain_host = parts.hostname and not parts.username and (parts.port or 1) > 0
    except ValueError:  # half of an IPv6 address, a port that is no number
        return ""
    if parts.scheme not in ("http", "https") or not plain_host:
        return ""
    query = parts.query
    if "utm_" in query:
        query = urlencode([pair for pair in parse_qsl(query, True) if not pair[0].startswith("utm_")])
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, query, ""))


def utc_moment(text: object) -> pd.Timestamp | None:
    """An ISO time with a zone as UTC; None for anything else: a time without a zone is not guessed at."""
    if not isinstance(text, str):
        return None
    try:
        stamp = pd.Timestamp(text)
    except (ValueError, OverflowError):
        return None
    if stamp is pd.NaT or stamp.tz is None:
        return None
    return stamp.tz_convert("UTC")


def _visible(letter: str) -> str:
    kind = unicodedata.category(letter)
    return " " if kind in ("Cc", "Zl", "Zp") else "" if kind[0] == "C" else letter


def _readable(items: Iterable[Item], now: pd.Timestamp, counts: Counter[str]) -> list[tuple[Item, str, str]]:
    """Items that have all they need, the oldest first."""
    good = []
    for item in items:
        title, url = plain(item.title), web_address(item.url)
        if item.published is None:
            counts[NO_TIME] += 1
        elif not title:
            counts[NO_TITLE] += 1
        elif not url:
            counts[NO_ADDRESS] += 1
        elif max(item.published, item.known or item.published) > now:
            counts[FUTURE] += 1
        else:
            good.append((item, title, url))
    return sorted(good, key=lambda one: (one[0].published, one[2], one[1]))


def _once(items: list[tuple[Item, str, str]], counts: Counter[str]) -> list[tuple[Item, str, str]]:
    """
    Each story once: the first of a link, and the first of a title at one host within a day.

    Links come before titles because editors change titles. What the vendor files repetitions under is kept.
    """
    kept: list[tuple[Item, str, str]] = []
    by_link: dict[str, int] = {}
    by_title: dict[tuple[str, str], int] = {}
    for item, title, url in items:
        story = (urlsplit(url).netloc, re.sub(r"\W+", " ", title.casefold()).strip())
        twin = by_link.get(url)
        if twin is None and story in by_title:
            last = kept[by_title[story]][0].published
            if last is not None and item.published is not None and item.published - last < SAME_STORY:
                twin = by_title[story]
        if twin is None:
            by_link[url] = by_title[story] = len(kept)
            kept.append((item, title, url))
        else:
            first, its_title, its_url = kept[twin]
            about = (*first.about, *item.about)
            kept[twin] = (Item(first.title, first.url, first.published, first.known, about), its_title, its_url)
            counts[REPEATED] += 1
    return kept
