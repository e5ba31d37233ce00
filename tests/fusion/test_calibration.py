"""Calibration on simulated markets: confidence matches a real hit rate and stays at 0.5 without one."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from alpha_pipeline.fusion.calibration import MINIMUM_BARS, PENALTY, SHRINKAGE, UNCALIBRATED, Calibration, calibrate
from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.fusion.out_of_sample import OutOfSample, walk_forward
from alpha_pipeline.outcomes.hit_rates import calibration_error, hit_rate_interval
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS
from alpha_pipeline.typing import Array

FIRST = pd.Timestamp("2015-01-01", tz="UTC")
COMPARED = pd.Timestamp("2016-01-01", tz="UTC")
DAYS, SYMBOLS = 1_200, 8
# True hit rate by |value|.
TRUTHS = {
    "over-confident": lambda size: 0.5 + 0.1 * size,
    "under-confident": lambda size: 0.5 + 0.45 * (1 - np.exp(-4 * size)),
    "flat": lambda size: np.full(len(size), 0.62),
    "useless": lambda size: np.full(len(size), 0.5),
    "reversed": lambda size: 0.5 - 0.2 * size,
}


def market(truth: str, seed: int) -> LabeledSignals:
    """Every source is active half of the time, at random; outcomes of one day have a correlation of one half."""
    rng = np.random.default_rng(seed)
    rows = DAYS * SYMBOLS
    stamps = pd.date_range(FIRST, periods=DAYS, freq="D").repeat(SYMBOLS)
    value, confidence = np.tanh(rng.normal(0, 1, (rows, len(WEIGHTS)))), rng.uniform(0, 1, (rows, len(WEIGHTS)))
    silent = rng.random(value.shape) < 0.5
    value[silent] = confidence[silent] = np.nan
    keys = pd.DataFrame({"timestamp": stamps, "symbol": [f"S{i}" for i in range(SYMBOLS)] * DAYS})
    signals = SignalMatrix(keys, value, confidence)
    fused = METHODS["weighted"].fit(LabeledSignals.empty()).combine(signals).value
    shared = rng.normal(0, 1, DAYS).repeat(SYMBOLS)
    luck = np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(0, 1, rows)
    right = norm.cdf(luck) < TRUTHS[truth](np.abs(fused))
    known_at = (stamps + pd.Timedelta(days=2)).tz_localize(None).to_numpy("datetime64[us]")
    return LabeledSignals(signals, np.sign(fused) * np.where(right, 0.01, -0.01), np.full(rows, 0.01), known_at)


def walk_forward_book(truth: str, seed: int = 0) -> OutOfSample:
    return walk_forward(market(truth, seed), METHODS["weighted"], DecisionRule(), COMPARED)


def hits(walk: OutOfSample) -> Array:
    return (np.sign(walk.value) == np.sign(walk.samples.forward)).astype(float)


@pytest.mark.parametrize("truth", ["over-confident", "under-confident", "flat"])
def test_a_real_edge_is_traded_in_both_directions(truth: str) -> None:
    """LONG, SHORT and HOLD occur; the hit rate of trades is at least the mean confidence, within its interval."""
    walk = walk_forward_book(truth)
    trade_rate = walk.decision != "HOLD"
    assert set(walk.decision) == {"LONG", "SHORT", "HOLD"}
    assert trade_rate.mean() > (0.03 if truth == "over-confident" else 0.4)
    _, _, high = hit_rate_interval(hits(walk)[trade_rate], walk.samples.decided_at[trade_rate])
    assert high > walk.confidence[trade_rate].mean() > 0.5


@pytest.mark.parametrize("truth", ["useless", "reversed"])
@pytest.mark.parametrize("seed", range(3))
def test_without_an_edge_nearly_all_is_hold(truth: str, seed: int) -> None:
    """The trade rate is below 5 % for hit rates of one half or less."""
    walk = walk_forward_book(truth, seed)
    assert (walk.decision != "HOLD").mean() < 0.05


@pytest.mark.parametrize("truth", TRUTHS)
def test_calibrated_confidence_is_no_worse_than_a_constant(truth: str) -> None:
    """Brier score and log loss are at most those of a constant 0.5; clearly better with a large edge."""
    walk = walk_forward_book(truth)
    brier, log_loss, apart = calibration_error(walk.confidence, hits(walk))
    assert brier < 0.2505 and log_loss < 0.6945 and apart < 0.06
    if truth == "under-confident":
        assert brier < 0.235


def test_the_curve_is_the_penalised_logistic_one() -> None:
    """scikit-learn finds the same coefficients."""
    rng = np.random.default_rng(1)
    bars = np.repeat(np.arange(200), 5)
    value, raw, forward = rng.uniform(-1, 1, 1_000), rng.uniform(0, 1, 1_000), rng.normal(0.1, 1, 1_000)
    curve = calibrate(value, raw, forward, bars)
    x = np.column_stack([np.ones(1_000), raw, np.abs(value)])
    oracle = LogisticRegression(C=1 / PENALTY, fit_intercept=False, tol=1e-10, max_iter=1_000)
    oracle.fit(x, np.sign(value) == np.sign(forward), sample_weight=np.full(1_000, 0.2))
    np.testing.assert_allclose(curve.coefficients, oracle.coef_[0], atol=1e-5)
    assert curve.bars == 200


def test_copies_of_a_row_add_no_evidence() -> None:
    """Ten perfectly correlated symbols count as one."""
    rng = np.random.default_rng(2)
    value, raw, forward = rng.uniform(-1, 1, 100), rng.uniform(0, 1, 100), rng.normal(0.2, 1, 100)
    once = calibrate(value, raw, forward, np.arange(100))
    tenfold = calibrate(*(np.repeat(x, 10) for x in (value, raw, forward)), np.repeat(np.arange(100), 10))
    np.testing.assert_allclose(once.covariance, tenfold.covariance, rtol=1e-6)


def test_confidence_is_shrunk_by_its_standard_error() -> None:
    """Log odds of 1.5 with a standard error of 0.5 are reduced by two standard errors; smaller ones become 0."""
    covariance = np.diag([0.25, 0.0, 0.0])
    for odds, shrunk in ((1.5, 1.5 - SHRINKAGE / 2), (0.9, 0.0), (-1.5, SHRINKAGE / 2 - 1.5)):
        curve = Calibration(np.array([odds, 0.0, 0.0]), covariance, 100).apply(np.array([0.7]), np.array([0.3]))
        assert curve == pytest.approx(1 / (1 + np.exp(-shrunk)))


def test_few_bars_are_uncalibrated() -> None:
    """One bar less than the minimum, however many rows it has, and rows without an outcome or a value."""
    bars = np.repeat(np.arange(MINIMUM_BARS), 4)
    ones = np.ones(len(bars))
    assert calibrate(ones, ones, ones, bars).bars == MINIMUM_BARS
    few = bars < MINIMUM_BARS - 1
    assert calibrate(ones[few], ones[few], ones[few], bars[few]) is UNCALIBRATED
    for value, forward in ((0 * ones, ones), (ones, 0 * ones), (ones, np.nan * ones)):
        assert calibrate(value, ones, forward, bars) is UNCALIBRATED


def test_a_value_of_zero_has_confidence_one_half() -> None:
    """For any curve."""
    certain = Calibration(np.array([3.0, 0.0, 0.0]), np.zeros((3, 3)), 100)
    assert certain.apply(np.array([0.0, 0.5]), np.array([1.0, 1.0])).tolist() == [0.5, 1 / (1 + np.exp(-3.0))]
    assert decide(np.array([0.0]), np.array([0.5]), DecisionRule()).tolist() == ["HOLD"]
