"""Tests of a family of factors: one that earns is found, luck is not, and what is undefined is NaN."""

import numpy as np
import pytest

from alpha_pipeline.statistics.overfitting import probability_of_overfitting
from alpha_pipeline.statistics.superior_ability import family_tests


def noise(factors: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, (1_000, factors))


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_the_one_that_earns_is_named_however_quiet_it_is(scale: float) -> None:
    """Superior with the family-wise error stated, and the family beats nothing."""
    returns = noise(12)
    returns[:, 7] = (returns[:, 7] + 0.0025) * scale
    found = family_tests(returns)
    assert (
        np.flatnonzero(found["stepm_significant"]).tolist() == [7]
        and found["spa_p_value"] < 0.01
        and found["pbo"] < 0.2
    )


def test_luck_alone_is_rarely_superior() -> None:
    """Twenty factor types of noise: a false discovery is the exception, p-values are spread."""
    found = [family_tests(noise(8, seed)) for seed in range(20)]
    assert sum(any(one["stepm_significant"]) for one in found) <= 3
    assert 0.2 < np.mean([one["spa_p_value"] for one in found]) < 0.8
    assert found[0]["pbo"] == pytest.approx(probability_of_overfitting(noise(8) / noise(8).std(axis=0)))


def test_the_same_returns_give_the_same_tests() -> None:
    """The bootstrap is seeded."""
    assert family_tests(noise(5)) == family_tests(noise(5))


def test_the_p_value_is_that_of_the_library() -> None:
    """Unit-volatility losses against nothing, as `arch` tests them."""
    from arch.bootstrap import SPA

    returns = noise(6, 3)
    test = SPA(np.zeros(1_000), -returns / returns.std(axis=0), block_size=10, reps=500, seed=0)
    test.compute()
    assert family_tests(returns, block_bars=10)["spa_p_value"] == pytest.approx(float(test.pvalues["consistent"]))


@pytest.mark.parametrize("returns", [np.zeros((500, 3)), np.empty((0, 2)), noise(3)[:40]])
def test_what_is_undefined_is_nan(returns: np.ndarray) -> None:
    """Nothing that moves, no bars, too few."""
    found = family_tests(returns)
    assert np.isnan(found["spa_p_value"]) and np.isnan(found["pbo"]) and not any(found["stepm_significant"])


def test_one_factor_has_no_choice_to_overfit() -> None:
    """Its p-value stands alone."""
    found = family_tests(noise(1))
    assert np.isfinite(found["spa_p_value"]) and np.isnan(found["pbo"])
