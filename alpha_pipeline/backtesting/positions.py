"""
From ranks, or values, to target weights: what a factor would hold, bar by bar.

Ranks are fractions as `ranks.ranks` gives them. Execution, drift and costs are `portfolio`'s business.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH
from alpha_pipeline.kernels import holdings as portfolio
from alpha_pipeline.kernels import portable
from alpha_pipeline.typing import Array


def quantile_weights(
    fractions: Array, quantile: float, max_weight: float, minimum_breadth: int = MINIMUM_BREADTH
) -> Array:
    """
    Dollar-neutral long-short weights of each bar: long the top, short the bottom, equal legs.

    Args:
        fractions: (bars, symbols), ranks within the bar; high is bought.
        quantile: share of the symbols in each leg, in (0, 0.5].
        max_weight: cap of a single weight's size; what it cuts off stays in cash.
        minimum_breadth: symbols a bar needs.

    Returns:
        (bars, symbols); +1/2 spread over the top, -1/2 over the bottom, as many places in each, at least one. Symbols
        tied across the edge of a leg share its last places. 0 where NaN and on bars too narrow.
    """
    return _legs(fractions, quantile, minimum_breadth, 0.5, max_weight)


def long_only_weights(
    fractions: Array, quantile: float, max_weight: float, minimum_breadth: int = MINIMUM_BREADTH
) -> Array:
    """Weights like `quantile_weights`, of the top leg alone, summing to 1 before the cap."""
    top = np.maximum(_legs(fractions, quantile, minimum_breadth, 1.0, 1.0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Array = np.minimum(np.nan_to_num(top / top.sum(axis=1, keepdims=True)), max_weight)
        return result


def rank_weights(fractions: Array, max_weight: float, minimum_breadth: int = MINIMUM_BREADTH) -> Array:
    """Dollar-neutral weights proportional to the midrank (rank - 1/2) / n minus one half; gross 1, 0 where NaN."""
    breadth = np.isfinite(fractions).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.nan_to_num(fractions - 0.5 / breadth - 0.5)
        gross = np.abs(score).sum(axis=1, keepdims=True)
        weights = np.where((breadth >= minimum_breadth) & (gross > 1e-12), score / gross, 0.0)
    return np.clip(weights, -max_weight, max_weight)


def time_series_weights(values: Array, window_bars: int, max_weight: float) -> Array:
    """
    Each symbol against its own past: tanh of the rolling z-score, an equal share of the capital each.

    Args:
        values: (bars, symbols), any unit; one symbol is enough.
        window_bars: bars of the rolling mean and deviation, the current one included.
        max_weight: cap of a single weight's size.

    Returns:
        (bars, symbols); sizes sum to at most 1. 0 in the warm-up, for NaN and without spread.
    """
    rolling = pd.DataFrame(values).rolling(window_bars)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (values - rolling.mean().to_numpy()) / rolling.std().to_numpy()
    present = np.maximum(np.isfinite(values).sum(axis=1, keepdims=True), 1)
    shares = np.where(np.isfinite(score), portable.tanh(score), 0.0) / present
    result: Array = np.clip(shares, -max_weight, max_weight)
    return result


def _legs(fractions: Array, quantile: float, minimum_breadth: int, size: float, cap: float) -> Array:
    out = np.empty(fractions.shape)
    portfolio.legs(fractions, quantile, minimum_breadth, size, cap, out)
    return out
