"""How alike two factors order symbols, on bars sampled once; what is too alike is judged by whoever asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH, ranks
from alpha_pipeline.errors import DataError
from alpha_pipeline.kernels.pair_ranks import sum_of_correlations, whole_ranks
from alpha_pipeline.typing import Array, Flags, Integers

# Bars compared at least, where there are as many; ranks of neighbouring bars repeat each other.
BARS = 500
# Twice a rank minus its mean is a whole number of 16 bits up to here.
MOST_SYMBOLS = 32_768


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
    def whole(self) -> tuple[Integers, Flags, Integers, Array]:
        """
        The ranks as whole numbers, a quarter of the size, so that comparing is adding up integers.

        Returns:
            (bars, symbols) int16: twice the rank minus its mean, 0 where absent. (bars, symbols): who is present.
            (bars, symbols) int16: the columns by rank, where none are tied. (bars, 3): how many are, the sum of
            squares, and a mark that is the same for the same symbols present.

        Raises:
            DataError: there are more than 32,768 symbols.
        """
        bars, symbols = self.ranks.shape
        if symbols > MOST_SYMBOLS:
            raise DataError(f"ranks of {symbols:,} symbols cannot be compared; expected at most {MOST_SYMBOLS:,}")
        names = np.random.default_rng(0).integers(1, 2**40, (1, symbols)).astype(float)
        whole, order = np.empty((bars, symbols), np.int16), np.zeros((bars, symbols), np.int16)
        here, rows = np.empty((bars, symbols), bool), np.empty((bars, 3))
        whole_ranks(np.ascontiguousarray(self.ranks), names, whole, here, order, rows)
        return whole, here, order, rows


def rank_correlations(factor: SampledRanks, library: Mapping[str, SampledRanks]) -> dict[str, float]:
    """
    Mean size of the Spearman correlation across symbols per bar with each factor of a library, the closest first.

    Args:
        factor: on any grid.
        library: others on the same grid, by name; those without a bar in common are left out.

    Raises:
        DataError: the grids differ.
    """
    return rank_correlations_of_each([factor], library)[0]


def rank_correlations_of_each(
    factors: Sequence[SampledRanks], library: Mapping[str, SampledRanks]
) -> list[dict[str, float]]:
    """The `rank_correlations` of several factors at once, which reads the library once."""
    for ranked in (*factors, *library.values()):
        if ranked.ranks.shape != factors[0].ranks.shape:
            raise DataError(f"ranks have shapes {factors[0].ranks.shape} and {ranked.ranks.shape}; they must agree")
    found: list[dict[str, float]] = [{} for _ in factors]
    beside = [np.hstack(parts) for parts in zip(*(factor.whole for factor in factors), strict=True)]
    sums = np.empty((len(factors), 2))
    for name, other in library.items():
        sum_of_correlations(*beside, *other.whole, MINIMUM_BREADTH, sums)
        for sizes, (total, bars) in zip(found, sums.tolist(), strict=True):
            if bars:
                sizes[name] = total / bars
    return [dict(sorted(sizes.items(), key=lambda pair: -pair[1])) for sizes in found]
