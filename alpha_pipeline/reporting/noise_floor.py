"""
The best of a run date beside the best that luck shows: rows of `noise_floor` in words.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from alpha_pipeline.reporting.formatting import figure, plural
from alpha_pipeline.typing import Array

BESTS = {
    "best_train_t": ("largest |t| on train", ".1f"),
    "best_valid_t": ("largest t on validation", "+.1f"),
    "best_sharpe": ("largest net Sharpe", "+.2f"),
}


def floors(rows: pd.DataFrame) -> Iterator[tuple[str, float, Array]]:
    """Name, value on the real bars and sorted values on shuffled ones, of each kind of best."""
    for name in BESTS:
        real = rows.loc[rows["shuffle"] == 0, name]
        luck = rows.loc[rows["shuffle"] > 0, name].dropna().to_numpy(float)
        yield name, float(real.iloc[0]) if len(real) else np.nan, np.sort(luck)


def floor_rows(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """What, on the run date, on shuffled bars from lowest to highest, and above how many on the run date stands; none if empty."""
    found = []
    for name, real, luck in floors(rows):
        label, spec = BESTS[name]
        if np.isfinite(real) and len(luck):
            beaten = int((luck < real).sum())
            told = f"above {beaten} of {plural(len(luck), 'shuffled panel')}"
            found.append((label, figure(real, spec), f"{figure(luck[0], spec)} to {figure(luck[-1], spec)}", told))
    return found


def floor_text(noise: dict[str, pd.DataFrame]) -> str:
    """The same for a terminal, a line per market and kind; empty when nothing was measured."""
    lines = [
        f"  {market:<10}{label:<26}{real:>8}   noise {luck:<18}{told}"
        for market, rows in noise.items()
        for label, real, luck, told in floor_rows(rows)
    ]
    return (
        "\n".join(["NOISE FLOOR   the best of the run date beside the best on shuffled bars", *lines]) if lines else ""
    )
