"""
The panel: all fields of a market on one grid of bars and symbols.

Long tables become wide panels; every value of a bar was available by its close.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.typing import Array, Flags, Integers, Times

KEY = ["timestamp", "symbol"]
CARRIED = "carried"
PER_SHARE = ("open", "high", "low", "close", "vwap", "dividend")


@dataclass(frozen=True)
class Panel:
    """
    Fields of one market on a common grid.

    Args:
        timestamps: (bars,) datetime64[us], UTC bar closes, strictly increasing.
        symbols: names of the columns, sorted.
        fields: field name to a C-ordered float64 (bars, symbols) matrix; NaN where there is no value.
        origin: number of the first bar; windows are computed in blocks anchored to these numbers, so that a slice gives
            the same bits as the full panel. Counted from 1970 for evenly spaced bars, else from the first bar given.
        carried: (bars, symbols), whether a bar is no bar of the source but the last close before it, see `gaps`; None
            without any. The column `carried` of a table, 1 or 0.
    """

    timestamps: Times
    symbols: tuple[str, ...]
    fields: Mapping[str, Array]
    origin: int = 0
    carried: Flags | None = None

    def __post_init__(self) -> None:
        shape = (len(self.timestamps), len(self.symbols))
        carried = {} if self.carried is None else {CARRIED: self.carried}
        for name, values in {**self.fields, **carried}.items():
            if values.shape != shape:
                raise DataError(f"field {name!r} has shape {values.shape}, expected (bars, symbols) = {shape}")
        if len(self.timestamps) > 1 and not (np.diff(self.timestamps) > np.timedelta64(0)).all():
            raise DataError("timestamps of a panel must be strictly increasing")

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.timestamps), len(self.symbols)

    def __getitem__(self, field: str) -> Array:
        try:
            return self.fields[field]
        except KeyError:
            raise DataError(f"the panel has no field {field!r}; it has {sorted(self.fields)}") from None

    def rows(self, start: int | None, stop: int | None) -> "Panel":
        """The bars [start, stop), Python slice rules; views, no copies."""
        cut = slice(start, stop)
        fields = {name: values[cut] for name, values in self.fields.items()}
        origin = self.origin + cut.indices(len(self.timestamps))[0]
        carried = None if self.carried is None else self.carried[cut]
        return replace(self, timestamps=self.timestamps[cut], fields=fields, origin=origin, carried=carried)

    def columns(self, places: Sequence[int] | Integers) -> "Panel":
        """The symbols at some positions, in that order; copies."""
        fields = {name: np.ascontiguousarray(values[:, places]) for name, values in self.fields.items()}
        carried = None if self.carried is None else self.carried[:, places]
        return replace(self, symbols=tuple(self.symbols[p] for p in places), fields=fields, carried=carried)

    def with_fields(self, names: Iterable[str]) -> "Panel":
        """The panel with at least these fields; a field it does not have is NaN in every bar."""
        absent = {name: np.full(self.shape, np.nan) for name in names if name not in self.fields}
        return replace(self, fields={**self.fields, **absent}) if absent else self

    def until(self, moment: pd.Timestamp) -> "Panel":
        """The bars closed by `moment`, prices and volumes adjusted for splits up to then: see `_adjust_for_splits`."""
        return _adjust_for_splits(self.rows(None, self.closed_by(moment)))

    def after(self, moment: pd.Timestamp) -> "Panel":
        """The bars closed after `moment`."""
        return self.rows(self.closed_by(moment), None)

    def closed_by(self, moment: pd.Timestamp) -> int:
        """Number of bars closed by `moment`."""
        return int(np.searchsorted(self.timestamps, utc64(moment), side="right"))

    @classmethod
    def from_table(cls, table: pd.DataFrame, fields: Sequence[str] | None = None) -> "Panel":
        """
        Pivot a long table (`timestamp`, `symbol`, one column per field) to a panel.

        Columns without any value are omitted: a field the market does not have is absent, not empty.

        Raises:
            DataError: key columns are missing, or a (timestamp, symbol) pair occurs twice.
        """
        missing = [column for column in KEY if column not in table.columns]
        if missing:
            raise DataError(f"a panel table needs the columns {KEY}; missing {missing}, found {list(table.columns)}")
        names = list(fields) if fields is not None else _field_columns(table)
        times, row = np.unique(table["timestamp"].to_numpy("datetime64[us]"), return_inverse=True)
        symbols, column = np.unique(table["symbol"].to_numpy(object).astype(str), return_inverse=True)
        cell = row * max(len(symbols), 1) + column
        if len(np.unique(cell)) != len(cell):
            repeated = table[table.duplicated(KEY)].iloc[0]
            raise DataError(f"({repeated['timestamp']}, {repeated['symbol']}) occurs more than once in the table")
        out = {}
        for name in names:
            values = np.full((len(times), len(symbols)), np.nan)
            values.reshape(-1)[cell] = table[name].to_numpy("float64", na_value=np.nan)
            if not np.isnan(values).all():
                out[name] = values
        carried = None
        if CARRIED in table and (flags := table[CARRIED].to_numpy("float64", na_value=0.0) == 1).any():
            carried = np.zeros((len(times), len(symbols)), bool)
            carried.reshape(-1)[cell] = flags
        return cls(times, tuple(symbols.tolist()), out, first_bar_number(times), carried)

    def to_table(self) -> pd.DataFrame:
        """Long form, sorted by timestamp and symbol; rows in which every field is NaN are omitted."""
        bars, symbols = self.shape
        table = pd.DataFrame(
            {
                "timestamp": pd.DatetimeIndex(np.repeat(self.timestamps, symbols)).tz_localize("UTC"),
                "symbol": pd.array(list(self.symbols) * bars, dtype="str"),
                **{name: values.reshape(-1) for name, values in self.fields.items()},
            }
        )
        if self.carried is not None:
            table[CARRIED] = self.carried.reshape(-1).astype(float)
        return table.dropna(subset=list(self.fields), how="all").reset_index(drop=True)


def align(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], max_age: pd.Timedelta) -> pd.DataFrame:
    """
    Point-in-time join of slower data onto bars, as available at each close.

    Args:
        bars: long table with `timestamp`, `symbol`, `available_at` and price fields.
        facts: by source, a long table with `symbol`, `available_at` and value columns; empty tables are skipped.
        max_age: an event older than this at the close is missing, whenever it became available; so the tables need
            not reach back further.

    Returns:
        `bars` without `available_at`, with the value columns of the facts, sorted by timestamp and symbol. NaN where no
        value was available. Bars that became available after their close are dropped: no decision could use them.
    """
    available = bars[bars["available_at"] <= bars["timestamp"]].drop(columns="available_at")
    panel = available.sort_values(KEY, kind="stable", ignore_index=True)
    for source, table in facts.items():
        if table.empty:
            continue
        values = [c for c in table.columns if c not in {"timestamp", "symbol", "available_at"}]
        clash = sorted(set(values) & set(panel.columns))
        if clash:
            raise DataError(f"source {source!r} has the columns {clash}, which are in the panel already")
        for value in values:  # separately: vendors of one kind of data have different timestamps
            panel = pd.merge_asof(
                panel,
                _versions(table, value),
                left_on="timestamp",
                right_on="_available",
                by="symbol",
                direction="backward",
                tolerance=max_age,
            )
            stale = panel["timestamp"] - panel["_event"] > max_age
            panel = panel.assign(**{value: panel[value].mask(stale)}).drop(columns=["_available", "_event"])
    return panel


def _versions(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """
    Versions of one value by the time they became available, without gaps.

    A revision counts only while its event is the newest one available.
    """
    versions = table.loc[table[value].notna(), ["timestamp", "symbol", "available_at", value]]
    versions = versions.sort_values(["available_at", "timestamp"], kind="stable")
    newest = versions.groupby("symbol")["timestamp"].cummax()
    current = versions.loc[versions["timestamp"] == newest, ["available_at", "timestamp", "symbol", value]]
    return current.rename(columns={"available_at": "_available", "timestamp": "_event"})


def _adjust_for_splits(panel: Panel) -> Panel:
    """
    Adjust earlier prices and volumes for the splits within the panel.

    A vendor adjusts the past for splits; bars stored before a split are unadjusted. Bars before a value of the field
    `split` are adjusted where the price jump is closer to the split than to no jump. A later split has no effect.
    """
    split = panel.fields.get("split")
    if split is None or not (split > 0).any():
        return panel
    fields = {name: values.copy() for name, values in panel.fields.items() if name in (*PER_SHARE, "volume")}
    close = fields["close"]
    priced = np.isfinite(close) if panel.carried is None else np.isfinite(close) & ~panel.carried
    for bar, column in np.argwhere(split > 0):
        before, after = np.flatnonzero(priced[:bar, column]), np.flatnonzero(priced[bar:, column])
        shares = split[bar, column]
        if not len(before) or not len(after):
            continue
        resumed = bar + after[0]  # bars carried up to there have the price before the split
        jump = np.log(close[before[-1], column] / close[resumed, column])
        if abs(jump - np.log(shares)) < abs(jump):  # closer to the split than to no jump
            for name, values in fields.items():
                values[:resumed, column] *= shares if name == "volume" else 1 / shares
    return replace(panel, fields={**panel.fields, **fields})


def first_bar_number(times: Times) -> int:
    """Number of the first bar, see `Panel.origin`."""
    steps = np.unique(np.diff(times))
    return int(times[0].astype(np.int64) // steps[0].astype(np.int64)) if len(steps) == 1 else 0


def _field_columns(table: pd.DataFrame) -> list[str]:
    return [
        c for c in table.columns if c not in {*KEY, "available_at", CARRIED} and pd.api.types.is_numeric_dtype(table[c])
    ]


def utc64(moment: pd.Timestamp) -> np.datetime64:
    naive = moment.tz_convert("UTC").tz_localize(None) if moment.tz is not None else moment
    return np.datetime64(naive, "us")
