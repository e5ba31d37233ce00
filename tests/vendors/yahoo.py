"""
Yahoo: the chart of any stock with dividends and splits, the crumb and the cookie before it, and the stream of news.

Sessions are those of New York, half days included.
"""

import json
import re
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from .world import TOPICS, Answer, Question, World, bars, headline, seed

CHART = re.compile(r"/v8/finance/chart/(?P<symbol>[A-Z.^=-]+)")
FIRST_TRADE = 345_479_400
GONE = ("TWTR",)
SPLITS = {"NVDA": ("2024-06-10", 10.0)}
PAYING_MONTHS = (1, 4, 7, 10)
NO_DATA = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
NEWS_EVERY_SECONDS = 4 * 3600


def answer(world: World, question: Question) -> Answer:
    """Charts and streams; whatever else the client asks for on the way."""
    if question.path.endswith("getcrumb"):
        return b"a-crumb"
    if question.path == "/xhr/ncp":
        return _news(world, question)
    found = CHART.fullmatch(question.path)
    if not found:
        return 404, {"finance": {"result": None, "error": NO_DATA}}
    if found["symbol"] in GONE:
        return 404, {"chart": {"result": None, "error": NO_DATA}}
    last = min(int(question.query.get("period2", world.seconds)), world.seconds)
    first = int(question.query.get("period1", last - 5 * 86_400))
    return {"chart": {"result": [_chart(found["symbol"], first, last, world)], "error": None}}


def _chart(symbol: str, first: int, last: int, world: World) -> dict[str, Any]:
    """Raw quotes of the sessions that opened in [first, last), adjusted closes, and the events beside them."""
    every = _opens()
    opens = every[(every >= first) & (every < last)]
    found = _prices(symbol, opens)
    quote = {name: found[name].tolist() for name in ("open", "high", "low", "close")}
    quote["volume"] = (found["volume"] * 1000).astype(int).tolist()
    dividends = [day for day in _ex_days(every) if day < world.seconds]
    factor = np.ones(len(opens))
    for day in dividends:
        before = every[every < day][-1]
        factor[opens < day] *= 1 - _paid(symbol, day) / _prices(symbol, np.array([before]))["close"][0]
    events: dict[str, Any] = {}
    if some := [day for day in dividends if first <= day < last]:
        events["dividends"] = {str(day): {"amount": _paid(symbol, day), "date": day} for day in some}
    if symbol in SPLITS:
        day = int(pd.Timestamp(f"{SPLITS[symbol][0]} 09:30", tz="America/New_York").timestamp())
        ratio = SPLITS[symbol][1]
        if first <= day < last:
            told = {"date": day, "numerator": ratio, "denominator": 1.0, "splitRatio": f"{ratio:.0f}:1"}
            events["splits"] = {str(day): told}
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "firstTradeDate": FIRST_TRADE,
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18_000,
        "regularMarketTime": world.seconds,
        "regularMarketPrice": 1.0,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    adjusted = np.round(found["close"] * factor, 6).tolist()
    indicators = {"quote": [quote], "adjclose": [{"adjclose": adjusted}]}
    told = {"meta": meta, "timestamp": opens.tolist(), "indicators": indicators}
    return {**told, "events": events} if events else told


def _news(world: World, question: Question) -> Answer:
    """The latest items of the symbol that was posted, newest first, an advertisement among them."""
    told = question.json()["serviceConfig"]
    symbol, count = told["s"][0], int(told.get("snippetCount", 20))
    name = next((name for name, ticker in TOPICS.items() if ticker == symbol), symbol)
    newest = world.seconds // NEWS_EVERY_SECONDS
    items: list[object] = [
        _item(symbol, name, number * NEWS_EVERY_SECONDS) for number in range(newest, newest - count, -1)
    ]
    stream = [*items[:1], {"id": "ad", "ad": ["buy"]}, *items[1:]]
    return {"data": {"tickerStream": {"pagination": {}, "stream": stream}}, "status": "OK"}


def _item(symbol: str, name: str, stamp: int) -> dict[str, Any]:
    at = f"{pd.Timestamp(stamp, unit='s'):%Y-%m-%dT%H:%M:%SZ}"
    link = {"url": f"https://stories.example/{symbol}/{stamp}.html", "site": "finance", "region": "US", "lang": "en-US"}
    said = {"contentType": "STORY", "title": headline("yahoo", name, stamp), "pubDate": at, "displayTime": at}
    return {"id": f"{symbol}-{stamp}", "content": {**said, "canonicalUrl": link}}


@lru_cache(maxsize=1)
def _opens() -> Any:
    """Openings of all sessions, seconds since 1970."""
    import exchange_calendars

    schedule = exchange_calendars.get_calendar("XNYS", start="2010-01-01").schedule
    return (pd.DatetimeIndex(schedule["open"]).as_unit("s").asi8).astype(np.int64)


def _prices(symbol: str, opens: Any) -> dict[str, Any]:
    """Bars of the sessions; a day number is their step, so that a weekend is a gap of three."""
    return bars("yahoo", symbol, opens // 86_400, 1.0)


def _ex_days(opens: Any) -> list[int]:
    """The first session from the 5th on of each month that pays."""
    days = pd.DatetimeIndex(pd.to_datetime(opens, unit="s"))
    paying = days[(days.day >= 5) & np.isin(days.month, PAYING_MONTHS)]
    first = pd.Series(paying, index=paying).groupby([paying.year, paying.month]).min()
    return [int(moment.timestamp()) for moment in first]


def _paid(symbol: str, day: int) -> float:
    return round(0.2 + 0.01 * (seed("yahoo", symbol, day) % 30), 2)


def spoilt(told: Any) -> Any:
    """The same quotes, of which the first has its high below its low."""
    told = json.loads(json.dumps(told))
    quote = told["chart"]["result"][0]["indicators"]["quote"][0]
    if quote["high"]:
        quote["high"][0], quote["low"][0] = quote["low"][0], quote["high"][0]
    return told
