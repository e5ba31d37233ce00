"""
Scores of past decisions: hit rate with its confidence interval, calibration, equity after costs.

Reads the track record as stored; `track_record` computes the outcomes, `reporting` draws the scores.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.outcomes.hit_rates import Bucket, reliability_bins
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class Score:
    """
    Scores of a sample period.

    Args:
        outcomes: decisions with an outcome, HOLD included.
        hits: LONG and SHORT decisions: count, hit rate, mean confidence.
        net_return: their mean return, fraction after costs; NaN without any.
        equity: compounded `daily_returns`, fraction; NaN without outcomes.
        brier: mean squared difference of confidence and hit, 0 is best; NaN without LONG or SHORT decisions.
        brier_of_rate: Brier score of always stating the hit rate itself; a calibrated confidence scores lower.
    """

    outcomes: int
    hits: Bucket
    net_return: float
    equity: float
    brier: float
    brier_of_rate: float


def score(record: pd.DataFrame) -> Score:
    """
    Scores of rows of `signal_track_record`.

    Source: Brier, Verification of forecasts expressed in terms of probability (1950).
    """
    trades, daily = record[record["hit"].notna()], daily_returns(record)
    hits = hit_rate(record)
    error = (trades["confidence"] - trades["hit"]).dropna()
    return Score(
        len(record),
        hits,
        float(trades["net_return"].mean()) if len(trades) else np.nan,
        float(np.prod(1 + daily.to_numpy(float)) - 1) if len(daily) else np.nan,
        float((error**2).mean()) if len(error) else np.nan,
        hits.hit_rate * (1 - hits.hit_rate),
    )


def hit_rate(record: pd.DataFrame) -> Bucket:
    """Hit rate of the LONG and SHORT decisions of `signal_track_record`, clustered by bar of decision."""
    return Bucket.of(*_columns(record[record["hit"].notna()]))


def by_confidence(record: pd.DataFrame) -> list[Bucket]:
    """Confidence and hit rate of the LONG and SHORT decisions, by bin of confidence."""
    return reliability_bins(*_columns(record[record["hit"].notna() & record["confidence"].notna()]))


def daily_returns(record: pd.DataFrame) -> pd.Series:
    """
    Net return of each day on which outcomes became known, with equal capital on every symbol and cash for HOLD.

    Decisions of one day share its capital equally (overlapping holdings): the mean over all of them.

    Returns:
        Fraction by day (UTC), sorted; unknown outcomes are left out. A bar that closes at midnight ends its day.
    """
    scored = record.dropna(subset=["net_return"])
    days = (scored["timestamp"] - pd.Timedelta(1, "us")).dt.floor("D")
    return scored["net_return"].groupby(days).mean().sort_index()


def _columns(trades: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Confidence, hit and bar of decision."""
    bars = trades["decided_at"].dt.tz_localize(None).to_numpy()
    return trades["confidence"].to_numpy(float), trades["hit"].to_numpy(float), bars
