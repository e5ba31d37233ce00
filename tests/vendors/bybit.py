"""
Bybit v5: bars, funding, open interest, instruments and the order book of linear perpetuals.

Any symbol that ends with USDT has them, from its listing to its end.
"""

from typing import Any

import numpy as np

from .world import HOUR_MS, Answer, Question, World, bars, level, seed, uniform

NAMES = (
    "ADA", "APT", "ARB", "ATOM", "AVAX", "BCH", "BNB", "BTC", "DOGE", "DOT", "ETC", "ETH", "FIL", "LINK", "LTC", "NEAR",
    "SOL", "TRX", "UNI", "XRP",
)  # fmt: skip
LISTED_MS = 1_585_132_560_000  # 2020-03-25 10:36
CLOSED = {"LUNAUSDT": (1_614_556_800_000, 1_652_406_000_000), "FTTUSDT": (1_629_000_000_000, 1_668_400_000_000)}
PER_PAGE = 15
MINUTES = {"1": 1, "5": 5, "15": 15, "30": 30, "60": 60, "240": 240, "D": 1440}
INTERVALS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}


def answer(world: World, question: Question) -> Answer:
    """The recorded shape: a code, a word and a result; refusals too come with status 200."""
    ask = {
        "/v5/market/kline": _klines,
        "/v5/market/funding/history": _funding,
        "/v5/market/open-interest": _open_interest,
        "/v5/market/instruments-info": _instruments,
        "/v5/market/orderbook": _book,
    }.get(question.path)
    if ask is None:
        return 404, {"retCode": 404, "retMsg": "no such path"}
    symbol = question.query.get("symbol", "USDT")
    if question.query.get("category") != "linear" or not symbol.endswith("USDT"):
        return _said(10001, "Not supported symbols" if "symbol" in question.query else "Illegal category", {}, world)
    result = ask(question.query, world.seconds * 1000)
    return _said(10001, result, {}, world) if isinstance(result, str) else _said(0, "OK", result, world)


def spoilt(told: Any) -> Any:
    """The same bars, of which the first has its high below its low and the second a price below zero."""
    rows = told["result"].get("list", [])
    if len(rows) > 1:
        rows[0][2], rows[0][3] = rows[0][3], rows[0][2]
        rows[1][3] = "-1"
    return told


def _klines(query: dict[str, str], now: int) -> Any:
    length = MINUTES[query["interval"]] * 60_000
    steps = _steps(query, "start", "end", length, now, int(query.get("limit", 200)))
    found = bars("bybit", query["symbol"], steps, 86_400_000 / length)
    columns = [found[name] for name in ("open", "high", "low", "close", "volume")]
    turnover = np.round(found["volume"] * (found["open"] + found["close"]) / 2, 4)
    rows = [[str(step * length), *map(str, row)] for step, *row in zip(steps.tolist(), *columns, turnover, strict=True)]
    return {"category": "linear", "symbol": query["symbol"], "list": rows}


def _funding(query: dict[str, str], now: int) -> Any:
    if "startTime" in query and "endTime" not in query:
        return "params error: only startTime"
    steps = _steps(query, "startTime", "endTime", 8 * HOUR_MS, now, int(query.get("limit", 200)))
    rates = 0.0001 + 0.0004 * (uniform(seed("bybit funding", query["symbol"]), steps) - 0.4)
    rows = [
        {"symbol": query["symbol"], "fundingRate": f"{rate:.8f}", "fundingRateTimestamp": str(step * 8 * HOUR_MS)}
        for step, rate in zip(steps.tolist(), rates, strict=True)
    ]
    return {"category": "linear", "list": rows}


def _open_interest(query: dict[str, str], now: int) -> Any:
    length = INTERVALS[query["intervalTime"]] * 60_000
    steps = _steps(query, "startTime", "endTime", length, now, min(int(query.get("limit", 50)), 200))
    found = level(seed("bybit interest", query["symbol"]), steps, 50_000.0, (19.0, 150.0, 2000.0))
    rows = [
        {"openInterest": f"{size:.3f}", "timestamp": str(step * length)}
        for step, size in zip(steps.tolist(), found, strict=True)
    ]
    return {"category": "linear", "symbol": query["symbol"], "list": rows, "nextPageCursor": ""}


def _instruments(query: dict[str, str], now: int) -> Any:
    status = query.get("status", "Trading")
    rows = []
    if status == "Trading":
        rows = [_instrument(f"{name}USDT", status, LISTED_MS + n * HOUR_MS, 0) for n, name in enumerate(NAMES)]
    if status == "Closed":
        rows = [_instrument(symbol, status, *dates) for symbol, dates in CLOSED.items()]
    first = int(query.get("cursor") or 0)
    following = str(first + PER_PAGE) if first + PER_PAGE < len(rows) else ""
    return {"category": "linear", "list": rows[first : first + PER_PAGE], "nextPageCursor": following}


def _instrument(symbol: str, status: str, begins: int, ends: int) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": status,
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "launchTime": str(begins),
        "deliveryTime": str(ends),
        "priceFilter": {"minPrice": "0.01", "maxPrice": "199999.98", "tickSize": "0.01"},
        "fundingInterval": 480,
    }


def _book(query: dict[str, str], now: int) -> Any:
    sizes = np.round(
        1 + 9 * uniform(seed("bybit book", query["symbol"]), range(now // HOUR_MS, now // HOUR_MS + 20)), 3
    )
    bids = [[str(100 - number), str(size)] for number, size in enumerate(sizes[:10])]
    asks = [[str(101 + number), str(size)] for number, size in enumerate(sizes[10:])]
    return {"s": query["symbol"], "b": bids, "a": asks, "ts": now, "u": 1, "seq": 1}


def _steps(query: dict[str, str], begins: str, ends: str, length: int, now: int, limit: int) -> Any:
    """Numbers of the intervals that begin in the window asked for, while the symbol traded; newest first."""
    born, died = CLOSED.get(query["symbol"], (LISTED_MS, now))
    first = max(int(query.get(begins, 0)), born)
    last = min(int(query.get(ends, now)), died, now)
    return np.arange(-(-first // length), last // length + 1, dtype=np.int64)[::-1][:limit]


def _said(code: int, word: str, result: Any, world: World) -> dict[str, Any]:
    return {"retCode": code, "retMsg": word, "result": result, "retExtInfo": {}, "time": world.seconds * 1000}
