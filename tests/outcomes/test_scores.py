"""Scores of past decisions."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.outcomes.scores import by_confidence, daily_returns, hit_rate, score
from alpha_pipeline.tables import TRACK_RECORD


def test_hit_rate_excludes_hold_and_has_an_interval():
    """8 of 10, one decision per bar: normal interval with standard error sqrt(p (1 - p) / (n - 1))."""
    bars = pd.date_range("2019-01-01", periods=15, tz="UTC")
    record = pd.DataFrame({"hit": [1.0] * 8 + [0.0] * 2 + [np.nan] * 5, "confidence": 0.6, "decided_at": bars})
    hits = hit_rate(record)
    assert (hits.decisions, hits.bars, hits.hit_rate, hits.confidence) == (10, 10, 0.8, pytest.approx(0.6))
    assert (hits.low, hits.high) == pytest.approx((0.8 - 1.96 * np.sqrt(0.16 / 9), 1.0))


def test_an_empty_record_has_no_hit_rate():
    """Zero over zero is undefined, not zero."""
    hits = hit_rate(TRACK_RECORD.empty())
    assert hits.decisions == 0
    assert np.isnan(hits.hit_rate)
    assert by_confidence(TRACK_RECORD.empty()) == []


def test_days_share_capital_over_symbols_and_decisions():
    """HOLD is cash; the bar closing at midnight ends its day."""
    record = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2019-01-01 12:00", "2019-01-02 00:00", "2019-01-02 01:00"], utc=True),
            "net_return": [0.04, 0.0, np.nan],
        }
    )
    daily = daily_returns(record)
    assert daily.tolist() == [0.02]
    assert daily.index[0] == pd.Timestamp("2019-01-01", tz="UTC")


def outcome(day: str, decision: str, confidence: float, hit: float, net: float) -> dict[str, object]:
    """One outcome at noon of a day."""
    return {
        "timestamp": pd.Timestamp(f"{day} 12:00", tz="UTC"),
        "decided_at": pd.Timestamp(day, tz="UTC"),
        "decision": decision,
        "confidence": confidence,
        "hit": hit,
        "net_return": net,
    }


RECORD = pd.DataFrame(
    [
        outcome("2019-01-01", "LONG", 0.9, 1.0, 0.10),
        outcome("2019-01-01", "SHORT", 0.6, 0.0, -0.04),
        outcome("2019-01-01", "HOLD", 0.1, np.nan, 0.0),
        outcome("2019-01-02", "HOLD", 0.2, np.nan, 0.0),
        outcome("2019-01-03", "LONG", 0.7, 1.0, 0.05),
    ]
)


def test_a_score_by_hand():
    """Brier of 0.9 right, 0.6 wrong, 0.7 right; the capital is shared with HOLD; compounded over days."""
    result = score(RECORD)
    assert (result.outcomes, result.hits.decisions) == (5, 3)
    assert result.net_return == pytest.approx((0.10 - 0.04 + 0.05) / 3)
    assert result.equity == pytest.approx(1.02 * 1.0 * 1.05 - 1)
    assert result.brier == pytest.approx((0.01 + 0.36 + 0.09) / 3)
    assert result.brier_of_rate == pytest.approx(2 / 9)


def test_confidence_and_hit_rate_by_bin():
    """Mean confidence and hit rate of each bin; HOLD is left out."""
    bins = [(b.confidence, b.hit_rate, b.decisions) for b in by_confidence(RECORD)]
    assert bins == [(0.6, 0.0, 1), (0.7, 1.0, 1), (0.9, 1.0, 1)]


def test_an_empty_record_has_no_score():
    """Undefined, not zero."""
    result = score(TRACK_RECORD.empty())
    assert result.outcomes == 0
    assert np.isnan([result.net_return, result.equity, result.brier, result.brier_of_rate]).all()
