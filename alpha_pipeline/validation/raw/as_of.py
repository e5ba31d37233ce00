"""Is the panel what one could have known? Join it again with only what had arrived, and compare."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

Join = Callable[[pd.DataFrame, Mapping[str, pd.DataFrame]], pd.DataFrame]
CUTS = 20
KEY = ["timestamp", "symbol"]


def late_arrivals(panel: pd.DataFrame, bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], join: Join) -> str:
    """
    Replay the panel at bar closes spread over it.

    Args:
        panel: the long table under test, made of `bars` and `facts`.
        bars: as of `panel.align`.
        facts: as of `panel.align`.
        join: what made the panel of them.

    Returns:
        The first difference in words, with the time of the replay, the row and the column; empty when the panel holds
        at every bar what was known by then, and nothing of what came later.
    """
    closes = np.sort(panel["timestamp"].unique())
    picked = np.unique(np.linspace(0, max(len(closes) - 1, 0), min(CUTS, len(closes))).astype(int))
    for moment in (pd.Timestamp(closes[k]) for k in picked):
        had = {name: table[table["available_at"] <= moment] for name, table in facts.items()}
        then = join(bars[bars["available_at"] <= moment], had)
        now = panel[panel["timestamp"] <= moment].reset_index(drop=True)
        if told := _difference(now, then.reindex(columns=now.columns).reset_index(drop=True)):
            return f"with what had arrived by {moment:%Y-%m-%d %H:%M} {told}"
    return ""


def _difference(now: pd.DataFrame, then: pd.DataFrame) -> str:
    if len(now) != len(then) or not now[KEY].equals(then[KEY]):
        return f"the panel has {len(then)} rows, now it has {len(now)}"
    for name in now.columns.difference(KEY, sort=False):
        a, b = now[name].to_numpy(float), then[name].to_numpy(float)
        differs = (a != b) & ~(np.isnan(a) & np.isnan(b))
        if differs.any():
            row = now.iloc[int(differs.argmax())]
            return f"{name} of {row['symbol']} at {row['timestamp']:%Y-%m-%d %H:%M} is another than now"
    return ""
