"""
Values of one factor: compute, format the last bars and a summary per symbol.

Checks and measures are left to `validation` and `backtesting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.expressions import Node, evaluate
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array, Times

SHOWN_SYMBOLS = 24
_ABREAST = 8
_CELL = 11


@dataclass(frozen=True)
class Values:
    """
    A factor computed on a panel.

    Args:
        timestamps: (bars,) UTC closes.
        symbols: names of the columns.
        values: (bars, symbols), NaN where there is no value.
    """

    timestamps: Times
    symbols: tuple[str, ...]
    values: Array

    def pick(self, symbols: Sequence[str]) -> "Values":
        """The columns of some symbols; all when none are named. SettingError for an unknown one."""
        unknown = [symbol for symbol in symbols if symbol not in self.symbols]
        if unknown:
            raise SettingError(f"unknown symbols {unknown}; the panel has {', '.join(self.symbols[:SHOWN_SYMBOLS])}")
        places = [self.symbols.index(symbol) for symbol in symbols] or list(range(len(self.symbols)))
        return Values(self.timestamps, tuple(self.symbols[p] for p in places), self.values[:, places])

    def last(self, bars: int) -> pd.DataFrame:
        """The last bars as a long table `timestamp, symbol, value`, missing values too."""
        rows = slice(len(self.values) - min(bars, len(self.values)), None)
        stamps = pd.DatetimeIndex(np.repeat(self.timestamps[rows], len(self.symbols))).tz_localize("UTC")
        symbols = list(self.symbols) * len(self.values[rows])
        return pd.DataFrame({"timestamp": stamps, "symbol": symbols, "value": self.values[rows].reshape(-1)})


def compute(node: Node, panel: Panel) -> Values:
    """The factor on every bar and symbol of the panel."""
    ((_, values),) = evaluate([node], panel, 2)
    return Values(panel.timestamps, panel.symbols, values)


def show(values: Values, last: int) -> str:
    """
    The last bars of each symbol, then per symbol and for all: coverage, mean, deviation, extremes.

    Args:
        values: the values.
        last: bars to show.

    Returns:
        Lines of at most about 110 columns; beyond 24 symbols the others only count in the line `all`.
    """
    shown = values.symbols[:SHOWN_SYMBOLS]
    hours = values.timestamps[-last:].astype("datetime64[m]").astype(str)
    lines: list[str] = []
    for start in range(0, len(shown) if last else 0, _ABREAST):
        names = shown[start : start + _ABREAST]
        lines.append(f"{'close (UTC)':<16}" + "".join(f"{name:>{_CELL}.{_CELL - 1}}" for name in names))
        rows = values.values[-last:, start : start + len(names)]
        lines += [f"{t.replace('T', ' '):<16}" + _cells(row) for t, row in zip(hours, rows, strict=True)]
        lines.append("")
    heads = ("coverage", "mean", "std", "min", "max")
    lines.append(f"{'symbol':<16}" + "".join(f"{head:>{_CELL}}" for head in heads))
    lines += [f"{name:<16.15}" + _summary(values.values[:, place]) for place, name in enumerate(shown)]
    if len(values.symbols) > len(shown):
        lines.append(f"... and {len(values.symbols) - len(shown)} more symbols")
    lines.append(f"{'all':<16}" + _summary(values.values))
    return "\n".join(lines)


def write(values: Values, file: Path) -> int:
    """
    All values as a long table `timestamp, symbol, value` without the missing ones; returns its rows.

    Raises:
        SettingError: the name ends in neither .parquet nor .csv, or the folder does not exist.
    """
    if file.suffix not in {".parquet", ".csv"}:
        raise SettingError(f"{file.name} must end in .parquet or .csv")
    if not file.absolute().parent.is_dir():
        raise SettingError(f"no such folder: {file.absolute().parent}")
    table = Panel(values.timestamps, values.symbols, {"value": values.values}).to_table()
    if file.suffix == ".csv":
        table.to_csv(file, index=False)
    else:
        table.to_parquet(file, index=False)
    return len(table)


def summaries(values: Values) -> dict[str, dict[str, float]]:
    """Per symbol, and for `all`: coverage, mean, std, min, max; NaN without values."""
    columns = {name: values.values[:, place] for place, name in enumerate(values.symbols)}
    return {name: _measures(column) for name, column in {**columns, "all": values.values}.items()}


def _measures(values: Array) -> dict[str, float]:
    present = values[~np.isnan(values)]
    some = present.size > 0
    return {
        "coverage": present.size / max(values.size, 1),
        "mean": float(present.mean()) if some else np.nan,
        "std": float(present.std(ddof=1)) if present.size > 1 else np.nan,
        "min": float(present.min()) if some else np.nan,
        "max": float(present.max()) if some else np.nan,
    }


def _summary(values: Array) -> str:
    coverage, *numbers = _measures(values).values()
    return f"{coverage:>{_CELL}.1%}" + _cells(np.array(numbers))


def _cells(row: Array) -> str:
    return "".join(f"{'-' if np.isnan(value) else f'{value:.4g}':>{_CELL}}" for value in row)
