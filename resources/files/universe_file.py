"""
A universe file: its symbols, and when each belongs to the universe.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.resources.vendors.protocols import FetchResult, MarketDataSource


def read_universe(path: str) -> tuple[str, ...]:
    """
    Symbols of a universe file: one a line, or a table with the column `symbol`.

    Raises:
        SettingError: there is no such file, or it has no symbols.
    """
    return tuple(sorted(set(universe_table(path)["symbol"])))


def universe_table(path: str) -> pd.DataFrame:
    """
    A universe file: `symbol`, and `from` and `to` as days without time zone, NaT where there is no limit.

    Raises:
        SettingError: there is no such file, it has no symbols, or a day cannot be read.
    """
    if not Path(path).is_file():
        raise SettingError(f"universe file {path} does not exist")
    if path.lower().endswith(".parquet"):
        table = pd.read_parquet(path).astype(str)
    else:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, header=None, comment="#", skip_blank_lines=True)
        if "symbol" in {str(cell).strip().lower() for cell in table.iloc[0]}:
            table = table.iloc[1:].set_axis([str(cell).strip().lower() for cell in table.iloc[0]], axis="columns")
    named = table.rename(columns={} if "symbol" in table else {table.columns[0]: "symbol"})
    named = named.assign(symbol=named["symbol"].str.strip())
    named = named[named["symbol"] != ""]
    if named.empty:
        raise SettingError(f"universe file {path} has no symbols; expected one a line, or a column `symbol`")
    limits = {name: named[name].str.strip() if name in named else pd.Series("", named.index) for name in ("from", "to")}
    try:
        days = {name: pd.to_datetime(texts.mask(texts == ""), format="%Y-%m-%d") for name, texts in limits.items()}
    except ValueError as error:
        raise SettingError(f"universe file {path}: from and to are days as YYYY-MM-DD; {error}") from None
    return pd.DataFrame({"symbol": named["symbol"], **days}).reset_index(drop=True)


def has_dates(universe: pd.DataFrame) -> bool:
    """Whether the table of a universe says when its symbols belong to it."""
    return bool(universe[["from", "to"]].notna().any(axis=None))


def members(bars: pd.DataFrame, universe: pd.DataFrame) -> pd.DataFrame:
    """The bars of symbols on the days on which they belong to a universe; a symbol may have several spans."""
    days = partition_days(bars["timestamp"])
    spans = bars[["symbol"]].assign(day=days, row=np.arange(len(bars))).merge(universe, on="symbol")
    inside = ~(spans["day"] < spans["from"]) & ~(spans["day"] > spans["to"])
    return bars.iloc[np.unique(spans.loc[inside, "row"])].reset_index(drop=True)


@dataclass(frozen=True)
class DatedUniverse:
    """
    A source whose symbols belong to the universe on some days only: outside of them it has no bar.

    Args:
        source: of the bars and listings.
        universe: as `universe_table` returns it.
    """

    source: MarketDataSource
    universe: pd.DataFrame

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.source.name

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The symbols of the source, members of any day."""
        return self.source.symbols(market)

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """That of the source."""
        return self.source.coverage(market)

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """The bars of members; symbols that are none in (start, end] are not asked for."""
        first, last = partition_days(pd.Series([start, end])).dt.tz_localize(None)
        spans = self.universe[~(self.universe["to"] < first) & ~(self.universe["from"] > last)]
        chosen = sorted(set(self.symbols(market) if symbols is None else symbols) & set(spans["symbol"]))
        if not chosen:
            return FetchResult(tables.RAW_OHLCV.empty())
        fetched = self.source.fetch_bars(market, chosen, start, end)
        return replace(fetched, table=members(fetched.table, self.universe))

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """The table of `fetch_bars`."""
        return self.fetch_bars(market, symbols, start, end).table

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The history of the source, members only."""
        return members(self.source.history(market, end), self.universe)

    def fetch_instruments(self, market: Market) -> FetchResult:
        """Those of the source."""
        return self.source.fetch_instruments(market)
