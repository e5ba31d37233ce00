"""Shares and distances on a few rows one can count."""

import numpy as np
import pytest

from alpha_pipeline.outcomes.hit_rates import calibration_error, hit_rate_interval, reliability_bins


def test_the_error_of_a_share_is_that_between_bars() -> None:
    """Four rows in two bars, all right in one and all wrong in the other: a half, and nothing known of it."""
    mean, low, high = hit_rate_interval(np.array([1.0, 1, 0, 0]), np.array([0, 0, 1, 1]))
    assert (mean, low, high) == (0.5, 0.0, 1.0)
    hit, bars = np.array([1.0, 0, 1, 0] * 50), np.repeat(np.arange(100), 2)
    assert hit_rate_interval(hit, bars) == (0.5, 0.5, 0.5)


def test_single_rows_have_the_error_of_a_coin() -> None:
    """One row a bar: sqrt(p (1 - p) / (n - 1))."""
    hit = np.array([1.0] * 60 + [0.0] * 40)
    mean, low, high = hit_rate_interval(hit, np.arange(100))
    assert mean == 0.6
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 99))


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_to_count(rows: int) -> None:
    """No row is no share, one bar no interval."""
    result = hit_rate_interval(np.ones(rows), np.zeros(rows))
    assert np.isnan(result).tolist() == ([True, True, True] if rows == 0 else [False, True, True])


def test_errors_by_hand() -> None:
    """Two claims of 0.8, one right; a claim of one half that was right."""
    brier, log_loss, apart = calibration_error(np.array([0.8, 0.8, 0.5]), np.array([1.0, 0.0, 1.0]))
    assert brier == pytest.approx((0.04 + 0.64 + 0.25) / 3)
    assert log_loss == pytest.approx(-np.log([0.8, 0.2, 0.5]).mean())
    assert apart == pytest.approx((0.6 + 0.5) / 3)
    assert np.isnan(calibration_error(np.empty(0), np.empty(0))).all()


def test_buckets_are_counted_and_one_half_stands_alone() -> None:
    """Lowest claim first; rows and bars of each; an interval only where there are two bars."""
    claim = np.array([0.5, 0.51, 0.5, 0.52, 0.49])
    result = reliability_bins(claim, np.array([1.0, 1, 0, 0, 1]), np.array([0, 0, 1, 0, 1]))
    assert [(b.confidence, b.hit_rate, b.decisions, b.bars) for b in result] == [
        (0.49, 1.0, 1, 1),
        (0.5, 0.5, 2, 2),
        (0.515, 0.5, 2, 1),
    ]
    assert [bool(np.isnan(b.low)) for b in result] == [True, False, True]
