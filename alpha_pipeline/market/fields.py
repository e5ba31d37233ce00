"""
Every raw table of a market as fields of its panel: states as last known, events gathered over a day or at their bar.

How a state is joined is `panel.align`; what the tables hold, `tables`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.panel import KEY, align

STATES = ("funding", "derivatives", "onchain")
GATHERED = pd.Timedelta(days=1)
MOODS = {"news": ("news_sentiment", "news_count"), "social": ("social_sentiment", "posts")}
AT_THEIR_BAR = ("dividend", "split")


def assemble(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], max_age: pd.Timedelta) -> pd.DataFrame:
    """
    The panel's table.

    Args:
        bars: columns of `tables.RAW_OHLCV`.
        facts: rows of the raw table by kind (`funding`, `derivatives`, `onchain`, `news`, `social`, `adjustments`); a
            kind that the market does not have is left out.
        max_age: a state older than this at the close counts as absent.

    Returns:
        As `panel.align`, with one column per field. `news_sentiment` and `social_sentiment` are means over what became
        known in the 24 hours before the close, `news_count` and `posts` how much that was: 0 where a source was silent,
        missing where the market has no such source. `dividend` and `split` stand at the session they belong to, 0
        elsewhere. Adjusted closes are no field: every later dividend rewrites them.

    Raises:
        DataError: a kind is unknown.
    """
    if unknown := sorted(set(facts) - {*STATES, *MOODS, "adjustments"}):
        raise DataError(
            f"facts {unknown} have no place in a panel; expected some of {[*STATES, *MOODS, 'adjustments']}"
        )
    panel = align(bars, {name: table for name, table in facts.items() if name in STATES}, max_age)
    for name, (sentiment, count) in MOODS.items():
        if name in facts:
            panel = panel.assign(**_gathered(panel, facts[name], sentiment, count))
    if "adjustments" in facts:
        panel = panel.assign(**_at_their_bar(panel, facts["adjustments"]))
    return panel


def _gathered(panel: pd.DataFrame, items: pd.DataFrame, sentiment: str, count: str) -> dict[str, np.ndarray]:
    """
    Mean sentiment and number of the items that became known in (close - 24 hours, close], per row of the panel.

    An item counts once, when it was first known: neither an edit nor another feed that dates it otherwise is a second
    one. Items without a sentiment count and say nothing.
    """
    item = ["url"] if "url" in items else ["timestamp", "source"]
    said = items.sort_values("available_at", kind="stable").drop_duplicates(["symbol", *item])
    weight = said["posts"].fillna(0.0) if "posts" in said else pd.Series(1.0, said.index)
    scored = weight.where(said[sentiment].notna(), 0.0)
    sums = {"many": weight, "scored": scored, "sentiment": (said[sentiment] * weight).where(scored > 0, 0.0)}
    out = {name: np.zeros(len(panel)) for name in sums}
    closes = panel["timestamp"].to_numpy("datetime64[us]")
    for symbol, rows in panel.groupby("symbol").indices.items():
        mine = said["symbol"] == symbol
        known = said.loc[mine, "available_at"].to_numpy("datetime64[us]")
        last = np.searchsorted(known, closes[rows], side="right")
        first = np.searchsorted(known, closes[rows] - GATHERED.to_timedelta64(), side="right")
        for name, values in sums.items():
            total = np.concatenate([[0.0], np.cumsum(values[mine].to_numpy(float))])
            out[name][rows] = total[last] - total[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {sentiment: np.where(out["scored"] > 0, out["sentiment"] / out["scored"], np.nan), count: out["many"]}


def _at_their_bar(panel: pd.DataFrame, adjustments: pd.DataFrame) -> dict[str, np.ndarray]:
    first = adjustments.sort_values("available_at", kind="stable").drop_duplicates(KEY)
    beside = panel[KEY].merge(first[[*KEY, "available_at", *AT_THEIR_BAR]], on=KEY, how="left")
    known = (beside["available_at"] <= beside["timestamp"]).to_numpy()
    return {name: np.where(known, beside[name].fillna(0.0), 0.0) for name in AT_THEIR_BAR}
