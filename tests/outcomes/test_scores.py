"""How past decisions did."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.outcomes.scores import by_confidence, by_run_date, daily_returns, hit_rate, score
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
    """1.0 belongs to the last quintile."""
    record = pd.DataFrame({"hit": [1.0, 0.0, 1.0], "confidence": [0.2, 0.39, 1.0]})
    assert [(b.low, b.high, b.hits.decisions) for b in by_confidence(record)] == [(0.2, 0.4, 2), (0.8, 1.0, 1)]


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


def known(day: str, decision: str, confidence: float, hit: float, net: float) -> dict[str, object]:
    """One outcome at noon of a day."""
    return {
        "timestamp": pd.Timestamp(f"{day} 12:00", tz="UTC"),
        "decision": decision,
        "confidence": confidence,
        "hit": hit,
        "net_return": net,
    }


RECORD = pd.DataFrame(
    [
        known("2019-01-01", "LONG", 0.9, 1.0, 0.10),
        known("2019-01-01", "SHORT", 0.6, 0.0, -0.04),
        known("2019-01-01", "HOLD", 0.1, np.nan, 0.0),
        known("2019-01-02", "HOLD", 0.2, np.nan, 0.0),
        known("2019-01-03", "LONG", 0.7, 1.0, 0.05),
    ]
)


def test_a_score_by_hand():
    """Brier of 0.9 right, 0.6 wrong, 0.7 right; the capital is shared with HOLD; compounded over days."""
    found = score(RECORD)
    assert (found.outcomes, found.hits.decisions) == (5, 3)
    assert found.net_return == pytest.approx((0.10 - 0.04 + 0.05) / 3)
    assert found.equity == pytest.approx(1.02 * 1.0 * 1.05 - 1)
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.09) / 3)
    assert found.brier_of_rate == pytest.approx(2 / 9)


def test_nights_one_by_one_are_the_whole():
    """A run date of HOLD has no hit rate and stands still; the last equity is that of all."""
    run_dates = by_run_date(RECORD)
    assert run_dates.index.tolist() == list(pd.to_datetime(["2019-01-01", "2019-01-02", "2019-01-03"], utc=True))
    assert run_dates["trade_rate"].tolist() == [2, 0, 1]
    assert run_dates["hit_rate"].tolist() == [0.5, pytest.approx(np.nan, nan_ok=True), 1.0]
    assert run_dates["equity"].tolist() == pytest.approx([1.02, 1.02, 1.071])
    assert run_dates["equity"].iloc[-1] - 1 == pytest.approx(score(RECORD).equity)


def test_what_was_claimed_stands_beside_what_came_true():
    """Per bucket the mean confidence and the hit rate; HOLD claims nothing."""
    low, high = by_confidence(RECORD)
    assert (low.low, low.confidence, low.hits.rate) == (0.6, pytest.approx(0.65), 0.5)
    assert (high.high, high.confidence, high.hits.decisions) == (1.0, pytest.approx(0.9), 1)


def test_an_empty_record_has_no_score():
    """Undefined, not zero."""
    found = score(TRACK_RECORD.empty())
    assert found.outcomes == 0
    assert np.isnan([found.net_return, found.equity, found.brier, found.brier_of_rate]).all()
    assert len(by_run_date(TRACK_RECORD.empty())) == 0
