"""A family of factors tested together: is the best more than luck, which ones are, how overfitted is the choice."""

import warnings
from typing import TypedDict

import numpy as np

from alpha_pipeline.statistics.overfitting import probability_of_overfitting
from alpha_pipeline.typing import Array

REPLICATIONS = 500
FAMILY_WISE = 0.05
BLOCKS = 16
MINIMUM_BARS = 60


class FamilyTests(TypedDict):
    """
    Tests of a family.

    Keys:
        spa: p-value that the best of the family beats holding nothing (Hansen 2005).
        superior: (factors,), whether each is superior with a family-wise error of 5 % (Romano and Wolf 2005).
        pbo: probability that the in-sample best is below the median out of sample (Bailey et al. 2017).
    """

    spa_p_value: float
    stepm_significant: list[bool]
    pbo: float


def family_tests(returns: Array, block_bars: int | None = None, seed: int = 0) -> FamilyTests:
    """
    Test factors together against holding nothing.

    Args:
        returns: (bars, factors), net, fraction per bar; every factor is scaled to unit volatility, so that quiet ones
            count alike.
        block_bars: mean length of the blocks of the stationary bootstrap; the cube root of the bars by default.
        seed: of the bootstrap.

    Returns:
        NaN and False where undefined: fewer than 60 bars, no factor that moves, or one alone for `pbo`.

    Source: Hansen (2005), Romano and Wolf (2005), by the package `arch`.
    """
    bars, factors = returns.shape
    spread = returns.std(axis=0) if bars else np.zeros(factors)
    alive = np.flatnonzero(spread > 0)
    out = FamilyTests(spa_p_value=np.nan, stepm_significant=[False] * factors, pbo=np.nan)
    if bars < MINIMUM_BARS or not len(alive):
        return out
    scaled = returns[:, alive] / spread[alive]
    from arch.bootstrap import SPA, StepM  # a slow import that few need

    block = block_bars or max(1, round(bars ** (1 / 3)))
    losses, nothing = -scaled, np.zeros(bars)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a family without a single good factor divides by nothing inside
        spa_p_value = SPA(nothing, losses, block_size=block, reps=REPLICATIONS, seed=seed)
        spa_p_value.compute()
        steps = StepM(nothing, losses, size=FAMILY_WISE, block_size=block, reps=REPLICATIONS, seed=seed)
        steps.compute()
    out["spa_p_value"] = float(spa_p_value.pvalues["consistent"])
    for position in steps.superior_models:
        out["stepm_significant"][int(alive[int(str(position))])] = True
    if len(alive) > 1 and bars >= 2 * BLOCKS:
        out["pbo"] = probability_of_overfitting(scaled, BLOCKS)
    return out
