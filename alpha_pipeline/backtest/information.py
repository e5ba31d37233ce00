"""
How well a factor orders the symbols of a bar: the rank information coefficient.
"""

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.kernels.cross_section import rank
from alpha_pipeline.panel import Array

MINIMUM_BREADTH = 3


def rank_ic(values: Array, forward_returns: Array) -> Array:
    """
    Spearman correlation per bar.

    Args:
        values: (bars, symbols), any unit.
        forward_returns: (bars, symbols), fraction per horizon, aligned to the bar of decision.

    Returns:
        (bars,); NaN where fewer than three symbols are present or either side is flat. Ties get average ranks.

    Raises:
        DataError: the shapes differ.

    Source: Grinold and Kahn, Active Portfolio Management (information coefficient).
    """
    if values.shape != forward_returns.shape:
        raise DataError(f"values have shape {values.shape}, forward returns {forward_returns.shape}; they must agree")
    both = np.isfinite(values) & np.isfinite(forward_returns)
    x, y = _ranks(values, both), _ranks(forward_returns, both)
    breadth = both.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        x -= np.nansum(x, axis=1, keepdims=True) / breadth[:, None]
        y -= np.nansum(y, axis=1, keepdims=True) / breadth[:, None]
        spread = np.sqrt(np.nansum(x * x, axis=1) * np.nansum(y * y, axis=1))
        return np.where((breadth >= MINIMUM_BREADTH) & (spread > 1e-12), np.nansum(x * y, axis=1) / spread, np.nan)


def _ranks(x: Array, present: Array) -> Array:
    out = np.empty(x.shape)
    rank(np.where(present, x, np.nan), out)
    return out
