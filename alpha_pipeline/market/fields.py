"""
Raw tables of a market as panel fields: last known states, events aggregated over a day or placed at their bar.

States are joined by `panel.align`; the raw tables are defined in `tables`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.panel import KEY, align

STATES = ("funding", "derivatives", "onchain")
AGGREGATION = pd.Timedelta(days=1)
SENTIMENT = {"news": ("news_sentiment", "news_count"), "social": ("social_sentiment", "posts")}
PER_SESSION = ("dividend", "split")


def assemble(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], max_age: pd.Timedelta) -> pd.DataFrame:
    """
    Assemble the panel table.

    Args:
        bars: columns of `tables.RAW_OHLCV`.
        facts: rows of the raw table by kind (`funding`, `derivatives`, `onchain`, `news`, `social`, `adjustments`); a
            kind the market does not have is omitted.
        max_age: a state older than this at the close is missing.

    Returns:
        As `panel.align`, with one column per field. `news_sentiment` and `social_sentiment` are means over the items
        that became available in the 24 hours before the close, `news_count` and `posts` their number: 0 without items;
        the columns are missing where the market has no such source. `dividend` and `split` are at their session, 0
        elsewhere. Adjusted closes are no field: each later dividend rewrites them.

    Raises:
        DataError: a kind is unknown.
    """
    if unknown := sorted(set(facts) - {*STATES, *SENTIMENT, "adjustments"}):
        raise DataError(
            f"facts {unknown} are no kind of panel data; expected some of {[*STATES, *SENTIMENT, 'adjustments']}"
        )
    panel = align(bars, {name: table for name, table in facts.items() if name in STATES}, max_age)
    for name, (sentiment, count) in SENTIMENT.items():
        if name in facts:
            panel = panel.assign(**_aggregated(panel, facts[name], sentiment, count))
    if "adjustments" in facts:
        panel = panel.assign(**_per_session(panel, facts["adjustments"]))
    return panel


def _aggregated(panel: pd.DataFrame, items: pd.DataFrame, sentiment: str, count: str) -> dict[str, np.ndarray]:
    """
    Mean sentiment and number of the items that became available in (close - 24 hours, close], per row of the panel.

    An item counts once, when first available: an edit or the same item in another feed is no second item. Items without
    a sentiment are counted and have no part in the mean.
    """
    item = ["url"] if "url" in items else ["timestamp", "source"]
    unique = items.sort_values("available_at", kind="stable").drop_duplicates(["symbol", *item])
    weight = unique["posts"].fillna(0.0) if "posts" in unique else pd.Series(1.0, unique.index)
    scored = weight.where(unique[sentiment].notna(), 0.0)
    sums = {"count": weight, "scored": scored, "sentiment": (unique[sentiment] * weight).where(scored > 0, 0.0)}
    out = {name: np.zeros(len(panel)) for name in sums}
    closes = panel["timestamp"].to_numpy("datetime64[us]")
    for symbol, rows in panel.groupby("symbol").indices.items():
        of_symbol = unique["symbol"] == symbol
        available = unique.loc[of_symbol, "available_at"].to_numpy("datetime64[us]")
        last = np.searchsorted(available, closes[rows], side="right")
        first = np.searchsorted(available, closes[rows] - AGGREGATION.to_timedelta64(), side="right")
        for name, values in sums.items():
            total = np.concatenate([[0.0], np.cumsum(values[of_symbol].to_numpy(float))])
            out[name][rows] = total[last] - total[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {sentiment: np.where(out["scored"] > 0, out["sentiment"] / out["scored"], np.nan), count: out["count"]}


def _per_session(panel: pd.DataFrame, adjustments: pd.DataFrame) -> dict[str, np.ndarray]:
    first = adjustments.sort_values("available_at", kind="stable").drop_duplicates(KEY)
    events = panel[KEY].merge(first[[*KEY, "available_at", *PER_SESSION]], on=KEY, how="left")
    is_available = (events["available_at"] <= events["timestamp"]).to_numpy()
    return {name: np.where(is_available, events[name].fillna(0.0), 0.0) for name in PER_SESSION}
