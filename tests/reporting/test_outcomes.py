"""How past decisions did."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.reporting.outcomes import by_confidence, daily_returns, hit_rate
from alpha_pipeline.tables import TRACK_RECORD


def test_hit_rate_leaves_hold_out_and_carries_its_uncertainty():
    """8 of 10: the Wilson interval of any textbook."""
    record = pd.DataFrame({"hit": [1.0] * 8 + [0.0] * 2 + [np.nan] * 5})
    hits = hit_rate(record)
    assert (hits.decisions, hits.rate) == (10, 0.8)
    assert (hits.low, hits.high) == pytest.approx((0.490, 0.943), abs=1e-3)


def test_no_decision_has_no_rate():
    """Zero over zero is undefined, not zero."""
    hits = hit_rate(TRACK_RECORD.empty())
    assert hits.decisions == 0
    assert np.isnan(hits.rate)
    assert by_confidence(TRACK_RECORD.empty()) == []


def test_confidence_buckets_take_their_lower_edge():
    """1.0 belongs to the last fifth."""
    record = pd.DataFrame({"hit": [1.0, 0.0, 1.0], "confidence": [0.2, 0.39, 1.0]})
    assert [(low, high, hits.decisions) for low, high, hits in by_confidence(record)] == [(0.2, 0.4, 2), (0.8, 1.0, 1)]


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
