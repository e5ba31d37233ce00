"""
Files as a source of the graph: bars and facts of a market behind the interfaces of vendors.

A file is read once per process and state of the file; how it is understood is decided in `bar_files`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import fsspec
import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.durations import duration_time
from alpha_pipeline.market.markets import Market, expected_closes, is_universe_file
from alpha_pipeline.market.panel import align
from alpha_pipeline.resources.files.bar_files import read_bars
from alpha_pipeline.resources.files.fact_files import read_facts
from alpha_pipeline.resources.files.file_readings import FileReading
from alpha_pipeline.resources.files.formats import FileFormat
from alpha_pipeline.resources.files.universe_file import members, universe_table
from alpha_pipeline.resources.vendors.protocols import FACTS, FetchResult, pick_symbols, require_window, utc_now
from alpha_pipeline.settings import FactSettings, FileSettings

# A fact of a file, such as a quarterly report, counts this long after its event.
MAX_FACT_AGE = pd.Timedelta(days=400)
BAR_COLUMNS = [column.name for column in tables.RAW_OHLCV.columns]


@dataclass(frozen=True)
class FileBars:
    """
    Bars of a market from its files, with its facts joined as available at each close.

    Args:
        market: whose files are read.
        only: symbols; empty for all of the files.
    """

    market: Market
    only: tuple[str, ...] = ()
    name: str = "files"

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The symbols of `only`, else all of the files."""
        available = self._available()
        return tuple(pick_symbols(self.only, available, self._title())) if self.only else available

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last close of the files."""
        closes = self._content().bars["timestamp"]
        if closes.empty:
            raise SourceError(f"{self._title()} has no valid bar")
        return closes.iloc[0], closes.iloc[-1]

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """
        The rows of `fetch_ohlcv`; further numeric columns follow those of the table.

        Rows that were set aside while reading are among them, so that the gate counts and stores them as rejected.
        """
        table = self.fetch_ohlcv(market, symbols, start, end)
        rejected = self._content().reading.rejected
        stamps = rejected["timestamp"] if "timestamp" in rejected else pd.Series(dtype="datetime64[us, UTC]")
        inside = rejected[(stamps > start) & (stamps <= end)]
        if inside.empty:
            return FetchResult(table)
        judged = inside.reindex(columns=table.columns).assign(available_at=inside["timestamp"])
        return FetchResult(pd.concat([table, judged.astype(table.dtypes.to_dict())], ignore_index=True))

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """Valid bars of the files that closed in (start, end]; see `MarketDataSource`."""
        require_window(start, end)
        table = self._slice(symbols, start, end)
        due = expected_closes(market, start, end)
        if table.empty and len(due):
            first, last = self.coverage(market)
            raise SourceError(
                f"{self._title()} has no bar in ({start}, {end}], where the calendar {market.calendar} has {len(due)}; "
                f"its bars close from {first} to {last}"
            )
        return table

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """Every valid bar of the files that closed by `end`."""
        return self._slice(None, pd.Timestamp(0, tz="UTC"), end)

    def fetch_instruments(self, market: Market) -> FetchResult:
        """No rows: files have no listing dates."""
        return FetchResult(tables.LISTINGS.empty())

    def _slice(self, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        bars = self._content().bars
        chosen = self.symbols(self.market) if symbols is None else symbols
        picked = pick_symbols(chosen, set(self._available()), self._title())
        first, last = bars["timestamp"].searchsorted(pd.Series([start, end]), side="right")
        window = bars.iloc[first:last]
        if len(picked) < len(self._available()):
            window = window[window["symbol"].isin(picked)]
        return window.reset_index(drop=True)

    def _available(self) -> tuple[str, ...]:
        return self._content().symbols

    def _content(self) -> "_Content":
        return _read(self.market, _version(self.market))

    def _title(self) -> str:
        return f"files of {self.market.name} ({self.market.files.path})"


@dataclass(frozen=True)
class FileFacts:
    """
    Facts of a kind that the graph has a table for, from files.

    Args:
        kind: a key of `FACTS`.
        settings: the files.
    """

    kind: str
    settings: FactSettings
    name: str = "files"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """Facts of `symbols` that became known in (start, end]."""
        require_window(start, end)
        facts = read_facts(file_format(self.settings, self.kind), market, duration_time(self.settings.lag)).table
        known = facts["available_at"]
        return FetchResult(
            facts[(known > start) & (known <= end) & facts["symbol"].isin(symbols)].reset_index(drop=True)
        )


@dataclass(frozen=True)
class _Content:
    """What the files of a market hold: the reading of its bars, and these with facts joined, sorted by close."""

    reading: FileReading
    bars: pd.DataFrame
    symbols: tuple[str, ...]


@lru_cache(maxsize=4)
def _read(market: Market, version: str) -> _Content:
    """The content of the files in one state of them."""
    reading = read_bars(file_format(market.files), market, utc_now())
    bars = reading.table.sort_values(["timestamp", "symbol"], kind="stable", ignore_index=True)
    known = bars["available_at"]
    facts = {
        kind: read_facts(file_format(settings, kind), market, duration_time(settings.lag)).table
        for kind, settings in market.facts.items()
        if kind not in FACTS
    }
    if facts:
        bars = align(bars.assign(available_at=bars["timestamp"]), facts, MAX_FACT_AGE).assign(available_at=known)
    if is_universe_file(market.universe):
        bars = members(bars, universe_table(market.universe[0]))
    bars = bars.assign(**{column: np.nan for column in BAR_COLUMNS if column not in bars.columns})
    further = [c for c in bars.columns if c not in BAR_COLUMNS and pd.api.types.is_numeric_dtype(bars[c])]
    return _Content(reading, bars[[*BAR_COLUMNS, *further]], tuple(sorted(bars["symbol"].unique())))


def _version(market: Market) -> str:
    """Settings and state of the files: another version is read anew."""
    universe = market.universe if is_universe_file(market.universe) else ()
    paths = [market.files.path, *universe, *(facts.path for facts in market.facts.values())]
    return repr((market.files, dict(market.facts), [_state(path) for path in paths]))


def _state(path: str) -> list[tuple[str, object, object]]:
    """Name, size and time of change of each file below a path."""
    system, place = fsspec.core.url_to_fs(path)
    names = (
        system.find(place) if system.isdir(place) else system.glob(place) if any(c in place for c in "*?[") else [place]
    )
    states = []
    for name in sorted(map(str, names)):
        info = system.info(name) if system.exists(name) else {}
        states.append((name, info.get("size"), info.get("mtime") or info.get("LastModified") or info.get("ETag")))
    return states


def file_format(settings: FileSettings, kind: str = "bars") -> FileFormat:
    """The settings of files as the reader takes them."""
    units = settings.units if isinstance(settings, FactSettings) else {}
    return FileFormat(
        settings.path, settings.preset, settings.columns, settings.symbol, settings.time_zone, settings.date_order,
        settings.stamp, settings.decimal, kind, units,
    )  # fmt: skip
