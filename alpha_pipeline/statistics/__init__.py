"""Honest statistics: what a Sharpe ratio or a mean is worth, given how it was found."""

from alpha_pipeline.statistics.multiple_testing import Tests, adjusted_p_values, p_values
from alpha_pipeline.statistics.newey_west import MeanTest, mean_test, overlap_lags
from alpha_pipeline.statistics.overfitting import minimum_backtest_years, probability_of_overfitting
from alpha_pipeline.statistics.sharpe import (
    deflated_sharpe,
    expected_maximum,
    minimum_track_record,
    null_variance,
    probabilistic_sharpe,
    sharpe_error,
    sharpe_moments,
)

__all__ = [
    "MeanTest",
    "Tests",
    "adjusted_p_values",
    "deflated_sharpe",
    "expected_maximum",
    "mean_test",
    "minimum_backtest_years",
    "minimum_track_record",
    "null_variance",
    "overlap_lags",
    "p_values",
    "probabilistic_sharpe",
    "probability_of_overfitting",
    "sharpe_error",
    "sharpe_moments",
]
