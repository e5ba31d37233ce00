"""A capital that follows a factor: warm-up before the window, costs in money, nothing after it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import (
    BacktestConfig,
    Bars,
    Segment,
    backtest,
    forward_returns,
    metrics,
    predictive_correlation,
    simulate_account,
)
from alpha_pipeline.backtesting.account import bars_of_days, segment_tail
from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.market.panel import Panel

BARS, WINDOW = 600, Segment(400, 500)


def panel(symbols: int = 1, seed: int = 0) -> Panel:
    """Random walks by the hour; an open near the close before."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, symbols)), axis=0))
    times = pd.date_range("2019-01-01", periods=BARS, freq="h").to_numpy("datetime64[us]")
    opened = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.001, close.shape))
    return Panel(times, tuple("ABCDEF"[:symbols]), {"open": opened, "close": close})


CONFIG = replace(BacktestConfig.of(CRYPTO), mode="time_series", window_bars=20, rebalance_bars=1)


def _hours(count: int) -> np.ndarray:
    return np.datetime64("2022-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")


def test_the_money_adds_up() -> None:
    """Capital, then every bar's net return; profit is before costs less what was paid; fees are those of the orders."""
    p = panel()
    found = simulate_account(-p["close"], Bars.of(p, CRYPTO, CONFIG), WINDOW)
    m = found.measures.to_row()
    assert found.equity[0] == m["capital"] == 100_000
    np.testing.assert_allclose(found.equity[1:] / found.equity[:-1] - 1, found.net, atol=1e-15)
    assert m["final_equity"] == found.equity[-1] and m["profit"] == m["final_equity"] - 100_000
    gained = (found.gross * found.equity[:-1]).sum()
    assert m["profit"] == pytest.approx(gained - m["fees"] - m["carry"])
    assert m["fees"] == pytest.approx((found.orders["notional"].abs() * 0.0015).sum()) and m["carry"] == 0.0
    assert m["orders"] == len(found.orders) and set(found.orders["side"]) == {"BUY", "SELL"}


def test_the_window_starts_flat_and_pays_its_entry() -> None:
    """The first return has the cost of the first order, and no order is older than the window."""
    p = panel()
    found = simulate_account(-p["close"], Bars.of(p, CRYPTO, CONFIG), WINDOW)
    first = found.orders.iloc[0]
    assert first["timestamp"] == found.closes[0] == pd.Timestamp(p.timestamps[400], tz="UTC")
    assert found.gross[0] - found.net[0] == pytest.approx(abs(first["weight_change"]) * 0.0015)


def test_the_past_warms_up() -> None:
    """The first position is the one the longer backtest has at that bar: its z-score looked back beyond the window."""
    p = panel()
    whole = backtest(-p["close"], Bars.of(p, CRYPTO, CONFIG))
    found = simulate_account(-p["close"], Bars.of(p, CRYPTO, CONFIG), WINDOW)
    assert found.orders["weight_change"].iloc[0] == pytest.approx(whole.weights[400 - whole.first, 0], rel=1e-12)
    np.testing.assert_allclose(found.gross, whole.gross[400 - whole.first : 499 - whole.first], rtol=1e-9)


def test_the_future_is_not_read() -> None:
    """Prices and values after the window may be anything."""
    p = panel()
    after = np.arange(BARS) >= WINDOW[1]
    other = replace(p, fields={name: np.where(after[:, None], 1e6, x) for name, x in p.fields.items()})
    one = simulate_account(-p["close"], Bars.of(p, CRYPTO, CONFIG), WINDOW)
    two = simulate_account(-other["close"], Bars.of(other, CRYPTO, CONFIG), WINDOW)
    np.testing.assert_array_equal(one.net, two.net)
    assert one.measures.to_row() == two.measures.to_row()


def test_measures_are_those_of_the_engine() -> None:
    """No second implementation: the same functions on the same returns."""
    p = panel(5)
    found = simulate_account(-p["close"], Bars.of(p, CRYPTO, replace(CONFIG, mode="quantile")), WINDOW)
    m, year = found.measures.to_row(), CRYPTO.periods_per_year
    assert m["sharpe"] == metrics.sharpe(found.net, year) and m["max_drawdown"] == metrics.max_drawdown(found.net)
    assert m["total_return"] == pytest.approx(found.equity[-1] / 100_000 - 1)
    assert m["bars"] == 99  # the last bar is not over: its return is not known
    hold = panel(1)
    one = simulate_account(-hold["close"], Bars.of(hold, CRYPTO, CONFIG), WINDOW)
    assert one.measures.to_row()["hold_return"] == pytest.approx(hold["open"][499, 0] / hold["open"][400, 0] - 1)
    labels = forward_returns(hold.rows(*WINDOW), CRYPTO.horizon_bars)
    expected = predictive_correlation(-hold["close"][slice(*WINDOW)], labels)[0]
    assert one.measures.to_row()["ic"] == expected


def test_nothing_held_is_no_zero() -> None:
    """A factor without values: the capital stays, what is undefined is NaN."""
    p = panel()
    found = simulate_account(np.full((BARS, 1), np.nan), Bars.of(p, CRYPTO, CONFIG), WINDOW)
    assert found.measures.to_row()["final_equity"] == 100_000 and found.measures.to_row()["bars"] == 0
    assert np.isnan([found.measures.to_row()[name] for name in ("sharpe", "sharpe_error", "total_return", "ic")]).all()
    assert found.orders.empty


def test_ruin_ends_the_account() -> None:
    """A short position in a price that triples: the equity is lost, and nothing is charged beyond it."""
    p = panel()
    tripled = np.where(np.arange(BARS) < 450, 1.0, 3.0)[:, None]
    steps = np.where(np.arange(BARS) % 2, 1.001, 1.0)[:, None]
    prices = replace(p, fields={"open": tripled, "close": tripled})
    config = replace(CONFIG, max_weight=1.0, gross=3.0, borrow_bps_per_year=100.0)
    rising = np.arange(BARS, dtype=float)[:, None] * steps
    account = simulate_account(-rising, Bars.of(prices, CRYPTO, config), WINDOW)
    m = account.measures
    assert m.ruined == 1 and m.final_equity == 0.0 and m.profit == -100_000
    assert account.closes[-1] == pd.Timestamp(p.timestamps[449], tz="UTC") and len(account.net) == m.bars
    assert m.annual_return == -1.0 and 0 <= m.carry < 1_000
    assert account.gross.min() >= -1.0


def test_borrow_is_told_apart_from_fees() -> None:
    """What a short position costs is no fee."""
    p = panel()
    dear = replace(CONFIG, borrow_bps_per_year=10_000.0)
    free, paid = (
        simulate_account(-p["close"], Bars.of(p, CRYPTO, config), WINDOW).measures.to_row() for config in (CONFIG, dear)
    )
    assert free["carry"] == 0.0 and paid["carry"] > 0


@pytest.mark.parametrize(("name", "stop"), [("train", 6_975), ("valid", 8_475), ("sealed", 10_000)])
def test_stretches_end_where_the_nights_cut(name: str, stop: int) -> None:
    """The last bars of each part of the last 10,000, gaps left out; older bars are train's."""
    assert segment_tail(_hours(10_000), CRYPTO, name, 720) == (stop - 720, stop)
    assert segment_tail(_hours(15_000), CRYPTO, name, 720) == (stop + 5_000 - 720, stop + 5_000)


def test_no_stretch_runs_into_another() -> None:
    """More days than there are: all of validation, all of the sealed bars, train back to the first bar."""
    assert segment_tail(_hours(10_000), CRYPTO, "valid", 9_000) == (7_024, 8_475)
    assert segment_tail(_hours(10_000), CRYPTO, "sealed", 9_000) == (8_524, 10_000)
    assert segment_tail(_hours(15_000), CRYPTO, "train", 50_000) == (0, 11_975)
    with pytest.raises(DataError):
        segment_tail(_hours(10_000), CRYPTO, "train", 0)
    with pytest.raises(DataError):
        segment_tail(_hours(40), CRYPTO, "train", 10)


def test_days_are_days_of_trading() -> None:
    """24 bars of an hour, one of a session."""
    assert bars_of_days(30, CRYPTO) == 720 and bars_of_days(30, EQUITIES) == 30
    assert bars_of_days(60, replace(EQUITIES, bar="1h", bars_per_session=7.0)) == 420
    assert bars_of_days(30, replace(EQUITIES, bar="1W", bars_per_session=52 / 252)) == 6
