"""
What every door of market data promises, and the checks that make a door keep it.

Which door is opened is decided in `market_data`; what a table must satisfy beyond its shape, in `validation`.
"""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market, expected_closes

FACTS = {
    "adjustments": tables.RAW_ADJUSTMENTS,
    "funding": tables.RAW_FUNDING,
    "derivatives": tables.RAW_DERIVATIVES,
    "news": tables.RAW_NEWS,
    "social": tables.RAW_SOCIAL,
    "onchain": tables.RAW_ONCHAIN,
}


@dataclass(frozen=True)
class FetchResult:
    """
    What came of one question: the rows, and what did not come.

    Args:
        table: long, in the columns of its table of `FACTS`, sorted by its keys.
        failures: what was asked and did not come (a symbol, a feed, a metric) -> why, one sentence.
        notes: what was done to the rows that came and a reader should know, such as rows left out, with counts.
        aside: rows of the window that cannot be true, in the same columns; counted in `notes`, for the record only.
    """

    table: pd.DataFrame
    failures: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    aside: pd.DataFrame = field(default_factory=pd.DataFrame)


class FactSource(Protocol):
    """
    One vendor of facts beside bars: funding, text, chain metrics.

    A fact's `timestamp` says when it happened, `available_at` when one could have known it: the vendor's own stamp of
    publication where it gives one, else the event plus the lag stated in the source's file; never the moment of asking.
    """

    @property
    def name(self) -> str:
        """How messages and metadata call it."""
        ...

    @property
    def kind(self) -> str:
        """The key of `FACTS` whose rows it gives."""
        ...

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        The facts stamped in (start, end] of `symbols`.

        Asked twice about a past window it answers the same rows. One symbol, feed or metric that fails is a failure of
        the answer; the others are kept.

        Raises:
            SourceError: nothing came because the vendor failed; an empty day is no failure.
            SettingError: the window or a symbol is none, or a key is needed and not set.
        """
        ...


class MarketDataSource(Protocol):
    """
    A door to market data: bars, and the facts it may have beside them.

    Every table is long, sorted by its keys, UTC throughout; `timestamp` is the close of a bar (the event, for facts)
    and `available_at` the first moment one could have known the row. A door keeps what came and raises when nothing
    did.
    """

    @property
    def name(self) -> str:
        """How messages and metadata call the door."""
        ...

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The symbols it fetches when none are named, sorted."""
        ...

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last close it can give, both inclusive, UTC."""
        ...

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """
        The finished bars that closed in (start, end].

        Args:
            market: decides bar length and calendar.
            symbols: which; None for all of `symbols(market)`.
            start: exclusive, UTC.
            end: inclusive, UTC.

        Returns:
            Columns of `tables.RAW_OHLCV`. A bar the source lacks is an absent row; a price it never has is NaN.
            No rows only when the calendar has no bar in the window.

        Raises:
            SourceError: outside coverage, unknown symbol, unreachable, nonsense, or nothing where bars must exist.
            SettingError: the window is empty, reversed or not UTC; the door does not serve the market.
        """
        ...

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """Every bar it keeps that closed by `end`, as `fetch_ohlcv`; no rows when it begins later."""
        ...

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """`fetch_ohlcv` that keeps what came: a symbol that failed is a failure of the answer."""
        ...

    def fetch_instruments(self, market: Market) -> FetchResult:
        """Rows of `tables.LISTINGS` known today: what was listed when, and delisted; none where there are no dates."""
        ...


def require_window(start: pd.Timestamp, end: pd.Timestamp) -> None:
    """SettingError unless both are UTC moments and start < end."""
    for name, moment in (("start", start), ("end", end)):
        if moment is pd.NaT or moment.utcoffset() != pd.Timedelta(0):
            raise SettingError(f"{name} of a window is {moment}; expected a moment in UTC")
    if start >= end:
        raise SettingError(f"the window ({start}, {end}] is empty; expected start < end")


def pick_symbols(asked: Sequence[str] | None, known: Collection[str], door: str) -> list[str]:
    """
    The symbols to fetch, sorted, once each.

    Raises:
        SourceError: one is not known; the message has the nearest name and the list.
        SettingError: the list is there and empty.
    """
    if asked is None:
        return sorted(known)
    if isinstance(asked, str) or not asked:
        raise SettingError(f"symbols are {asked!r}; expected a list of names, or None for all of them")
    for symbol in asked:
        if symbol not in known:
            raise SourceError(f"{door} has no symbol {symbol!r}; {_nearest(symbol, known)}it has {_listing(known)}")
    return sorted(set(asked))


def require_symbols(asked: Sequence[str]) -> list[str]:
    """Symbols a live vendor may be asked for, sorted, once each; SettingError when one is no plain ticker."""
    if isinstance(asked, str) or not asked:
        raise SettingError(f"symbols are {asked!r}; expected a list of names, or None for all of them")
    for symbol in asked:
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9.^=-]{0,29}", symbol):  # they become part of an address
            raise SettingError(f"symbol {symbol!r} is no ticker; expected capitals, digits, '.', '-', '=' and '^'")
    return sorted(set(asked))


def utc_now() -> pd.Timestamp:
    """The present moment."""
    return pd.Timestamp.now("UTC")


def require_bars(table: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp, door: str) -> None:
    """SourceError when a table has no row although the calendar has bars in (start, end]."""
    if len(table):
        return
    closes = expected_closes(market, start, end)
    if len(closes):
        raise SourceError(
            f"{door} gave no {market.name} bar in ({start}, {end}]; "
            f"the calendar {market.calendar} has {len(closes)}, from {closes[0]} to {closes[-1]}"
        )


def _nearest(symbol: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(symbol.upper(), sorted(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? " if near else ""


def _listing(known: Collection[str], most: int = 120) -> str:
    names = sorted(known)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
