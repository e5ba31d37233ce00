"""The parts of learned methods beside other implementations, and by hand."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import spearmanr

from alpha_pipeline.fusion.methods.ic_weighted import LAGS, rank_ics, shrunk_mean
from alpha_pipeline.fusion.methods.linear import fit_slopes, ridge_path
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.fusion.methods.training import (
    RankScaler,
    argbest,
    bar_weights,
    occlusion_attribution,
    splits,
    usable,
    variance_gain,
)
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.statistics.newey_west import mean_test
from tests.fusion.planted import NAMES, planted, push_of


def truth(push: np.ndarray) -> np.ndarray:
    """Momentum is worth half a move."""
    return 0.5 * push_of(push, "price_momentum")


def test_ridge_is_its_closed_form() -> None:
    """Slopes (X'X + penalty)^-1 X'y of centred pushes over their root mean square, by numpy alone."""
    past = planted(truth, days=120)
    result = fit_slopes(past, partial(ridge_path, np.array([0.1])))
    push, is_active = np.nan_to_num(past.signals.value * past.signals.confidence), np.isfinite(past.signals.value)
    scale = np.sqrt(np.nanmean(np.where(is_active, push**2, np.nan), axis=0))
    x, y = push / scale, np.clip(past.forward / past.sigma, -3, 3)
    x, y = x - x.mean(axis=0), y - y.mean()
    expected = np.linalg.solve(x.T @ x + 0.1 * len(y) * np.eye(len(NAMES)), x.T @ y) / scale
    np.testing.assert_allclose(result.slopes, expected, atol=1e-8)  # slopes are rounded to nine digits


def test_elastic_net_zeroes_what_ridge_keeps() -> None:
    """Seven of the sources say nothing true: most of their slopes are 0, that of the one that does is not."""
    past = planted(truth)
    sparse, full = METHODS["elastic_net"].fit(past), METHODS["ridge"].fit(past)
    assert full.slopes.all() and (sparse.slopes == 0).sum() >= 4
    assert np.argmax(sparse.slopes) == NAMES.index("price_momentum")


def test_rank_ics_is_the_rank_correlation_of_each_bar() -> None:
    """Bar by bar and source by source as scipy has it, over the symbols the source spoke of."""
    past = planted(truth, days=80, symbols=7)
    result = rank_ics(past)
    stamps = past.decided_at
    for source in (0, 3):
        for i, bar in enumerate(np.unique(stamps)[:20]):
            rows = (stamps == bar) & past.signals.active[:, source]
            expected_ic = (
                spearmanr(past.signals.weighted[rows, source], past.move[rows])[0] if rows.sum() >= 3 else np.nan
            )
            np.testing.assert_allclose(result[source][i], expected_ic, atol=1e-12)


def test_one_symbol_is_correlated_over_time() -> None:
    """The mean of the series is what scipy says of the whole."""
    past = planted(truth, days=300, symbols=1)
    for source, series in enumerate(rank_ics(past)):
        rows = past.signals.active[:, source]
        expected_ic = spearmanr(past.signals.weighted[rows, source], past.move[rows])[0]
        assert np.nanmean(series) == pytest.approx(expected_ic, abs=1e-12)


@pytest.mark.parametrize(
    ("t", "shrinkage"),
    [(1.0, 0.0), (1.99, 0.0), (4.0, 0.75), (-4.0, 0.75)],
    ids=["weak", "just below", "sure", "contrary"],
)
def test_shrinkage_by_hand(t: float, shrinkage: float) -> None:
    """1 - (2 / t)^2 of the mean, nothing within two standard errors."""
    series = np.tile([1.0, -1.0], 200)
    series = series + t * mean_test(series, LAGS).standard_error
    assert shrunk_mean(series) == pytest.approx(shrinkage * series.mean(), abs=1e-12)


def test_the_past_is_split_in_order_of_time() -> None:
    """No lesson is tried before its teachers' outcomes were known; those in between are in neither."""
    past = planted(truth, days=100)
    pairs = splits(past)
    assert len(pairs) == 4
    for taught, tried in pairs:
        assert past.known_at[taught].max() <= past.decided_at[tried].min()
        gap = past.decided_at[tried].min() - past.decided_at[taught].max()
        assert gap == np.timedelta64(2, "D")
    assert not len(usable(past.take(past.decided_at < np.datetime64("2016-02-15"))))
    holed = replace(past, forward=np.where(np.arange(len(past)) % 2, past.forward, np.nan))
    assert len(usable(holed)) == len(past) / 2


def test_shares_by_hand() -> None:
    """Sign times the share of past sizes below; ties count half; what says nothing stays 0."""
    scale = RankScaler.of(np.array([0.0, 1.0, -2.0, 2.0, 4.0]))
    value = scale.value(np.array([0.0, 0.5, 1.0, 2.0, -3.0, 9.0]))
    np.testing.assert_allclose(value, [0, 0, 0.1, 0.4, -0.6, 0.8])
    assert not RankScaler(np.empty(0)).value(np.array([3.0])).any()


def test_a_gain_is_beyond_drift_and_counts_bars() -> None:
    """The outcome itself gains the variance, a constant nothing; a bar of many rows weighs as one of few."""
    move, bars = np.array([1.0, -1.0, 3.0, 1.0]), np.array([0, 0, 1, 1])
    assert variance_gain(move, move + 5, bar_weights(bars)) == pytest.approx(move.var())
    assert variance_gain(move, np.full(4, 7.0), bar_weights(bars)) == pytest.approx(0)
    assert variance_gain(move, -move, bar_weights(bars)) < 0
    many = np.array([0, 0, 1]), np.array([2.0, 2.0, -2.0])
    assert variance_gain(many[1], many[1], bar_weights(many[0])) == pytest.approx(4.0)
    assert argbest([-1.0, 1e-15]) is None and argbest([0.1, 0.3, 0.3]) == 1


def test_occlusion_by_hand() -> None:
    """Two sources that count only together share their effect; one that does not matter gets nothing."""
    value = np.full((2, len(NAMES)), np.nan)
    value[0, :3], value[1, 0] = [0.5, 0.8, 0.3], 0.5
    signals = SignalMatrix(
        planted(truth, days=1, symbols=2).signals.keys, value, np.where(np.isfinite(value), 1.0, np.nan)
    )
    result = occlusion_attribution(lambda s: s.weighted[:, 0] * s.weighted[:, 1], signals)
    np.testing.assert_allclose(result.value, [0.4, 0.0])
    np.testing.assert_allclose(result.contribution[0, :4], [0.2, 0.2, 0, 0])
    assert not result.contribution[1].any()
