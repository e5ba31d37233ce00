"""
Signals as matrices: one row per bar and symbol, one column per source. The input of every fusion method.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.panel import KEY
from alpha_pipeline.signals.sources import MINIMUM, WEIGHTS
from alpha_pipeline.typing import Array, Selection


@dataclass(frozen=True)
class SignalMatrix:
    """
    Signals of one market.

    Args:
        keys: (rows,) frame of `timestamp` (UTC) and `symbol`, sorted and unique.
        value: (rows, sources) in [-1, 1], columns in the order of `sources`; NaN where a source is inactive.
        confidence: (rows, sources) in [0, 1]; NaN in the same places.
        sources: names of the columns, those of the weight table.
    """

    keys: pd.DataFrame
    value: Array
    confidence: Array
    sources: tuple[str, ...] = tuple(WEIGHTS)

    @classmethod
    def from_table(cls, signals: pd.DataFrame) -> "SignalMatrix":
        """
        Rows of `tables.SOURCE_SIGNALS` as matrices; every source of the weight table has a column.

        Raises:
            DataError: a source without a weight, two signals of a source for one bar and symbol, or a number out of
                bounds.
        """
        unknown = sorted(set(signals["source"]) - set(WEIGHTS))
        if unknown:
            raise DataError(f"signals of {unknown} have no weight; expected sources are {sorted(WEIGHTS)}")
        for name, low in MINIMUM.items():
            outside = signals[~signals[name].between(low, 1.0)]
            if len(outside):
                first = outside.iloc[0]
                where = f"{first['source']} for {first['symbol']} at {first['timestamp']}"
                raise DataError(f"{name} of {where} is {first[name]}; expected a number in [{low:g}, 1]")
        keys = signals[KEY].drop_duplicates().sort_values(KEY, ignore_index=True)
        row = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(signals[KEY]))
        column = signals["source"].map({name: i for i, name in enumerate(WEIGHTS)}).to_numpy(int)
        cell = row * len(WEIGHTS) + column
        if len(np.unique(cell)) != len(cell):
            duplicate = signals[signals.duplicated([*KEY, "source"])].iloc[0]
            where = f"{duplicate['symbol']} at {duplicate['timestamp']}"
            raise DataError(f"{duplicate['source']} has two signals for {where}; expected one")
        value, confidence = (np.full((len(keys), len(WEIGHTS)), np.nan) for _ in range(2))
        value.reshape(-1)[cell] = signals["value"].to_numpy(float)
        confidence.reshape(-1)[cell] = signals["confidence"].to_numpy(float)
        return cls(keys, value, confidence)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def weighted(self) -> Array:
        """(rows, sources) value times confidence; 0 where a source is inactive."""
        return np.asarray(np.nan_to_num(self.value * self.confidence))

    @property
    def active(self) -> Array:
        """(rows, sources) whether a source has a signal."""
        return np.asarray(np.isfinite(self.value))

    @property
    def weights(self) -> Array:
        """(sources,) base weights."""
        return np.array([WEIGHTS[name] for name in self.sources])

    def take(self, rows: Selection) -> "SignalMatrix":
        """The rows of a mask, a slice or positions."""
        return replace(
            self,
            keys=self.keys.iloc[rows].reset_index(drop=True),
            value=self.value[rows],
            confidence=self.confidence[rows],
        )

    def drop_sources(self, sources: Sequence[str]) -> "SignalMatrix":
        """The same rows with some sources inactive."""
        dropped = np.isin(self.sources, list(sources))
        return replace(
            self, value=np.where(dropped, np.nan, self.value), confidence=np.where(dropped, np.nan, self.confidence)
        )
