"""How well a factor orders what happens next: rank information coefficients, their decay, returns by quantile."""

from collections.abc import Sequence

import numpy as np

from alpha_pipeline.backtesting.bar_ranks import rank_correlations, ranks
from alpha_pipeline.backtesting.returns import forward_returns
from alpha_pipeline.errors import DataError
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array


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
    _agree(values, forward_returns)
    return rank_correlations(ranks(values), ranks(forward_returns))


def predictive_correlation(values: Array, forward_returns: Array) -> Array:
    """
    Spearman correlation over time, one per symbol: what an information coefficient is when there is one symbol.

    Args:
        values: (bars, symbols), any unit.
        forward_returns: (bars, symbols), fraction per horizon.

    Returns:
        (symbols,); NaN below 20 common bars or when either side is flat.

    Raises:
        DataError: the shapes differ.
    """
    _agree(values, forward_returns)
    return rank_correlations(ranks(values.T), ranks(forward_returns.T), 20)


def ic_decay(values: Array, panel: Panel, horizons: Sequence[int]) -> dict[int, float]:
    """Mean rank IC by horizon in bars, filled one bar after the decision; NaN where no bar has one."""
    ics = {horizon: rank_ic(values, forward_returns(panel, horizon)) for horizon in horizons}
    return {h: float(np.nanmean(ic)) if np.isfinite(ic).any() else np.nan for h, ic in ics.items()}


def quantile_returns(values: Array, forward_returns: Array, quantiles: int = 5) -> Array:
    """
    Mean forward return of the symbols in each quantile of the factor, lowest first.

    Args:
        values: (bars, symbols), any unit.
        forward_returns: (bars, symbols), fraction per horizon.
        quantiles: number of groups, by midrank (rank - 1/2) / n, so that they differ by one symbol at most.

    Returns:
        (quantiles,), fraction per horizon: means over the bars that fill every group; NaN without such a bar.

    Raises:
        DataError: the shapes differ.
    """
    _agree(values, forward_returns)
    both = np.isfinite(values) & np.isfinite(forward_returns)
    fractions = ranks(np.where(both, values, np.nan))
    breadth = both.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        group = np.floor((fractions - 0.5 / breadth) * quantiles)
        sums = [np.where(group == q, forward_returns, 0.0).sum(axis=1) for q in range(quantiles)]
        means = np.array(sums) / np.array([(group == q).sum(axis=1) for q in range(quantiles)])
    full = np.isfinite(means).all(axis=0)
    return means[:, full].mean(axis=1) if full.any() else np.full(quantiles, np.nan)


def _agree(values: Array, forward_returns: Array) -> None:
    if values.shape != forward_returns.shape:
        raise DataError(f"values have shape {values.shape}, forward returns {forward_returns.shape}; they must agree")
