"""Trades happen a bar after the decision, pay from the first entry, and drift in between."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtest import BacktestConfig, backtest, bar_returns, forward_returns
from alpha_pipeline.backtest.positions import quantile_weights
from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.panel import Panel

FREE = BacktestConfig(0, 0, 0, rebalance_bars=1, quantile=0.34)
TEN_BPS = BacktestConfig(10, 0, 0, rebalance_bars=1, quantile=0.34)


def panel(prices: list[list[float]], field: str = "close") -> Panel:
    values = np.array(prices, dtype=float)
    times = pd.date_range("2019-01-01", periods=len(values), freq="h").to_numpy("datetime64[us]")
    return Panel(times, tuple("ABC"[: values.shape[1]]), {"close": values, field: values})


PRICES = [[100, 100, 100], [100, 100, 100], [110, 100, 90], [121, 100, 81], [121, 100, 81]]
A_OVER_C = np.tile([3.0, 2.0, 1.0], (5, 1))


def test_a_hand_computed_ledger() -> None:
    """
    Decided at bar 0, filled at bar 1 at half long A, half short C.

    Bar 1 to 2: A +10 %, C -10 %: gross 0.10. Bar 2: weights drifted to 0.5 and -0.409, pulled back; and so on.
    """
    result = backtest(A_OVER_C, panel(PRICES), TEN_BPS, 8760.0)
    assert result.first == 1
    drifted_long, drifted_short = 0.5 * 1.1 / 1.1, -0.5 * 0.9 / 1.1
    traded = [1.0, abs(0.5 - drifted_long) + abs(-0.5 - drifted_short)]
    traded.append(traded[1])
    np.testing.assert_allclose(result.gross, [0.10, 0.10, 0.0], atol=1e-12)
    np.testing.assert_allclose(result.turnover, np.array(traded) / 2, atol=1e-12)
    np.testing.assert_allclose(result.net, result.gross - np.array(traded) * 0.001, atol=1e-12)


def test_the_close_that_formed_the_signal_is_never_traded() -> None:
    """A factor equal to its own bar's return earns nothing from that return."""
    jumps = panel([[100, 100, 100], [150, 100, 50], [150, 100, 50], [150, 100, 50]])
    same_bar = np.vstack([np.full(3, np.nan), [0.5, 0.0, -0.5], np.zeros(3), np.zeros(3)])
    assert np.abs(backtest(same_bar, jumps, FREE, 8760.0).gross).max() == 0


def test_the_next_open_is_the_fill_where_there_is_one() -> None:
    """Prices of a trade come from the open, not the close."""
    opens = panel(PRICES, field="open")
    closes = Panel(opens.timestamps, opens.symbols, {"close": np.ones((5, 3)), "open": opens["open"]})
    np.testing.assert_allclose(backtest(A_OVER_C, closes, FREE, 8760.0).gross, [0.10, 0.10, 0.0], atol=1e-12)


def test_a_gap_earns_nothing_and_breaks_nothing() -> None:
    """A missing price is a return of zero for its weight, not a NaN of the book."""
    prices = [row[:] for row in PRICES]
    prices[2][0] = np.nan
    assert np.isfinite(backtest(A_OVER_C, panel(prices), TEN_BPS, 8760.0).net).all()


def test_borrowing_costs_the_short_side() -> None:
    """Half short for a year of bars costs half the yearly rate."""
    flat = panel([[100, 100, 100]] * 102)
    config = BacktestConfig(0, 0, borrow_bps_per_year=100, rebalance_bars=1, quantile=0.34)
    result = backtest(np.tile([3.0, 2.0, 1.0], (102, 1)), flat, config, periods_per_year=100.0)
    assert result.net.sum() == pytest.approx(-0.5 * 0.01)


def test_rebalancing_less_often_trades_less_often() -> None:
    """Between rebalances nothing is traded."""
    rng = np.random.default_rng(0)
    prices = panel((100 * np.exp(np.cumsum(rng.normal(0, 0.01, (50, 3)), axis=0))).tolist())
    config = BacktestConfig(10, 5, 0, rebalance_bars=10, quantile=0.34)
    traded = backtest(rng.normal(size=(50, 3)), prices, config, 8760.0).turnover > 0
    assert traded.sum() == 4
    assert (np.diff(np.flatnonzero(traded)) == 10).all()


@pytest.mark.parametrize("symbols", [3, 4, 5, 7, 10, 100])
def test_legs_are_equal_and_neutral(symbols: int) -> None:
    """As many longs as shorts, half a unit each, nothing in the middle."""
    values = np.random.default_rng(symbols).normal(size=(6, symbols))
    weights = quantile_weights(values, 0.2, 1.0)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(weights).sum(axis=1), 1)
    assert ((weights > 0).sum(axis=1) == (weights < 0).sum(axis=1)).all()
    assert (weights[np.arange(6), values.argmax(axis=1)] > 0).all()


def test_absent_symbols_and_narrow_bars_have_no_weight() -> None:
    """NaN values get 0; fewer than three symbols give an empty book."""
    weights = quantile_weights(np.array([[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, np.nan, np.nan]]), 0.34, 1.0)
    np.testing.assert_allclose(weights, [[-0.5, 0, 0.5, 0], [0, 0, 0, 0]])


def test_forward_returns_start_after_the_decision() -> None:
    """Decision at t, fill at t + 1, out at t + 1 + horizon; unknown futures are NaN."""
    one = Panel(panel(PRICES).timestamps, ("A",), {"close": np.array([[1.0], [2.0], [4.0], [8.0], [8.0]])})
    np.testing.assert_allclose(forward_returns(one, 2)[:, 0], [3.0, 1.0, np.nan, np.nan, np.nan])
    np.testing.assert_allclose(bar_returns(one)[:, 0], [1, 1, 1, 0, np.nan])


def test_misfits_are_refused() -> None:
    """Shapes and settings that cannot work are named."""
    with pytest.raises(DataError, match="shape"):
        backtest(A_OVER_C[:3], panel(PRICES), FREE, 8760.0)
    with pytest.raises(SettingError, match="quantile"):
        BacktestConfig(1, 1, 0, 1, quantile=0.9)
    with pytest.raises(DataError, match="at least 1"):
        forward_returns(panel(PRICES), 0)
