"""
The interfaces of market data sources, and the checks of their arguments and answers.

Sources are chosen in `market_data`; contracts of tables are in `validation.raw`.
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
    The answer of a source.

    Args:
        table: long, in the columns of its table of `FACTS`, sorted by its keys; parsed, not yet judged.
        failures: symbol, feed or metric -> reason of its failure, one sentence.
        counts: remarks, such as dropped rows -> their number.
    """

    table: pd.DataFrame
    failures: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class FactSource(Protocol):
    """
    A vendor of facts other than bars: funding, text, chain metrics.

    `timestamp` is the time of the event, `available_at` the earliest time it could be known: the vendor's stamp of
    publication where it gives one, else the event plus the lag stated in the source's module; never the time of the
    request.
    """

    @property
    def name(self) -> str:
        """The name in messages and metadata."""
        ...

    @property
    def kind(self) -> str:
        """The key of `FACTS` whose rows it gives."""
        ...

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Facts of `symbols` stamped in (start, end].

        Two requests for a past window give the same rows. A symbol, feed or metric that fails is a failure of the
        answer; the others are kept.

        Raises:
            SourceError: no rows because the vendor failed; an empty day is no failure.
            SettingError: the window or a symbol is invalid, or a required key is not set.
        """
        ...


class MarketDataSource(Protocol):
    """
    A source of bars and listings.

    Every table is long, sorted by its keys, in UTC; `timestamp` is the close of a bar, `available_at` the earliest time
    the row could be known. Partial answers are returned; only an answer without rows raises.
    """

    @property
    def name(self) -> str:
        """The name in messages and metadata."""
        ...

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The default symbols, sorted."""
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
            market: gives bar length and calendar.
            symbols: to fetch; None for all of `symbols(market)`.
            start: exclusive, UTC.
            end: inclusive, UTC.

        Returns:
            Columns of `tables.RAW_OHLCV`, as the vendor sent them. A bar the source lacks is an absent row; a price it
            never has is NaN. No rows only when the calendar has no bar in the window.

        Raises:
            SourceError: outside coverage, unknown symbol, unreachable, unusable answer, or no bars where due.
            SettingError: the window is empty, reversed or not UTC; the source does not serve the market.
        """
        ...

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """Every stored bar that closed by `end`, as `fetch_ohlcv`; no rows when coverage begins later."""
        ...

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """The rows of `fetch_ohlcv`; a symbol that failed is a failure of the answer."""
        ...

    def fetch_instruments(self, market: Market) -> FetchResult:
        """Rows of `tables.LISTINGS`: listings and delistings up to today; no rows from a source without dates."""
        ...


def require_window(start: pd.Timestamp, end: pd.Timestamp) -> None:
    """SettingError unless both are UTC moments and start < end."""
    for name, moment in (("start", start), ("end", end)):
        if pd.isna(moment) or moment.utcoffset() != pd.Timedelta(0):
            raise SettingError(f"{name} of a window is {moment}; expected a moment in UTC")
    if start >= end:
        raise SettingError(f"the window ({start}, {end}] is empty; expected start < end")


def pick_symbols(symbols: Sequence[str] | None, available: Collection[str], source: str) -> list[str]:
    """
    The symbols to fetch, sorted, each once; None picks all.

    Raises:
        SourceError: one is not available; the message has the nearest name and the list.
        SettingError: the list is empty.
    """
    if symbols is None:
        return sorted(available)
    if isinstance(symbols, str) or not symbols:
        raise SettingError(f"symbols are {symbols!r}; expected a list of names, or None for all of them")
    for symbol in symbols:
        if symbol not in available:
            raise SourceError(
                f"{source} has no symbol {symbol!r}; {_nearest(symbol, available)}it has {_listing(available)}"
            )
    return sorted(set(symbols))


def require_symbols(symbols: Sequence[str]) -> list[str]:
    """The symbols sorted, each once; SettingError when one is not a ticker."""
    if isinstance(symbols, str) or not symbols:
        raise SettingError(f"symbols are {symbols!r}; expected a list of names, or None for all of them")
    for symbol in symbols:
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9.^=-]{0,29}", symbol):  # they become part of a URL
            raise SettingError(f"symbol {symbol!r} is not a ticker; expected capitals, digits, '.', '-', '=' and '^'")
    return sorted(set(symbols))


def utc_now() -> pd.Timestamp:
    """The current time, UTC."""
    return pd.Timestamp.now("UTC")


def require_bars(table: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp, source: str) -> None:
    """SourceError when a table has no row although the calendar has bars in (start, end]."""
    if len(table):
        return
    closes = expected_closes(market, start, end)
    if len(closes):
        raise SourceError(
            f"{source} gave no {market.name} bar in ({start}, {end}]; "
            f"the calendar {market.calendar} has {len(closes)}, from {closes[0]} to {closes[-1]}"
        )


def _nearest(symbol: str, available: Collection[str]) -> str:
    near = difflib.get_close_matches(symbol.upper(), sorted(available), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? " if near else ""


def _listing(available: Collection[str], limit: int = 120) -> str:
    names = sorted(available)
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
