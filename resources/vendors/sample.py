"""
The embedded source: recorded prices that ship with the package and are served offline.

The files are made by `tools.build_sample`; their origin and quality are described in `data/README.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.resources.vendors.protocols import FetchResult, pick_symbols, require_bars, require_window

ABSENT = {
    "adjustments": "no dividends or splits are embedded; the closes are already adjusted",
    "funding": "no funding rates are embedded: no permissively licensed package carries them",
    "derivatives": "no open interest is embedded: no permissively licensed package carries it",
    "news": "no dated headlines are embedded: no package carries them with clear rights",
    "social": "no posts are embedded: no package carries them",
    "onchain": "no chain metrics are embedded: no package carries them",
}
FILES = {"crypto": "crypto", "stock": "equities"}  # asset type -> embedded file
_PRICES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class SampleSource:
    """
    Hourly bars of five coins and daily bars of a hundred US stocks.

    Args:
        only: the default symbols; empty for all of the market.
    """

    only: tuple[str, ...] = ()
    name: str = "sample"

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The symbols of `only`, else all of the market."""
        available = tuple(sorted(_bars(market.asset_type)["symbol"].unique()))
        return tuple(pick_symbols(self.only, available, self._title(market))) if self.only else available

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last recorded close."""
        closes = _bars(market.asset_type)["timestamp"]
        return closes.iloc[0], closes.iloc[-1]

    def fetch_bars(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> FetchResult:
        """The rows of `fetch_ohlcv`; a recording is complete or raises."""
        return FetchResult(self.fetch_ohlcv(market, symbols, start, end))

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """Recorded bars that closed in (start, end]; see `MarketDataSource`."""
        require_window(start, end)
        self._require_coverage(market, start, end)
        table = self._slice(market, symbols, start, end)
        require_bars(table, market, start, end, self._title(market))
        return table

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """Every recorded bar that closed by `end`."""
        before = self.coverage(market)[0] - market.bar_length
        if end <= before:
            return tables.RAW_OHLCV.empty()
        require_window(before, end)
        self._require_coverage(market, before, end)
        return self._slice(market, None, before, end)

    def fetch_instruments(self, market: Market) -> FetchResult:
        """No rows: the recordings have no listing dates."""
        return FetchResult(tables.LISTINGS.empty())

    def _slice(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        bars = _bars(market.asset_type)
        chosen = self.symbols(market) if symbols is None else symbols
        available = bars["symbol"].unique()
        picked = pick_symbols(chosen, available, self._title(market))
        first, last = bars["timestamp"].searchsorted(pd.Series([start, end]), side="right")
        window = bars.iloc[first:last]
        if len(picked) < len(available):
            window = window[window["symbol"].isin(picked)]
        return window.reset_index(drop=True)

    def _require_coverage(self, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> None:
        first, last = self.coverage(market)
        closes = expected_closes(market, start, end)
        if len(closes) and (closes[0] < first or closes[-1] > last):
            raise SourceError(
                f"sample data cover the {market.name} closes from {first} to {last}; "
                f"requested were those in ({start}, {end}]"
            )

    def _title(self, market: Market) -> str:
        return f"the {self.name} source of {market.name}"


@lru_cache(maxsize=4)
def _bars(asset_type: str) -> pd.DataFrame:
    """All embedded bars of an asset type, columns of `tables.RAW_OHLCV`, sorted by close and symbol."""
    file = resources.files("alpha_pipeline.resources") / "data" / f"{FILES.get(asset_type, asset_type)}.parquet"
    if not file.is_file():
        raise SettingError(f"no sample data of asset type {asset_type!r}; expected crypto or stock")
    try:
        with file.open("rb") as stream:
            stored = pq.read_table(stream)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"the embedded file {file} cannot be read; reinstall the package: {error}") from error
    frame = stored.to_pandas().sort_values(["timestamp", "symbol"], ignore_index=True)
    absent = {price: np.nan for price in _PRICES if price not in frame.columns}
    complete = frame.assign(available_at=frame["timestamp"], **absent)
    columns = [column.name for column in tables.RAW_OHLCV.columns]
    return pd.DataFrame(complete[columns])
