"""
`python -m resources.tools.live_check`: does every vendor answer today, door by door, for one finished day.

Which doors there are is `market_data`'s business; nothing is stored, and nothing is judged but that something came.
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
from alpha_pipeline.text.lexicon import LexiconScorer
from resources.market_data import MarketDataResource
from resources.vendors.protocols import FACTS, FetchResult, utc_now

WELL_KNOWN = {CRYPTO.name: ("BTCUSDT", "ETHUSDT"), EQUITIES.name: ("AAPL", "MSFT")}
TRIES, LONGEST_WAIT_SECONDS = 2, 1.0  # a check is not a run date: what does not answer twice is told
TOLD_CHARACTERS = 160
HEAD = ("market", "asked", "door", "rows", "first", "last", "seconds", "what failed")


@dataclass(frozen=True)
class Answer:
    """
    What one door said.

    Args:
        market: of the symbols.
        asked: "instruments", "ohlcv" or a key of `FACTS`.
        door: its name.
        rows: that came.
        first: earliest stamp among them, UTC; empty without rows.
        last: latest stamp.
        seconds: until it was there.
        failed: nothing came because the vendor failed.
        said: what failed, one line; also what failed beside rows that came.
    """

    market: str
    asked: str
    door: str
    rows: int
    first: str
    last: str
    seconds: float
    failed: bool
    said: str


@dataclass(frozen=True)
class Question:
    """One door and what it is asked; arguments as of `Answer`."""

    market: str
    asked: str
    door: str
    ask: Callable[[], FetchResult]


def questions(data: MarketDataResource, day: pd.Timestamp) -> Iterator[Question]:
    """
    Every door of both markets: listings, bars, and each kind of facts.

    Args:
        data: the configured vendors.
        day: beginning of a finished day, UTC; stocks are asked for their last session up to its end.

    Raises:
        SettingError: a setting names something that is not there.
    """
    for market in MARKETS:
        symbols = _two(data, market)
        few = data.model_copy(update={"source": "live", _FIELD[market.name]: ",".join(symbols)})
        door, window = _brief(few.door(market)), _window(market, day)
        yield Question(market.name, "instruments", door.name, partial(door.fetch_instruments, market))
        yield Question(market.name, "ohlcv", door.name, partial(door.fetch_bars, market, symbols, *window))
        for kind in FACTS:
            for source in map(_brief, few.sources(market, kind, _score)):
                yield Question(market.name, kind, source.name, partial(source.fetch, market, symbols, *window))


def answer(question: Question) -> Answer:
    """Ask; whatever goes wrong in a door is an answer too."""
    began = time.monotonic()
    try:
        fetched, wrong = question.ask(), ""
    except Exception as error:  # the check of a door must not end with the first that is broken
        fetched, wrong = FetchResult(pd.DataFrame()), _one_line(error)
    stamps = fetched.table["timestamp"] if len(fetched.table) else pd.Series(dtype="datetime64[us, UTC]")
    first, last = ("" if pd.isna(end) else f"{end:%Y-%m-%d %H:%M}" for end in (stamps.min(), stamps.max()))
    beside = "; ".join(f"{what}: {why}" for what, why in fetched.failures.items())
    return Answer(
        question.market,
        question.asked,
        question.door,
        len(fetched.table),
        first,
        last,
        round(time.monotonic() - began, 1),
        bool(wrong),
        wrong or _clipped(beside),
    )


def as_text(answers: Sequence[Answer]) -> str:
    """One aligned table, a door a line."""
    rows = [HEAD, *(_cells(said) for said in answers)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or JSON; 1 when a door failed or a setting is wrong."""
    parser = argparse.ArgumentParser(prog="python -m resources.tools.live_check", description=__doc__)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of the table")
    parser.add_argument("--day", default="", help="a finished day, YYYY-MM-DD; the day before yesterday by default")
    given = parser.parse_args(arguments)
    try:
        asked = list(questions(MarketDataResource.from_environment(), _day(given.day)))
    except AlphaError as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    answers = []
    for number, question in enumerate(asked, 1):
        print(f"{number} of {len(asked)}: {question.market} {question.door}", file=sys.stderr, flush=True)
        with _quiet():
            answers.append(answer(question))
    print(json.dumps([asdict(said) for said in answers], indent=1) if given.json else as_text(answers))
    return int(any(said.failed for said in answers))


_FIELD = {CRYPTO.name: "crypto_symbols", EQUITIES.name: "equity_symbols"}


@contextmanager
def _quiet() -> Iterator[None]:
    """Clients log and warn of what the table says."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _day(text: str) -> pd.Timestamp:
    """The day asked for; by default the last whose chain metrics are published: vendors take a day for them."""
    if not text:
        return utc_now().floor("D") - pd.Timedelta(days=2)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise SettingError(f"--day is {text!r}; expected YYYY-MM-DD")
    try:
        day = pd.Timestamp(text, tz="UTC")
    except ValueError as error:
        raise SettingError(f"--day is {text!r}: {error}; expected YYYY-MM-DD") from error
    if day + pd.Timedelta(days=1) > utc_now():
        raise SettingError(f"--day is {text}, which is not over; expected a finished day")
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


def _brief(door: Any) -> Any:
    """The door with less patience."""
    wait = min(door.patience.longest_wait_seconds, LONGEST_WAIT_SECONDS)
    return replace(door, patience=replace(door.patience, attempts=TRIES, longest_wait_seconds=wait))


def _score(texts: Sequence[str]) -> list[float]:
    return [float(sentiment) for sentiment in LexiconScorer().score(texts)]


def _one_line(error: Exception) -> str:
    """What happened, in a line; an address that nobody answers at is said in two words."""
    text = " ".join(str(error).split())
    if "not reachable" in text:
        where = re.search(r"https?://[^/\s]+|(?:[\w-]+\.)+[a-z]{2,}", text)
        return f"not reachable: {where[0] if where else text}"
    return _clipped(text if isinstance(error, AlphaError) else f"{type(error).__name__}: {text}")


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TOLD_CHARACTERS else f"{line[: TOLD_CHARACTERS - 3]}..."


def _cells(said: Answer) -> tuple[str, ...]:
    market, asked, door, rows, first, last, seconds, failed, text = astuple(said)
    return market, asked, door, str(rows), first, last, f"{seconds:.1f}", f"FAILED {text}" if failed else text


if __name__ == "__main__":
    sys.exit(main())
