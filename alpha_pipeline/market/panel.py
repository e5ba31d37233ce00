"""
The panel: every field of a market on one grid of bars and symbols.

Tables come in long, panels go out wide; what enters a bar was known by its close.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.typing import Array

KEY = ["timestamp", "symbol"]
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
            the same bits as the whole. Counted from 1970 where bars are evenly spaced, else from the first bar given.
    """

    timestamps: Array
    symbols: tuple[str, ...]
    fields: Mapping[str, Array]
    origin: int = 0

    def __post_init__(self) -> None:
        shape = (len(self.timestamps), len(self.symbols))
        for name, values in self.fields.items():
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
        """The bars [start, stop), Python slice rules; views, nothing is copied."""
        cut = slice(start, stop)
        fields = {name: values[cut] for name, values in self.fields.items()}
        origin = self.origin + cut.indices(len(self.timestamps))[0]
        return replace(self, timestamps=self.timestamps[cut], fields=fields, origin=origin)

    def having(self, names: Iterable[str]) -> "Panel":
        """The panel with all these fields; one it has not, or has no longer, is missing in every bar."""
        gone = {name: np.full(self.shape, np.nan) for name in names if name not in self.fields}
        return replace(self, fields={**self.fields, **gone}) if gone else self

    def until(self, moment: pd.Timestamp) -> "Panel":
        """The bars that had closed by `moment`, prices and volumes in the shares of then: see `_in_last_shares`."""
        return _in_last_shares(self.rows(None, self.closed_by(moment)))

    def after(self, moment: pd.Timestamp) -> "Panel":
        """The bars that closed after `moment`."""
        return self.rows(self.closed_by(moment), None)

    def closed_by(self, moment: pd.Timestamp) -> int:
        """How many bars had closed by `moment`."""
        return int(np.searchsorted(self.timestamps, utc64(moment), side="right"))

    @classmethod
    def from_table(cls, table: pd.DataFrame, fields: Sequence[str] | None = None) -> "Panel":
        """
        Pivot a long table (`timestamp`, `symbol`, one column per field) to a panel.

        Columns without a single value are left out: a field the market does not have is absent, not empty.

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
            twice = table[table.duplicated(KEY)].iloc[0]
            raise DataError(f"({twice['timestamp']}, {twice['symbol']}) occurs more than once in the table")
        out = {}
        for name in names:
            values = np.full((len(times), len(symbols)), np.nan)
            values.reshape(-1)[cell] = table[name].to_numpy("float64", na_value=np.nan)
            if not np.isnan(values).all():
                out[name] = values
        return cls(times, tuple(symbols.tolist()), out, _first_bar_number(times))

    def to_table(self) -> pd.DataFrame:
        """Long form, sorted by timestamp and symbol; rows in which every field is NaN are left out."""
        bars, symbols = self.shape
        table = pd.DataFrame(
            {
                "timestamp": pd.DatetimeIndex(np.repeat(self.timestamps, symbols)).tz_localize("UTC"),
                "symbol": pd.array(list(self.symbols) * bars, dtype="str"),
                **{name: values.reshape(-1) for name, values in self.fields.items()},
            }
        )
        return table.dropna(subset=list(self.fields), how="all").reset_index(drop=True)


def with_history(history: pd.DataFrame, recent: pd.DataFrame) -> Panel:
    """
    One panel of the bulk history and the days that follow it.

    Args:
        history: long bars with `available_at`, before the first day of the graph.
        recent: rows of the panel table since then.

    Returns:
        All bars in order; fields that only the recent days have are NaN before them.
    """
    old = align(history, {}, pd.Timedelta(0))
    return Panel.from_table(pd.concat([old, recent], ignore_index=True))


def align(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], max_age: pd.Timedelta) -> pd.DataFrame:
    """
    Join slower facts onto bars, as they were known at each bar's close.

    Args:
        bars: long table with `timestamp`, `symbol`, `available_at` and price fields.
        facts: per source a long table with `symbol`, `available_at` and value columns; empty tables are skipped.
        max_age: a fact that happened longer ago than this at the close counts as absent, whenever it became known. So
            the tables need to reach no further back: what became known before then changes nothing.

    Returns:
        `bars` without `available_at`, with the facts' value columns added, sorted by timestamp and symbol. NaN where
        nothing was known. Bars that became known only after their close are dropped: no decision could have used them.
    """
    known = bars[bars["available_at"] <= bars["timestamp"]].drop(columns="available_at")
    panel = known.sort_values(KEY, kind="stable", ignore_index=True)
    for source, table in facts.items():
        if table.empty:
            continue
        values = [c for c in table.columns if c not in {"timestamp", "symbol", "available_at"}]
        clash = sorted(set(values) & set(panel.columns))
        if clash:
            raise DataError(f"source {source!r} brings the columns {clash}, which the panel has already")
        for value in values:  # each for itself: vendors of one kind of facts have stamps of their own
            panel = pd.merge_asof(
                panel,
                _as_it_became_known(table, value),
                left_on="timestamp",
                right_on="_known",
                by="symbol",
                direction="backward",
                tolerance=max_age,
            )
            stale = panel["timestamp"] - panel["_event"] > max_age
            panel = panel.assign(**{value: panel[value].mask(stale)}).drop(columns=["_known", "_event"])
    return panel


def _as_it_became_known(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """
    Rows of one value by when they became known, without gaps.

    A late revision of an old event is no news once a younger event is known; a revision of the youngest one is.
    """
    told = table.loc[table[value].notna(), ["timestamp", "symbol", "available_at", value]]
    told = told.sort_values(["available_at", "timestamp"], kind="stable")
    youngest = told.groupby("symbol")["timestamp"].cummax()
    kept = told.loc[told["timestamp"] == youngest, ["available_at", "timestamp", "symbol", value]]
    return kept.rename(columns={"available_at": "_known", "timestamp": "_event"})


def _in_last_shares(panel: Panel) -> Panel:
    """
    Undo the jumps that splits left between bars stored before and after them.

    A vendor serves the past in today's shares; bars stored before a split are in older ones. Where the field `split`
    says so and the prices did jump by about as much, everything before is put in the shares of after: only splits
    within the panel count, so a panel cut before one knows nothing of it.
    """
    split = panel.fields.get("split")
    if split is None or not (split > 0).any():
        return panel
    fields = {name: values.copy() for name, values in panel.fields.items() if name in (*PER_SHARE, "volume")}
    close = fields["close"]
    for bar, column in np.argwhere(split > 0):
        before, after = (part[np.isfinite(part)] for part in (close[:bar, column], close[bar:, column]))
        shares = split[bar, column]
        if not len(before) or not len(after):
            continue
        jump = np.log(before[-1] / after[0])
        if abs(jump - np.log(shares)) < abs(jump):  # nearer to the split than to no jump at all
            for name, values in fields.items():
                values[:bar, column] *= shares if name == "volume" else 1 / shares
    return replace(panel, fields={**panel.fields, **fields})


def _first_bar_number(times: Array) -> int:
    steps = np.unique(np.diff(times))
    return int(times[0].astype(np.int64) // steps[0].astype(np.int64)) if len(steps) == 1 else 0


def _field_columns(table: pd.DataFrame) -> list[str]:
    return [c for c in table.columns if c not in {*KEY, "available_at"} and pd.api.types.is_numeric_dtype(table[c])]


def utc64(moment: pd.Timestamp) -> np.datetime64:
    naive = moment.tz_convert("UTC").tz_localize(None) if moment.tz is not None else moment
    return np.datetime64(naive, "us")
