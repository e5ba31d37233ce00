"""Measures against pandas and scipy, and on data where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alpha_pipeline.backtest import forward_returns, metrics, rank_ic, score, split
from alpha_pipeline.errors import DataError
from alpha_pipeline.market import CRYPTO, EQUITIES
from alpha_pipeline.panel import Panel


def walk(bars: int, symbols: int, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (bars, symbols)), axis=0))
    times = pd.date_range("2018-01-01", periods=bars, freq="h").to_numpy("datetime64[us]")
    return Panel(times, tuple(f"S{i:02d}" for i in range(symbols)), {"close": close})


def test_rank_ic_is_spearman_per_bar() -> None:
    """scipy agrees, ties and gaps included; too few symbols give NaN."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 6, (40, 12)).astype(float)
    y = rng.normal(size=(40, 12))
    x[rng.random(x.shape) < 0.2] = np.nan
    y[rng.random(y.shape) < 0.1] = np.nan
    x[0, 2:] = np.nan
    found = rank_ic(x, y)
    for bar in range(1, 40):
        both = np.isfinite(x[bar]) & np.isfinite(y[bar])
        assert found[bar] == pytest.approx(stats.spearmanr(x[bar, both], y[bar, both]).statistic)
    assert np.isnan(found[0])


def test_a_factor_that_knows_the_future_is_seen_and_its_opposite_too() -> None:
    """Perfect foresight has rank IC 1 and a large Sharpe ratio; its negative the mirror image."""
    panel = walk(600, 8)
    oracle = np.nan_to_num(forward_returns(panel, CRYPTO.horizon_bars))
    good, bad = score(oracle, panel, CRYPTO), score(-oracle, panel, CRYPTO)
    assert good["rank_ic"] == pytest.approx(1.0)
    assert bad["rank_ic"] == pytest.approx(-1.0)
    assert good["sharpe"] > 5 > 0 > bad["sharpe"]


def test_noise_is_worth_nothing_and_costs_are_real() -> None:
    """On random walks the mean t is near 0, and net Sharpe is below gross."""
    rng = np.random.default_rng(5)
    found = [score(rng.normal(size=(500, 10)), walk(500, 10, seed), EQUITIES) for seed in range(20)]
    assert abs(np.mean([f["t_stat"] for f in found])) < 0.6
    assert np.mean([f["sharpe"] < f["sharpe_gross"] for f in found]) == 1.0


def test_the_calendar_annualises() -> None:
    """The same returns on hours and on days differ by the calendar alone."""
    returns = np.random.default_rng(0).normal(0.001, 0.01, 300)
    ratio = metrics.sharpe(returns, 8760) / metrics.sharpe(returns, 252)
    assert ratio == pytest.approx(np.sqrt(8760 / 252))
    assert metrics.volatility(returns, 252) == pytest.approx(pd.Series(returns).std() * np.sqrt(252))


@pytest.mark.parametrize(
    ("returns", "drawdown"),
    [([-0.5, 0.1], -0.5), ([0.1, 0.1], 0.0), ([0.1, -0.2, 0.05, -0.1], 0.8 * 1.05 * 0.9 - 1)],
)
def test_drawdown_counts_the_starting_capital(returns: list[float], drawdown: float) -> None:
    """A loss on the first bar is a drawdown."""
    assert metrics.max_drawdown(np.array(returns)) == pytest.approx(drawdown)


def test_undefined_is_nan() -> None:
    """No losses, no drawdown, no spread, no bars."""
    up = np.array([0.01, 0.02])
    assert np.isnan(metrics.sortino(up, 252))
    assert np.isnan(metrics.calmar(up, 252))
    assert np.isnan(metrics.sharpe(np.full(5, 0.01), 252))
    assert np.isnan(metrics.annual_return(np.array([]), 252))


def test_segments_never_share_a_label() -> None:
    """The last label of a segment ends before the next segment begins."""
    cut = split(1000, horizon_bars=24)
    assert cut.train[1] - 1 + 1 + 24 < cut.valid[0]
    assert cut.valid[1] - 1 + 1 + 24 < cut.sealed[0]
    assert cut.sealed[1] == 1000
    with pytest.raises(DataError, match="too few"):
        split(100, 24)
