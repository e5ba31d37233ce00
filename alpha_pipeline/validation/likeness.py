"""How alike two factors order symbols, on bars sampled once; what is too alike is judged by whoever asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alpha_pipeline.backtest.ranks import MINIMUM_BREADTH, rank_correlations, ranks
from alpha_pipeline.errors import DataError
from alpha_pipeline.kernels.portfolio import rank_likeness
from alpha_pipeline.panel import Array

# Bars compared at least, where there are as many; ranks of neighbouring bars repeat each other.
BARS = 500
# Symbols up to which products of whole ranks add up in 32 bits.
NARROW = 1_800


@dataclass(frozen=True)
class SampledRanks:
    """
    A factor as it is compared with others: ranked once, on sampled bars.

    Args:
        ranks: (sampled bars, symbols), fractions in (0, 1] within each bar; NaN where there is no value.
    """

    ranks: Array

    @classmethod
    def of(cls, values: Array, fractions: Array | None = None) -> "SampledRanks":
        """Every n-th bar of (bars, symbols) values, or of their `ranks`: 500 to 999 bars, all where there are fewer."""
        step = max(1, len(values) // BARS)
        return cls(ranks(values[::step]) if fractions is None else fractions[::step])

    @cached_property
    def whole(self) -> tuple[Array, Array]:
        """
        The ranks as whole numbers, a quarter of the size, so that comparing is adding up integers.

        Returns:
            (bars, symbols) int16: twice the rank minus its mean, 0 where absent. (bars, 3): how many are present (0 on
            bars too narrow), the sum of squares, and a mark that is the same for the same symbols present.
        """
        here = np.isfinite(self.ranks)
        count = here.sum(axis=1)
        count[count < MINIMUM_BREADTH] = 0
        doubled = np.rint(2 * count[:, None] * np.where(here, self.ranks, 0.0)) - (count[:, None] + 1)
        centred = np.where(here & (count[:, None] > 0), doubled, 0.0)
        marks = here @ np.random.default_rng(0).integers(1, 2**40, here.shape[1]).astype(float)
        return centred.astype(np.int16), np.column_stack([count, (centred**2).sum(axis=1), marks]).astype(float)


def likeness(factor: SampledRanks, library: Mapping[str, SampledRanks]) -> dict[str, float]:
    """
    Mean size of the Spearman correlation across symbols per bar with each factor of a library, the closest first.

    Args:
        factor: on any grid.
        library: others on the same grid, by name; those without a bar in common are left out.

    Raises:
        DataError: the grids differ.
    """
    pairs = ((name, _pair(factor, other)) for name, other in library.items())
    return dict(sorted(((name, size) for name, size in pairs if np.isfinite(size)), key=lambda pair: -pair[1]))


def _pair(a: SampledRanks, b: SampledRanks) -> float:
    if a.ranks.shape != b.ranks.shape:
        raise DataError(f"ranks have shapes {a.ranks.shape} and {b.ranks.shape}; they must agree")
    total, found, apart = 0.0, 0, np.ones(len(a.ranks), dtype=bool)
    if a.ranks.shape[1] <= NARROW:
        (x, x_rows), (y, y_rows), out = a.whole, b.whole, np.zeros((1, 3))
        rank_likeness(x, x_rows, y, y_rows, out)
        total, found = out[0, 0], int(out[0, 1])
        apart = (x_rows[:, 2] != y_rows[:, 2]) if out[0, 2] else np.zeros(0, dtype=bool)
    if apart.any():  # bars on which other symbols are present are counted anew
        sizes = np.abs(rank_correlations(a.ranks[apart], b.ranks[apart]))
        known = np.isfinite(sizes)
        total, found = total + float(sizes[known].sum()), found + int(known.sum())
    return total / found if found else np.nan
