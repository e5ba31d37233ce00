"""Trades, capacity, beta and monotony against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import BacktestConfig, Bars, backtest
from alpha_pipeline.backtesting.details import beta, capacity, detailed_measures, monotonicity, trade_win_rate
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel


def panel(bars: int = 250, symbols: int = 6) -> Panel:
    """Random walks with volume."""
    rng = np.random.default_rng(8)
    close = 20 * np.exp(np.cumsum(rng.normal(0, 0.01, (bars, symbols)), axis=0))
    times = pd.date_range("2018-01-01 21:00", periods=bars, freq="B").to_numpy("datetime64[us]")
    return Panel(times, tuple("ABCDEFGH"[:symbols]), {"close": close, "volume": rng.lognormal(10, 1, close.shape)})


def test_a_position_lasts_while_its_sign_stays() -> None:
    """Two symbols: +, +, flat, - on the one, -, +, +, + on the other: four positions, three of them won."""
    weights = np.array([[0.5, -0.5], [0.4, 0.5], [0.0, 0.5], [-0.5, 0.5]])
    returns = np.array([[0.02, 0.01], [-0.01, 0.0], [0.5, 0.03], [-0.02, -0.01]])
    assert trade_win_rate(weights, returns) == 3 / 4
    assert np.isnan(trade_win_rate(np.zeros((3, 2)), np.ones((3, 2))))


def test_the_slope_is_that_of_a_regression() -> None:
    """Numpy's own least squares."""
    rng = np.random.default_rng(1)
    market, net = rng.normal(size=200), rng.normal(size=200)
    assert beta(net + 0.7 * market, market) == pytest.approx(np.polyfit(market, net + 0.7 * market, 1)[0])
    assert np.isnan(beta(net, np.zeros(200)))


def test_monotony_is_a_rank_correlation() -> None:
    """1 when every quintile earns more than the one below, NaN when one is empty."""
    assert monotonicity(np.array([-2.0, -1.0, 0.0, 0.1, 5.0])) == pytest.approx(1)
    assert monotonicity(np.array([2.0, 1.0, 0.0, -0.1, -5.0])) == pytest.approx(-1)
    assert np.isnan(monotonicity(np.array([1.0, np.nan, 2.0])))


def test_capacity_by_hand() -> None:
    """The capital at which one trade in twenty is above a hundredth of the mean money of twenty days."""
    data, config = panel(), BacktestConfig.of(EQUITIES)
    result = backtest(np.random.default_rng(2).normal(size=data.shape), Bars.of(data, EQUITIES, config))
    money = (
        pd.DataFrame(data["close"] * data["volume"]).rolling(20).mean().to_numpy()[result.first :][: len(result.net)]
    )
    change = np.abs(np.diff(np.vstack([np.zeros(6), result.weights]), axis=0))
    rooms = [0.01 * money[t, s] / change[t, s] for t, s in zip(*np.nonzero(change > 1e-12), strict=True)]
    wanted = np.quantile([room for room in rooms if np.isfinite(room)], 0.05)
    assert capacity(result, data, EQUITIES) == pytest.approx(wanted, rel=1e-9)


def test_all_of_it_on_one_factor() -> None:
    """Numbers of a worthless factor; without volume there is no capacity; without values nothing but NaN."""
    data = panel()
    found = detailed_measures(np.random.default_rng(3).normal(size=data.shape), Bars.of(data, EQUITIES)).to_row()
    assert np.isfinite(list(found.values())).all() and 0.3 < found["ic_positive"] < 0.7 and abs(found["beta"]) < 0.3
    bare = Panel(data.timestamps, data.symbols, {"close": data["close"]})
    assert np.isnan(
        detailed_measures(np.random.default_rng(3).normal(size=data.shape), Bars.of(bare, EQUITIES)).to_row()[
            "capacity"
        ]
    )
    empty = detailed_measures(np.full(data.shape, np.nan), Bars.of(data, EQUITIES)).to_row()
    assert all(np.isnan(value) for value in empty.values())
