"""Many trials: discoveries as statsmodels counts them, overfitting on noise and on skill."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from alpha_pipeline.errors import DataError
from alpha_pipeline.statistics import (
    adjusted_p_values,
    minimum_backtest_years,
    minimum_track_record,
    overlap_lags,
    p_values,
    probabilistic_sharpe,
    probability_of_overfitting,
)


@pytest.mark.parametrize(("dependence", "method"), [("independent", "fdr_bh"), ("any", "fdr_by")])
def test_adjusted_p_values_are_those_of_statsmodels(dependence: str, method: str) -> None:
    """Ties and extremes included; a NaN is left out and stays."""
    p = np.append(np.random.default_rng(0).beta(0.5, 3, 60), [0.0, 1.0, 0.3, 0.3])
    oracle = multipletests(p, method=method)[1]
    found = adjusted_p_values(np.insert(p, 5, np.nan), dependence)  # type: ignore[arg-type]
    np.testing.assert_allclose(np.delete(found, 5), oracle)
    assert np.isnan(found[5])
    assert np.isnan(adjusted_p_values(np.array([np.nan]))).all()


def test_p_values_are_two_sided() -> None:
    """|t| of 1.96 is five per cent; NaN is no evidence."""
    np.testing.assert_allclose(p_values(np.array([1.96, -3.0])), 2 * stats.norm.sf([1.96, 3.0]))
    assert np.isnan(p_values(np.array([np.nan]))[0])


def test_the_best_of_noise_is_no_better_out_of_sample() -> None:
    """Mean over draws near a half, single draws far from it: a number to report, not to gate on."""
    draws = [
        probability_of_overfitting(np.random.default_rng(seed).normal(size=(600, 20)), blocks=8) for seed in range(40)
    ]
    assert np.mean(draws) == pytest.approx(0.52, abs=0.08)
    assert np.ptp(draws) > 0.3


def test_skill_is_not_overfitting() -> None:
    """One trial with a true edge is found again out of sample."""
    returns = np.random.default_rng(1).normal(size=(800, 20))
    returns[:, 3] += 0.3
    assert probability_of_overfitting(returns, blocks=8) < 0.02


def test_overfitting_agrees_with_a_plain_loop() -> None:
    """The block sums give what slicing, joining and ranking each split gives."""
    from itertools import combinations

    returns = np.random.default_rng(2).normal(0.02, 1, (120, 7))
    parts = np.split(returns, 6)
    logits = []
    for chosen in combinations(range(6), 3):
        inside = np.concatenate([parts[b] for b in chosen])
        outside = np.concatenate([parts[b] for b in range(6) if b not in chosen])
        best = (inside.mean(0) / inside.std(0)).argmax()
        place = stats.rankdata(outside.mean(0) / outside.std(0))[best] / 8
        logits.append(np.log(place / (1 - place)))
    assert probability_of_overfitting(returns, blocks=6) == pytest.approx(np.mean(np.array(logits) <= 0))


@pytest.mark.parametrize(("shape", "blocks"), [((100, 1), 4), ((100, 3), 5), ((6, 3), 4), ((100, 3), 0)])
def test_too_little_to_split_is_refused(shape: tuple[int, int], blocks: int) -> None:
    """One trial, odd blocks, blocks of a bar."""
    with pytest.raises(DataError, match="at least 2 trials"):
        probability_of_overfitting(np.zeros(shape), blocks)


@pytest.mark.parametrize(("trials", "years"), [(45, 5.0), (100, 6.4), (1000, 10.6)])
def test_published_backtest_lengths(trials: int, years: float) -> None:
    """What the best of so many worthless factors shows in that time is a Sharpe ratio of one."""
    assert minimum_backtest_years(trials) == pytest.approx(years, abs=0.05)


def test_a_record_as_long_as_needed_is_just_believed() -> None:
    """The probabilistic Sharpe ratio at the minimum length is the belief asked for."""
    bars = minimum_track_record(0.05, -0.5, 6)
    assert probabilistic_sharpe(0.05, round(bars), -0.5, 6) == pytest.approx(0.95, abs=1e-3)
    assert np.isnan(minimum_track_record(-0.1, 0, 3))


def test_lags_cover_the_overlap_twice() -> None:
    """Labels of one bar overlap with none but the next."""
    assert [overlap_lags(h) for h in (1, 24)] == [1, 47]
