"""How alike two factors order symbols, on bars sampled once; what is too alike is judged by whoever asked."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtest.ranks import rank_correlations, ranks
from alpha_pipeline.panel import Array

# Bars compared at least, where there are as many; ranks of neighbouring bars repeat each other.
BARS = 500


@dataclass(frozen=True)
class SampledRanks:
    """
    A factor as it is compared with others: ranked once, on sampled bars.

    Args:
        ranks: (sampled bars, symbols), fractions in (0, 1] within each bar; NaN where there is no value.
    """

    ranks: Array

    @classmethod
    def of(cls, values: Array) -> "SampledRanks":
        """Every n-th bar of (bars, symbols) values: 500 to 999 of them, or all where there are fewer."""
        return cls(ranks(values[:: max(1, len(values) // BARS)]))


def likeness(factor: SampledRanks, library: Mapping[str, SampledRanks]) -> dict[str, float]:
    """
    Mean size of the Spearman correlation across symbols per bar with each factor of a library, the closest first.

    Args:
        factor: on any grid.
        library: others on the same grid, by name; those without a bar in common are left out.

    Raises:
        DataError: the grids differ.
    """
    found = {
        name: float(np.nanmean(np.abs(per_bar)))
        for name, other in library.items()
        if np.isfinite(per_bar := rank_correlations(factor.ranks, other.ranks)).any()
    }
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
