"""
Live check of every source, `make live-check`: requests one finished day of two symbols.

Nothing is stored; a source passes when it answers.
"""

import argparse
import json
import logging
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from alpha_pipeline.errors import AlphaError, SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, MARKETS, Market, expected_closes
from alpha_pipeline.resources.market_data import MarketDataResource
from alpha_pipeline.resources.vendors.protocols import FACTS, FetchResult, utc_now
from alpha_pipeline.settings import load_settings
from alpha_pipeline.text.lexicon import LexiconScorer

WELL_KNOWN = {CRYPTO.name: ("BTCUSDT", "ETHUSDT"), EQUITIES.name: ("AAPL", "MSFT")}
ATTEMPTS, LONGEST_WAIT_SECONDS = 2, 1.0
MESSAGE_CHARACTERS = 160
HEAD = ("market", "kind", "source", "rows", "first", "last", "seconds", "failure")


@dataclass(frozen=True)
class Answer:
    """
    The result of one request.

    Args:
        market: of the symbols.
        kind: "instruments", "ohlcv" or a key of `FACTS`.
        source: its name.
        rows: number of rows.
        first: earliest stamp among them, UTC; empty without rows.
        last: latest stamp.
        seconds: duration of the request.
        failed: no rows because the vendor failed.
        message: the failure, one line; also partial failures beside rows.
    """

    market: str
    kind: str
    source: str
    rows: int
    first: str
    last: str
    seconds: float
    failed: bool
    message: str


@dataclass(frozen=True)
class Request:
    """One request to a source; arguments as in `Answer`."""

    market: str
    kind: str
    source: str
    fetch: Callable[[], FetchResult]


def requests(data: MarketDataResource, day: pd.Timestamp) -> Iterator[Request]:
    """
    Requests to every source of both markets: listings, bars, and each kind of facts.

    Args:
        data: the configured vendors.
        day: beginning of a finished day, UTC; for stocks the last session up to its end is requested.

    Raises:
        SettingError: a setting has an unknown name.
    """
    for market in MARKETS:
        symbols = _two(data, market)
        few = data.model_copy(update={"source": "live", _FIELD[market.name]: ",".join(symbols)})
        source, window = _with_short_waits(few.bar_source(market)), _window(market, day)
        yield Request(market.name, "instruments", source.name, partial(source.fetch_instruments, market))
        yield Request(market.name, "ohlcv", source.name, partial(source.fetch_bars, market, symbols, *window))
        for kind in FACTS:
            for facts in map(_with_short_waits, few.sources(market, kind, _score)):
                yield Request(market.name, kind, facts.name, partial(facts.fetch, market, symbols, *window))


def answer(request: Request) -> Answer:
    """The answer to a request; every error becomes an answer."""
    started = time.monotonic()
    try:
        fetched, failure = request.fetch(), ""
    except Exception as error:  # one broken source must not end the check of the others
        fetched, failure = FetchResult(pd.DataFrame()), _one_line(error)
    stamps = fetched.table["timestamp"] if len(fetched.table) else pd.Series(dtype="datetime64[us, UTC]")
    first, last = ("" if pd.isna(end) else f"{end:%Y-%m-%d %H:%M}" for end in (stamps.min(), stamps.max()))
    partial_failures = "; ".join(f"{item}: {reason}" for item, reason in fetched.failures.items())
    return Answer(
        request.market,
        request.kind,
        request.source,
        len(fetched.table),
        first,
        last,
        round(time.monotonic() - started, 1),
        bool(failure),
        failure or _clipped(partial_failures),
    )


def as_text(answers: Sequence[Answer]) -> str:
    """One aligned table, one source per line."""
    rows = [HEAD, *(_cells(answer) for answer in answers)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or JSON; 1 when a source failed or a setting is wrong."""
    parser = argparse.ArgumentParser(prog="python -m alpha_pipeline.resources.tools.live_check", description=__doc__)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of the table")
    parser.add_argument("--day", default="", help="a finished day, YYYY-MM-DD; the day before yesterday by default")
    options = parser.parse_args(arguments)
    try:
        planned = list(requests(MarketDataResource.of(load_settings().data), _day(options.day)))
    except AlphaError as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    answers = []
    for number, request in enumerate(planned, 1):
        print(f"{number} of {len(planned)}: {request.market} {request.source}", file=sys.stderr, flush=True)
        with _quiet():
            answers.append(answer(request))
    print(json.dumps([asdict(item) for item in answers], indent=1) if options.json else as_text(answers))
    return int(any(item.failed for item in answers))


_FIELD = {CRYPTO.name: "crypto_symbols", EQUITIES.name: "equity_symbols"}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence clients, which log what the table shows."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _day(text: str) -> pd.Timestamp:
    """The requested day; by default the last one with published chain metrics, which take vendors a day."""
    if not text:
        return utc_now().floor("D") - pd.Timedelta(days=2)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise SettingError(f"--day is {text!r}; expected YYYY-MM-DD")
    try:
        day = pd.Timestamp(text, tz="UTC")
    except ValueError as error:
        raise SettingError(f"--day is {text!r}: {error}; expected YYYY-MM-DD") from error
    if day + pd.Timedelta(days=1) > utc_now():
        raise SettingError(f"--day is {text}, which has not ended; expected a finished day")
    return day


def _two(data: MarketDataResource, market: Market) -> tuple[str, ...]:
    configured = tuple(data.settings.symbols.get(market.name, ()))
    return (configured or WELL_KNOWN[market.name])[:2]


def _window(market: Market, day: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The day, or the last one with a session."""
    end = day + pd.Timedelta(days=1)
    if market.calendar == "24/7":
        return day, end
    last = expected_closes(market, end - pd.Timedelta(days=14), end)[-1].floor("D")
    return last, last + pd.Timedelta(days=1)


def _with_short_waits(source: Any) -> Any:
    """The source with fewer attempts and shorter waits."""
    wait = min(source.retry_policy.longest_wait_seconds, LONGEST_WAIT_SECONDS)
    policy = replace(source.retry_policy, attempts=ATTEMPTS, longest_wait_seconds=wait)
    return replace(source, retry_policy=policy)


def _score(texts: Sequence[str]) -> list[float]:
    return [float(sentiment) for sentiment in LexiconScorer().score(texts)]


def _one_line(error: Exception) -> str:
    """The error in one line; an unreachable address is shortened."""
    text = " ".join(str(error).split())
    if "not reachable" in text:
        address = re.search(r"https?://[^/\s]+|(?:[\w-]+\.)+[a-z]{2,}", text)
        return f"not reachable: {address[0] if address else text}"
    return _clipped(text if isinstance(error, AlphaError) else f"{type(error).__name__}: {text}")


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_CHARACTERS else f"{line[: MESSAGE_CHARACTERS - 3]}..."


def _cells(answer: Answer) -> tuple[str, ...]:
    market, kind, source, rows, first, last, seconds, failed, message = astuple(answer)
    return market, kind, source, str(rows), first, last, f"{seconds:.1f}", f"FAILED {message}" if failed else message


if __name__ == "__main__":
    sys.exit(main())
