"""
Ranks across the symbols of a bar, taken once: information coefficients, legs and correlation all start from them.

What is correlated with what, and what is bought, is decided elsewhere.
"""

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.kernels import holdings as portfolio
from alpha_pipeline.kernels.cross_section import rank
from alpha_pipeline.typing import Array

MINIMUM_BREADTH = 3


def ranks(x: Array) -> Array:
    """(rows, columns) to ranks within each row, fractions in (0, 1]; ties get their average, what is not finite NaN."""
    infinite = np.isinf(x)
    out = np.empty(x.shape)
    rank(np.ascontiguousarray(np.where(infinite, np.nan, x) if infinite.any() else x, dtype=float), out)
    return out


def rank_correlations(x: Array, y: Array, minimum_breadth: int = MINIMUM_BREADTH) -> Array:
    """
    Spearman correlation of each row, from ranks that were taken once.

    Args:
        x: (rows, columns), as `ranks` gives them.
        y: the same; where one side is absent the ranks of the other are counted anew, without sorting.
        minimum_breadth: pairs a row needs.

    Returns:
        (rows,); NaN where there are fewer pairs or either side is flat.

    Raises:
        DataError: the shapes differ.
    """
    if x.shape != y.shape:
        raise DataError(f"ranks have shapes {x.shape} and {y.shape}; they must agree")
    out = np.empty((len(x), 1))
    portfolio.rank_correlation(x, y, minimum_breadth, out)
    return out[:, 0]
