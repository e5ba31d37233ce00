"""
How past decisions did: hit rate with its uncertainty, by confidence, and the return of each day.

Reads the track record as stored; scoring the decisions is not done here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CONFIDENCE_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class HitRate:
    """
    Share of LONG and SHORT decisions with the right sign.

    Args:
        decisions: how many had an outcome.
        rate: fraction; NaN without decisions.
        low, high: 95 % Wilson interval, as if decisions were independent; neighbours overlap, so it is too narrow.
    """

    decisions: int
    rate: float
    low: float
    high: float


def hit_rate(record: pd.DataFrame) -> HitRate:
    """Hit rate of the rows of `signal_track_record` whose `hit` is known (HOLD has none)."""
    hits = record["hit"].dropna()
    n = len(hits)
    if not n:
        return HitRate(0, np.nan, np.nan, np.nan)
    rate, z = float(hits.mean()), 1.96
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return HitRate(n, rate, float(middle - half), float(middle + half))


def by_confidence(record: pd.DataFrame) -> list[tuple[float, float, HitRate]]:
    """(from, to, hit rate) for each fifth of confidence that has decisions."""
    bucket = np.clip(np.digitize(record["confidence"], CONFIDENCE_EDGES[1:-1]), 0, len(CONFIDENCE_EDGES) - 2)
    rows = [
        (CONFIDENCE_EDGES[i], CONFIDENCE_EDGES[i + 1], hit_rate(record[bucket == i]))
        for i in range(len(CONFIDENCE_EDGES) - 1)
    ]
    return [row for row in rows if row[2].decisions]


def daily_returns(record: pd.DataFrame) -> pd.Series:
    """
    Net return of each decision day, with equal capital on every symbol and cash for HOLD.

    Several decisions a day share the day's capital equally (overlapping holdings), hence the mean over all of them.

    Returns:
        Fraction by day (UTC, the day the outcome was known), sorted; unknown outcomes are left out.
    """
    known = record.dropna(subset=["net_return"])
    by_day = (known["timestamp"] - pd.Timedelta(1, "us")).dt.floor("D")
    return known["net_return"].groupby(by_day).mean().sort_index()
