"""
Honest statistics: what a Sharpe ratio or a mean is worth, given how it was found.
"""

from alpha_pipeline.statistics.newey_west import MeanTest, mean_test
from alpha_pipeline.statistics.sharpe import (
    deflated_sharpe,
    expected_maximum,
    probabilistic_sharpe,
    sharpe_moments,
)

__all__ = [
    "MeanTest",
    "deflated_sharpe",
    "expected_maximum",
    "mean_test",
    "probabilistic_sharpe",
    "sharpe_moments",
]
