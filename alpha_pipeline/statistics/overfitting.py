"""How likely the best of many backtests is best by luck only, and how long a record must be to say otherwise."""

from itertools import combinations

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.kernels.portable import product
from alpha_pipeline.statistics.sharpe import expected_maximum
from alpha_pipeline.typing import Array


def probability_of_overfitting(returns: Array, blocks: int = 16) -> float:
    """
    Share of symmetric splits in which the in-sample best is below the median out of sample.

    Args:
        returns: (bars, trials), fraction per bar; trailing bars that do not fill a block are left out.
        blocks: even number of blocks of time; half of them are in sample each time.

    Returns:
        A probability; about a half when every trial is noise, with a wide spread: report it, do not gate on it.

    Raises:
        DataError: fewer than two trials, an odd number of blocks, or blocks of fewer than two bars.

    Source: Bailey, Borwein, Lopez de Prado and Zhu (2017), combinatorially symmetric cross-validation.
    """
    bars, trials = returns.shape
    size = bars // blocks if blocks else 0
    if trials < 2 or blocks < 2 or blocks % 2 or size < 2:
        raise DataError(
            f"expected at least 2 trials and an even number of blocks of 2 bars or more; found {returns.shape}"
        )
    parts = returns[: size * blocks].reshape(blocks, size, trials)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    halves = list(combinations(range(blocks), blocks // 2))
    chosen = np.zeros((len(halves), blocks))
    chosen[np.arange(len(halves))[:, None], np.array(halves)] = 1.0
    count = size * blocks // 2
    inside = _sharpe(product(chosen, sums), product(chosen, squares), count)
    outside = _sharpe(product(1 - chosen, sums), product(1 - chosen, squares), count)
    best = inside.argmax(axis=1)
    picked = np.take_along_axis(outside, best[:, None], axis=1)
    below, tied = (outside < picked).sum(axis=1), (outside == picked).sum(axis=1)
    relative = (below + (tied + 1) / 2) / (trials + 1)
    return float((relative <= 0.5).mean())


def minimum_backtest_years(trials: float, annual_sharpe: float = 1.0) -> float:
    """
    Years below which the best of `trials` worthless factors is expected to show `annual_sharpe`.

    Source: Bailey, Borwein, Lopez de Prado and Zhu (2014).
    """
    return (expected_maximum(trials) / annual_sharpe) ** 2


def _sharpe(total: Array, square: Array, count: int) -> Array:
    mean = total / count
    variance = np.maximum(square / count - mean**2, 1e-300)
    return mean / np.sqrt(variance)
