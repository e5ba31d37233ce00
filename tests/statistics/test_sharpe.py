"""Sharpe ratios deflated as published, means tested as statsmodels tests them."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from alpha_pipeline.statistics import (
    deflated_sharpe,
    expected_maximum,
    mean_test,
    null_variance,
    probabilistic_sharpe,
    sharpe_error,
    sharpe_moments,
)


def test_the_published_example() -> None:
    """Bailey and Lopez de Prado: annual Sharpe 2.5 over five years, the best of 100 trials."""
    found = deflated_sharpe(2.5 / np.sqrt(250), 1250, -3, 10, trials=100, trial_variance=0.5 / 250)
    assert found == pytest.approx(0.9004, abs=1e-4)


def test_the_expected_maximum_grows_with_trials() -> None:
    """One trial has no luck to discount; a simulated maximum agrees within its error."""
    assert expected_maximum(1) == 0
    simulated = np.random.default_rng(0).standard_normal((20_000, 100)).max(axis=1).mean()
    assert expected_maximum(100) == pytest.approx(simulated, abs=0.03)


def test_more_trials_deserve_less_belief() -> None:
    """The same track record, found among more factors, proves less."""
    beliefs = [deflated_sharpe(0.1, 1000, 0, 3, n, 0.002) for n in (1, 10, 100, 1000)]
    assert beliefs == sorted(beliefs, reverse=True)


def test_undefined_is_nan() -> None:
    """No spread, no bars: no belief."""
    assert np.isnan(sharpe_moments(np.full(10, 0.01))[0])
    assert np.isnan(probabilistic_sharpe(np.nan, 100, 0, 3))


def test_moments_are_scipy_s() -> None:
    """Biased skewness and raw kurtosis."""
    x = np.random.default_rng(1).standard_t(5, 500)
    _, skewness, kurtosis, bars = sharpe_moments(x)
    assert (skewness, kurtosis, bars) == pytest.approx((stats.skew(x), stats.kurtosis(x, fisher=False), 500))


@pytest.mark.parametrize("lags", [0, 1, 5, 24])
def test_the_mean_is_tested_as_statsmodels_does(lags: int) -> None:
    """Newey-West with Bartlett weights, no small-sample correction; NaN left out."""
    rng = np.random.default_rng(2)
    x = np.convolve(rng.standard_normal(400), np.ones(5), "valid") + 0.3
    oracle = OLS(x, np.ones(len(x))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    found = mean_test(np.concatenate([[np.nan], x]), lags)
    assert found.t_stat == pytest.approx(oracle.tvalues[0])
    assert found.standard_error == pytest.approx(oracle.bse[0])


def test_a_constant_has_no_t() -> None:
    """Without spread there is no error to divide by."""
    assert np.isnan(mean_test(np.ones(10), 2).t_stat)


def test_the_error_is_that_of_the_probability() -> None:
    """The probabilistic ratio is the normal probability of ratio over error; undefined below two bars."""
    sharpe, bars, skewness, kurtosis = 0.08, 700, -0.4, 5.0
    error = sharpe_error(sharpe, bars, skewness, kurtosis)
    assert stats.norm.cdf(sharpe / error) == pytest.approx(probabilistic_sharpe(sharpe, bars, skewness, kurtosis))
    assert np.isnan(sharpe_error(sharpe, 1, skewness, kurtosis)) and np.isnan(sharpe_error(np.nan, 700, 0, 3))
    draws = np.random.default_rng(0).normal(0.1, 1.0, (4000, 250))
    spread = (draws.mean(axis=1) / draws.std(axis=1, ddof=1)).std()
    assert sharpe_error(0.1, 250, 0.0, 3.0) == pytest.approx(spread, rel=0.05)


def test_the_best_of_many_worthless_factors_is_about_as_good_as_expected() -> None:
    """The luckiest of a hundred is near one half, a true Sharpe ratio of 9 near 1."""
    rng, bars, trials = np.random.default_rng(5), 500, 100
    deflated = []
    for _ in range(200):
        returns = rng.normal(0, 0.01, (trials, bars))
        best = returns[np.argmax(returns.mean(axis=1) / returns.std(axis=1))]
        deflated.append(deflated_sharpe(*sharpe_moments(best)[:1], bars, 0, 3, trials, null_variance(bars)))
    assert 0.35 < np.median(deflated) < 0.65 and np.mean(np.array(deflated) > 0.95) < 0.06
    planted = rng.normal(9 / np.sqrt(252), 1, bars)
    sharpe, skewness, kurtosis, count = sharpe_moments(planted)
    assert deflated_sharpe(sharpe, count, skewness, kurtosis, 19, null_variance(count)) > 0.999


def test_the_null_variance_is_that_of_returns_without_a_mean() -> None:
    """Simulated; undefined for a single bar."""
    returns = np.random.default_rng(6).normal(0, 0.01, (4_000, 60))
    simulated = (returns.mean(axis=1) / returns.std(axis=1, ddof=1)).var()
    assert null_variance(60) == pytest.approx(simulated, rel=0.08)
    assert np.isnan(null_variance(1))
