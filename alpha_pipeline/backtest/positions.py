"""
From factor values to target weights: long the top, short the bottom, equal legs.
"""

import numpy as np

from alpha_pipeline.kernels.cross_section import rank
from alpha_pipeline.panel import Array


def quantile_weights(values: Array, quantile: float, max_weight: float, minimum_breadth: int = 3) -> Array:
    """
    Dollar-neutral long-short weights of each bar.

    Args:
        values: (bars, symbols), any unit; high is bought.
        quantile: share of the symbols in each leg, in (0, 0.5].
        max_weight: cap of a single weight's size.
        minimum_breadth: symbols a bar needs.

    Returns:
        (bars, symbols); +1/2 spread over the top, -1/2 over the bottom, by midranks (rank - 1/2) / n, so that both
        legs have the same size; at least one symbol each. 0 elsewhere, for NaN values, and on bars too narrow.
    """
    fractions = np.empty(values.shape)
    rank(np.ascontiguousarray(values, dtype=float), fractions)
    breadth = np.isfinite(values).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = fractions - 0.5 / breadth
        edge = np.maximum(quantile, 1 / breadth)
        top, bottom = middle > 1 - edge, middle < edge
    wide = (breadth >= minimum_breadth) & top.any(axis=1, keepdims=True) & bottom.any(axis=1, keepdims=True)
    legs = top / np.maximum(top.sum(axis=1, keepdims=True), 1) - bottom / np.maximum(bottom.sum(axis=1, keepdims=True), 1)
    return np.where(wide, np.clip(0.5 * legs, -max_weight, max_weight), 0.0)
