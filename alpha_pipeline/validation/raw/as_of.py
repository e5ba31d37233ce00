"""Point-in-time check of the panel: rebuild it from the rows available at a past time and compare."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

# Bars, facts, and the time up to which bars are due.
Join = Callable[[pd.DataFrame, Mapping[str, pd.DataFrame], pd.Timestamp], pd.DataFrame]
CUTS = 20
KEY = ["timestamp", "symbol"]


def late_arrivals(panel: pd.DataFrame, bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], join: Join) -> str:
    """
    Rebuild the panel as of bar closes spread over it.

    Args:
        panel: the long table under test, made of `bars` and `facts`.
        bars: as in `fields.assemble`.
        facts: as in `fields.assemble`.
        join: the function that made the panel from them.

    Returns:
        The first difference, one clause with the time, the row and the column; empty when every bar of the panel holds
        only what was known by then.
    """
    closes = np.sort(panel["timestamp"].unique())
    picked = np.unique(np.linspace(0, max(len(closes) - 1, 0), min(CUTS, len(closes))).astype(int))
    for moment in (pd.Timestamp(closes[k]) for k in picked):
        available = {name: table[table["available_at"] <= moment] for name, table in facts.items()}
        then = join(bars[bars["available_at"] <= moment], available, moment)
        now = panel[panel["timestamp"] <= moment].reset_index(drop=True)
        if difference := _difference(now, then.reindex(columns=now.columns).reset_index(drop=True)):
            return f"rebuilt as of {moment:%Y-%m-%d %H:%M}, {difference}"
    return ""


def _difference(now: pd.DataFrame, then: pd.DataFrame) -> str:
    if len(now) != len(then) or not now[KEY].equals(then[KEY]):
        return f"the panel has {len(then)} rows instead of {len(now)}"
    for name in now.columns.difference(KEY, sort=False):
        a, b = now[name].to_numpy(float), then[name].to_numpy(float)
        differs = (a != b) & ~(np.isnan(a) & np.isnan(b))
        if differs.any():
            row = now.iloc[int(differs.argmax())]
            return f"{name} of {row['symbol']} at {row['timestamp']:%Y-%m-%d %H:%M} differs"
    return ""
