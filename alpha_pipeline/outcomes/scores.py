"""
How good past decisions were: hit rate with its uncertainty, calibration of the confidence, equity after costs.

Reads the track record as stored; what one decision came to is `track_record`, how it is drawn `reporting`.
"""

from dataclasses import dataclass
from typing import NamedTuple

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


class Bucket(NamedTuple):
    """
    Decisions of like confidence.

    Args:
        low, high: edges; the lower one belongs to it.
        hits: how often they were right.
        confidence: the mean of what was claimed.
    """

    low: float
    high: float
    hits: HitRate
    confidence: float


@dataclass(frozen=True)
class Score:
    """
    What a stretch of the record amounts to.

    Args:
        outcomes: decisions with an outcome, HOLD included.
        hits: of those acted on.
        net_return: mean of those acted on, fraction after costs; NaN when there is none.
        equity: compounded `daily_returns`, fraction gained; NaN without outcomes.
        brier: mean squared distance of confidence and hit, 0 best; NaN when nothing was acted on.
        brier_of_rate: what always claiming the hit rate itself would have scored; a calibrated confidence is below.
    """

    outcomes: int
    hits: HitRate
    net_return: float
    equity: float
    brier: float
    brier_of_rate: float


def score(record: pd.DataFrame) -> Score:
    """
    Rows of `signal_track_record` in one line.

    Source: Brier, Verification of forecasts expressed in terms of probability (1950).
    """
    trade_rate = record[record["hit"].notna()]
    hits, daily = hit_rate(record), daily_returns(record)
    known = trade_rate["confidence"].notna()
    error = (trade_rate["confidence"] - trade_rate["hit"])[known]
    return Score(
        len(record),
        hits,
        float(trade_rate["net_return"].mean()) if len(trade_rate) else np.nan,
        float(np.prod(1 + daily.to_numpy(float)) - 1) if len(daily) else np.nan,
        float((error**2).mean()) if len(error) else np.nan,
        hits.rate * (1 - hits.rate),
    )


def by_run_date(record: pd.DataFrame) -> pd.DataFrame:
    """
    The score of every day on which outcomes became known.

    Returns:
        Index day (UTC), sorted; `outcomes`, `trade_rate`, `hit_rate` (NaN when all were HOLD), `brier` (as hit_rate),
        `net_return` (of `daily_returns`), `equity` (capital of 1 after that day).
    """
    days = record.groupby(_day(record["timestamp"])) if len(record) else ()
    rows = [(when, score(rows)) for when, rows in days]
    table = pd.DataFrame(
        {
            "outcomes": [s.outcomes for _, s in rows],
            "trade_rate": [s.hits.decisions for _, s in rows],
            "hit_rate": [s.hits.rate for _, s in rows],
            "brier": [s.brier for _, s in rows],
            "net_return": [s.equity for _, s in rows],
        },
        index=pd.DatetimeIndex([when for when, _ in rows], tz="UTC", name="day"),
    )
    return table.assign(equity=(1 + table["net_return"].fillna(0.0)).cumprod())


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


def by_confidence(record: pd.DataFrame) -> list[Bucket]:
    """Each fifth of confidence that has decisions: what was claimed beside what came true."""
    record = record[record["hit"].notna() & record["confidence"].notna()]
    place = np.clip(np.digitize(record["confidence"], CONFIDENCE_EDGES[1:-1]), 0, len(CONFIDENCE_EDGES) - 2)
    found = []
    for i in np.unique(place):
        mine = record[place == i]
        low, high = CONFIDENCE_EDGES[i], CONFIDENCE_EDGES[i + 1]
        found.append(Bucket(low, high, hit_rate(mine), float(mine["confidence"].mean())))
    return found


def daily_returns(record: pd.DataFrame) -> pd.Series:
    """
    Net return of each decision day, with equal capital on every symbol and cash for HOLD.

    Several decisions a day share the day's capital equally (overlapping holdings), hence the mean over all of them.

    Returns:
        Fraction by day (UTC, the day the outcome was known), sorted; unknown outcomes are left out.
    """
    known = record.dropna(subset=["net_return"])
    return known["net_return"].groupby(_day(known["timestamp"])).mean().sort_index()


def _day(timestamps: pd.Series) -> pd.Series:
    return (timestamps - pd.Timedelta(1, "us")).dt.floor("D")
