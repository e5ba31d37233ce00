"""Hit rates, intervals and calibration errors on small samples."""

import numpy as np
import pytest

from alpha_pipeline.outcomes.hit_rates import calibration_error, hit_rate_interval, reliability_bins


def test_the_interval_is_clustered_by_bar() -> None:
    """Two bars, all right in one and all wrong in the other: 0.5 with the interval [0, 1]."""
    mean, low, high = hit_rate_interval(np.array([1.0, 1, 0, 0]), np.array([0, 0, 1, 1]))
    assert (mean, low, high) == (0.5, 0.0, 1.0)
    hit, bars = np.array([1.0, 0, 1, 0] * 50), np.repeat(np.arange(100), 2)
    assert hit_rate_interval(hit, bars) == (0.5, 0.5, 0.5)


def test_one_row_per_bar_has_the_binomial_error() -> None:
    """One row a bar: sqrt(p (1 - p) / (n - 1))."""
    hit = np.array([1.0] * 60 + [0.0] * 40)
    mean, low, high = hit_rate_interval(hit, np.arange(100))
    assert mean == 0.6
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 99))


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows(rows: int) -> None:
    """No rate without rows, no interval for one bar."""
    result = hit_rate_interval(np.ones(rows), np.zeros(rows))
    assert np.isnan(result).tolist() == ([True, True, True] if rows == 0 else [False, True, True])


def test_errors_by_hand() -> None:
    """Two confidences of 0.8, one hit; a confidence of 0.5 with a hit."""
    brier, log_loss, apart = calibration_error(np.array([0.8, 0.8, 0.5]), np.array([1.0, 0.0, 1.0]))
    assert brier == pytest.approx((0.04 + 0.64 + 0.25) / 3)
    assert log_loss == pytest.approx(-np.log([0.8, 0.2, 0.5]).mean())
    assert apart == pytest.approx((0.6 + 0.5) / 3)
    assert np.isnan(calibration_error(np.empty(0), np.empty(0))).all()


def test_bins_have_counts_and_one_half_is_its_own_bin() -> None:
    """Lowest confidence first; rows and bars of each; an interval from two bars on."""
    claim = np.array([0.5, 0.51, 0.5, 0.52, 0.49])
    result = reliability_bins(claim, np.array([1.0, 1, 0, 0, 1]), np.array([0, 0, 1, 0, 1]))
    assert [(b.confidence, b.hit_rate, b.decisions, b.bars) for b in result] == [
        (0.49, 1.0, 1, 1),
        (0.5, 0.5, 2, 2),
        (0.515, 0.5, 2, 1),
    ]
    assert [bool(np.isnan(b.low)) for b in result] == [True, False, True]
