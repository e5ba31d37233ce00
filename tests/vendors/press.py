"""
Texts: an RSS feed, GDELT's index of articles, Hacker News and Reddit.

The feed has markup in a title and an item from the future, as feeds do.
"""

import html
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pandas as pd

from .world import TOPICS, Answer, Question, World, headline, seed

FEED_ITEMS, FEED_EVERY = 50, 3600
ARTICLE_EVERY = 3 * 3600
COMMENT_EVERY = 2400
LISTED = 1000
BOUNDS = re.compile(r"created_at_i>(\d+),created_at_i<=(\d+)")


def feed(world: World, question: Question) -> Answer:
    """The last fifty items, an hour apart, each about another name; the first one is dated tomorrow."""
    newest = world.seconds // FEED_EVERY * FEED_EVERY
    stamps = [newest + 86_400, *range(newest, newest - FEED_ITEMS * FEED_EVERY, -FEED_EVERY)]
    items = "".join(_feed_item(stamp) for stamp in stamps)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()


def gdelt(world: World, question: Question) -> Answer:
    """Articles with the first name asked for, every three hours; nothing found is an empty object."""
    query = question.query
    name = query["query"].split('"')[1].title()
    first, last = (int(pd.Timestamp(query[key], tz="UTC").timestamp()) for key in ("startdatetime", "enddatetime"))
    offset = seed("gdelt", name) % ARTICLE_EVERY
    begin = first + (offset - first) % ARTICLE_EVERY
    rows = [_article(name, stamp) for stamp in range(begin, min(last, world.seconds) + 1, ARTICLE_EVERY)]
    return {"articles": rows[: int(query["maxrecords"])]} if rows else {}


def hackernews(world: World, question: Question) -> Answer:
    """A comment with the words asked for every forty minutes, newest first; a thousand at most."""
    query = question.query
    name = query["query"].strip('"').title()
    found = BOUNDS.fullmatch(query["numericFilters"])
    assert found, query
    first, last = int(found[1]), min(int(found[2]), world.seconds)
    offset = seed("hackernews", name) % COMMENT_EVERY
    begin = first + 1 + (offset - first - 1) % COMMENT_EVERY
    stamps = list(range(begin, last + 1, COMMENT_EVERY))[::-1]
    size, page = min(int(query["hitsPerPage"]), LISTED), int(query["page"])
    hits = [_comment(name, stamp) for stamp in stamps[:LISTED][page * size : (page + 1) * size]]
    pages = -(-min(len(stamps), LISTED) // size)
    return {"hits": hits, "nbHits": len(stamps), "nbPages": pages, "page": page, "hitsPerPage": size}


def reddit(world: World, question: Question) -> Answer:
    """A token for whoever asks, and the newest posts of any community, a hundred a page."""
    if question.path == "/api/v1/access_token":
        return {"access_token": "granted", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
    skipped = int(question.query.get("after", "t3_0").removeprefix("t3_"))
    count = min(100, LISTED - skipped)
    newest = world.seconds // 600
    names = list(TOPICS)
    rows = []
    for number in range(skipped, skipped + count):
        stamp = (newest - number) * 600
        title = headline("reddit", names[(newest - number) % len(names)], stamp)
        rows.append(
            {"kind": "t3", "data": {"name": f"t3_{stamp}", "created_utc": stamp, "title": title, "selftext": ""}}
        )
    after = f"t3_{skipped + count}" if skipped + count < LISTED else None
    return {"kind": "Listing", "data": {"children": rows, "after": after, "before": None}}


def _feed_item(stamp: int) -> str:
    name = list(TOPICS)[stamp // FEED_EVERY % len(TOPICS)]
    title = html.escape(f"<b>{headline('feed', name, stamp)}</b> <script>alert(1)</script>")
    when = format_datetime(datetime.fromtimestamp(stamp, UTC))
    return f"<item><title>{title}</title><link>https://feed.example/{stamp}</link><pubDate>{when}</pubDate></item>"


def _article(name: str, stamp: int) -> dict[str, Any]:
    return {
        "url": f"https://press.example/{name.lower().replace(' ', '-')}/{stamp}",
        "url_mobile": "",
        "title": headline("gdelt", name, stamp),
        "seendate": f"{pd.Timestamp(stamp, unit='s'):%Y%m%dT%H%M%SZ}",
        "socialimage": "",
        "domain": "press.example",
        "language": "English",
        "sourcecountry": "United States",
    }


def _comment(name: str, stamp: int) -> dict[str, Any]:
    text = f"<p>{headline('hackernews', name, stamp)} &#x27;indeed&#x27;"
    return {"objectID": f"{name}-{stamp}", "created_at_i": stamp, "author": "a", "comment_text": text}
