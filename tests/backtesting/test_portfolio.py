"""Trades happen a bar after the decision, pay from the first entry, and drift in between."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import (
    BacktestConfig,
    Bars,
    ExecutionBars,
    backtest,
    bar_returns,
    forward_returns,
    funding_payments,
    hold,
    trades,
)
from alpha_pipeline.backtesting.bar_ranks import ranks
from alpha_pipeline.backtesting.portfolio import decision_bars
from alpha_pipeline.backtesting.positions import (
    long_only_weights,
    quantile_weights,
    rank_weights,
    time_series_weights,
)
from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.market.panel import Panel

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

    Bar 1 to 2: A +10 %, C -10 %: gross 0.10, the entry cost 0.001. Bar 2: weights drifted to 0.55 and -0.45 of
    an equity of 1.099, pulled back to a half; and so on.
    """
    result = backtest(A_OVER_C, Bars.of(panel(PRICES), CRYPTO, TEN_BPS))
    assert result.first == 1
    second = (0.55 / 1.099 - 0.5) + (0.5 - 0.45 / 1.099)
    equity = 1.1 - second * 0.001
    traded = [1.0, second, (0.55 / equity - 0.5) + (0.5 - 0.45 / equity)]
    np.testing.assert_allclose(result.gross, [0.10, 0.10, 0.0], atol=1e-12)
    np.testing.assert_allclose(result.turnover, np.array(traded) / 2, atol=1e-12)
    np.testing.assert_allclose(result.net, result.gross - np.array(traded) * 0.001, atol=1e-12)


def test_the_close_that_formed_the_signal_is_never_traded() -> None:
    """A factor equal to its own bar's return earns nothing from that return."""
    jumps = panel([[100, 100, 100], [150, 100, 50], [150, 100, 50], [150, 100, 50]])
    same_bar = np.vstack([np.full(3, np.nan), [0.5, 0.0, -0.5], np.zeros(3), np.zeros(3)])
    assert np.abs(backtest(same_bar, Bars.of(jumps, CRYPTO, FREE)).gross).max() == 0


def test_the_next_open_is_the_fill_where_there_is_one() -> None:
    """Prices of a trade come from the open, not the close."""
    opens = panel(PRICES, field="open")
    closes = Panel(opens.timestamps, opens.symbols, {"close": np.ones((5, 3)), "open": opens["open"]})
    np.testing.assert_allclose(backtest(A_OVER_C, Bars.of(closes, CRYPTO, FREE)).gross, [0.10, 0.10, 0.0], atol=1e-12)


def test_a_move_through_a_gap_is_booked_when_prices_resume() -> None:
    """A halt that ends 40 % lower loses 40 % of the weight, and nothing is traded meanwhile."""
    halted = panel([[100, 100, 100], [100, 100, 100], [np.nan, 100, 100], [60, 100, 100], [60, 100, 100]])
    result = backtest(A_OVER_C, Bars.of(halted, CRYPTO, FREE))
    np.testing.assert_allclose(result.gross, [0.0, -0.2, 0.0], atol=1e-12)
    assert result.turnover[1] == 0


@pytest.mark.parametrize(("delisting_return", "lost"), [(0.0, 0.0), (-1.0, -0.5)])
def test_a_symbol_that_ends_is_closed_at_the_stated_return(delisting_return: float, lost: float) -> None:
    """After its last price the position earns the delisting return once and is gone."""
    ended = panel([[100, 100, 100]] * 3 + [[np.nan, 100, 100]] * 3)
    config = replace(FREE, delisting_return=delisting_return)
    result = backtest(np.tile([3.0, 2.0, 1.0], (6, 1)), Bars.of(ended, CRYPTO, config))
    np.testing.assert_allclose(result.gross, [0.0, lost, 0.0, 0.0], atol=1e-12)
    assert (result.weights[2:, 0] == 0).all()


def test_a_symbol_that_begins_later_is_not_held_before() -> None:
    """No price, no weight; afterwards like any other."""
    late = panel([[np.nan, 100, 100]] * 3 + [[100, 100, 100]] * 3)
    result = backtest(np.tile([3.0, 2.0, 1.0], (6, 1)), Bars.of(late, CRYPTO, FREE))
    assert (result.weights[:2, 0] == 0).all()
    assert (result.weights[2:, 0] == 0.5).all()
    assert np.isfinite(result.net).all()
    assert np.isfinite(result.turnover).all()


def test_an_independent_ledger_of_cash_and_shares_agrees() -> None:
    """Shares bought and sold one order at a time, costs and funding taken from cash: equal to 1e-9."""
    rng = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (200, 6)), axis=0))
    prices = Panel(
        pd.date_range("2019", periods=200, freq="h").to_numpy("datetime64[us]"), tuple("ABCDEF"), {"close": close}
    )
    values, paid = rng.normal(size=(200, 6)), rng.normal(0, 1e-4, (200, 6))
    config = BacktestConfig(10, 5, 300, rebalance_bars=5, quantile=0.34, mode="rank")
    result = backtest(values, Bars.of(prices, CRYPTO, config, paid))
    decided = np.flatnonzero(decision_bars(prices.timestamps, 5, CRYPTO))
    cash, shares, equity = 1.0, np.zeros(6), [1.0]
    for t in range(199):
        worth = cash + float(shares @ close[t])
        cost = 0.0
        if t - 1 in decided:
            order = rank_weights(ranks(values[t - 1 : t]), 0.5)[0] * worth / close[t] - shares
            cost = float(np.abs(order * close[t]).sum()) * 15 / 10_000
            cash, shares = cash - float(order @ close[t]), shares + order
        held = shares * close[t]
        cost += float(held @ paid[t]) + float(np.maximum(-held, 0).sum()) * 300 / 10_000 / 8760
        cash -= cost
        equity.append(cash + float(shares @ close[t + 1]))
    ledger = np.array(equity[1:]) / np.array(equity[:-1]) - 1
    np.testing.assert_allclose(result.net, ledger[result.first :], atol=1e-9)


def test_a_book_that_loses_everything_stays_empty() -> None:
    """A short that triples wipes the equity out; nothing comes after."""
    squeezed = panel([[100, 100, 100], [100, 100, 100], [100, 100, 400], [100, 100, 50], [100, 100, 50]])
    net = backtest(A_OVER_C, Bars.of(squeezed, CRYPTO, FREE)).net
    assert net.tolist() == [-1.0, 0.0, 0.0]


def test_funding_is_paid_by_who_holds_at_the_stamp() -> None:
    """At 8, 4 and 1 hours: longs pay a positive rate, shorts receive it, the bar that ends at the stamp holds."""
    times = pd.date_range("2019-01-01 01:00", periods=24, freq="h")
    flat = Panel(times.to_numpy("datetime64[us]"), tuple("ABC"), {"close": np.full((24, 3), 100.0)})
    events = pd.concat(
        pd.DataFrame(
            {"timestamp": pd.date_range("2019-01-01", periods=30, freq=f"{hours}h", tz="UTC"), "symbol": symbol}
        )
        for symbol, hours in (("A", 8), ("B", 4), ("C", 1), ("unknown", 1))
    ).assign(funding=0.001)
    paid = funding_payments(events, flat, "close")
    assert [np.flatnonzero(paid[:, c]).tolist() for c in (0, 1)] == [[6, 14, 22], [2, 6, 10, 14, 18, 22]]
    assert np.flatnonzero(funding_payments(events, flat, "open")[:, 0]).tolist() == [7, 15, 23]
    revised = pd.concat([events.assign(available_at=0), events.iloc[1:2].assign(available_at=1, funding=0.004)])
    np.testing.assert_allclose(funding_payments(revised, flat, "close").sum(), paid.sum() + 0.003)
    result = backtest(np.tile([3.0, 2.0, 1.0], (24, 1)), Bars.of(flat, CRYPTO, replace(FREE, fill="close"), paid))
    # From bar 1 to bar 22: A (long) pays at rows 6, 14, 22; C (short) is paid at each of 22 rows.
    assert result.net.sum() == pytest.approx(0.5 * 0.001 * (22 - 3), rel=1e-2)


def test_the_trades_add_up() -> None:
    """Orders times the cost are what net lacks of gross; sides and sizes follow the weights."""
    rng = np.random.default_rng(1)
    prices = panel((100 * np.exp(np.cumsum(rng.normal(0, 0.01, (40, 3)), axis=0))).tolist())
    config = BacktestConfig(10, 5, 0, rebalance_bars=4, quantile=0.34)
    result = backtest(rng.normal(size=(40, 3)), Bars.of(prices, CRYPTO, config))
    orders = trades(result, prices, config)
    assert orders["weight_change"].abs().sum() == pytest.approx(2 * result.turnover.sum())
    assert (result.gross - result.net).sum() == pytest.approx(orders["weight_change"].abs().sum() * 15 / 10_000)
    assert set(orders.loc[orders["weight_change"] > 0, "side"]) == {"BUY"}
    assert orders["notional"].iloc[0] == pytest.approx(orders["weight_change"].iloc[0] * 100_000)


def test_impact_grows_with_capital() -> None:
    """A hundred times the capital costs ten times the impact."""
    rng = np.random.default_rng(2)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (400, 5)), axis=0))
    times = pd.date_range("2019", periods=400, freq="h").to_numpy("datetime64[us]")
    prices = Panel(times, tuple("ABCDE"), {"close": close, "volume": np.full((400, 5), 1e4)})
    values = rng.normal(size=(400, 5))

    def cost(capital: float) -> float:
        config = BacktestConfig(0, 0, 0, rebalance_bars=1, impact=1.0, capital=capital)
        result = backtest(values, Bars.of(prices, CRYPTO, config))
        return float((result.gross - result.net).sum())

    assert cost(1e6) == pytest.approx(10 * cost(1e4), rel=0.05)
    assert cost(1e4) > 0


def test_borrowing_costs_the_short_side() -> None:
    """Half short for a year of bars costs half the yearly rate."""
    flat = panel([[100, 100, 100]] * 102)
    config = BacktestConfig(0, 0, borrow_bps_per_year=100, rebalance_bars=1, quantile=0.34)
    result = backtest(
        np.tile([3.0, 2.0, 1.0], (102, 1)), Bars.of(flat, replace(CRYPTO, periods_per_year=100.0), config)
    )
    assert result.net.sum() == pytest.approx(-0.5 * 0.01)


def test_given_weights_pay_for_borrowing() -> None:
    """A quarter short for half a year of bars costs an eighth of the yearly rate."""
    flat = panel([[100, 100, 100]] * 52)
    config = BacktestConfig(0, 0, borrow_bps_per_year=100, rebalance_bars=1)
    execution = ExecutionBars.of(Bars.of(flat, replace(CRYPTO, periods_per_year=100.0), config))
    result = hold(np.array([[0.5, 0.0, -0.25]]), np.array([0]), execution)
    assert len(result.net) == 50 and result.net.sum() == pytest.approx(-0.25 * 0.5 * 0.01, rel=1e-3)


def test_rebalancing_less_often_trades_less_often() -> None:
    """Between rebalances nothing is traded; hours are counted from the clock, not from where the panel starts."""
    rng = np.random.default_rng(0)
    prices = panel((100 * np.exp(np.cumsum(rng.normal(0, 0.01, (50, 3)), axis=0))).tolist())
    config = BacktestConfig(10, 5, 0, rebalance_bars=10, quantile=0.34)
    result = backtest(rng.normal(size=(50, 3)), Bars.of(prices, CRYPTO, config))
    traded = result.turnover > 0
    assert traded.sum() == 5
    assert (np.diff(np.flatnonzero(traded)) == 10).all()


@pytest.mark.parametrize("start", ["2019-01-01 00:00", "2019-01-01 07:00", "2019-03-02 23:00"])
def test_days_of_hours_are_decided_at_midnight(start: str) -> None:
    """Wherever the panel starts; a missing midnight is decided by the last bar before it."""
    times = pd.date_range(start, periods=100, freq="h").to_numpy("datetime64[us]")
    decided = decision_bars(times, 24, CRYPTO)
    assert set(pd.DatetimeIndex(times[decided]).hour) == {0}
    gone = times[~decided]
    assert set(pd.DatetimeIndex(gone[decision_bars(gone, 24, CRYPTO)]).hour) == {23}


def test_sessions_are_anchored_to_the_calendar() -> None:
    """Every fifth session is the last of its week; before a holiday on a Friday it is the Thursday."""
    sessions = pd.bdate_range("2019-01-01 21:00", periods=12)
    decided = sessions[decision_bars(sessions.to_numpy("datetime64[us]"), 5, EQUITIES)]
    assert decided.strftime("%m-%d").tolist() == ["01-04", "01-11"]
    shortened = sessions.delete(3)  # Friday, January 4
    decided = shortened[decision_bars(shortened.to_numpy("datetime64[us]"), 5, EQUITIES)]
    assert decided.strftime("%m-%d").tolist() == ["01-03", "01-11"]


@pytest.mark.parametrize(("market", "freq"), [(EQUITIES, "B"), (CRYPTO, "D"), (CRYPTO, "7D"), (CRYPTO, "h")])
@pytest.mark.parametrize("rebalance_bars", [2, 5, 21])
def test_decision_bars_do_not_depend_on_the_panel(market: Market, freq: str, rebalance_bars: int) -> None:
    """Neither more history nor a sliding window moves them."""
    times = pd.date_range("2018-01-01 21:00", periods=150, freq=freq).to_numpy("datetime64[us]")
    expected = decision_bars(times, rebalance_bars, market)
    assert expected.sum() > 5
    for start in range(30):
        window = decision_bars(times[start : start + 100], rebalance_bars, market)
        np.testing.assert_array_equal(window, expected[start : start + 100])


@pytest.mark.parametrize("symbols", [3, 4, 5, 7, 10, 100])
def test_legs_are_equal_and_neutral(symbols: int) -> None:
    """As many longs as shorts, half a unit each, nothing in the middle."""
    values = np.random.default_rng(symbols).normal(size=(6, symbols))
    weights = quantile_weights(ranks(values), 0.2, 1.0)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(weights).sum(axis=1), 1)
    assert ((weights > 0).sum(axis=1) == (weights < 0).sum(axis=1)).all()
    assert (weights[np.arange(6), values.argmax(axis=1)] > 0).all()


def test_absent_symbols_and_narrow_bars_have_no_weight() -> None:
    """NaN values get 0; fewer than three symbols give an empty book."""
    weights = quantile_weights(ranks(np.array([[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, np.nan, np.nan]])), 0.34, 1.0)
    np.testing.assert_allclose(weights, [[-0.5, 0, 0.5, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1, -1, -1], [0.25, 0.25, -0.25, -0.25]),
        ([5, 5, 5, 5], [0, 0, 0, 0]),
        ([2, 0, 0, 0], [0.5, -1 / 6, -1 / 6, -1 / 6]),
        ([3, 2, 1, 0], [0.5, 0, 0, -0.5]),
    ],
)
def test_ties_share_the_places_of_a_leg(values: list[float], expected: list[float]) -> None:
    """A factor of two values is traded too: who is tied across the edge gets an equal share."""
    np.testing.assert_allclose(
        quantile_weights(ranks(np.array([values], dtype=float)), 0.25, 1.0)[0], expected, atol=1e-12
    )


def test_ties_are_the_average_of_all_ways_to_break_them() -> None:
    """Weights of a tied bar equal the mean over random orders of the ties."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.integers(0, 4, (1, 11)).astype(float)
        broken = [quantile_weights(ranks(values + 1e-6 * rng.random((1, 11))), 0.3, 1.0) for _ in range(4000)]
        np.testing.assert_allclose(quantile_weights(ranks(values), 0.3, 1.0), np.mean(broken, axis=0), atol=0.012)


def test_other_books() -> None:
    """Rank weights are neutral and spread over all; long only holds the top alone, fully invested."""
    values = np.array([[4.0, 3.0, 2.0, 1.0, np.nan]])
    np.testing.assert_allclose(rank_weights(ranks(values), 1.0), [[0.375, 0.125, -0.125, -0.375, 0]])
    np.testing.assert_allclose(long_only_weights(ranks(values), 0.5, 1.0), [[0.5, 0.5, 0, 0, 0]])
    np.testing.assert_allclose(long_only_weights(ranks(values), 0.25, 0.2), [[0.2, 0, 0, 0, 0]])


@pytest.mark.parametrize("mode", ["quantile", "rank", "long_only", "time_series"])
def test_the_gross_target_scales_the_book_up_to_the_cap(mode: str) -> None:
    """Twice the book is twice the weights, each at most the cap; no target at all is refused."""
    rng = np.random.default_rng(3)
    times = pd.date_range("2019-01-01", periods=120, freq="D").to_numpy("datetime64[us]")
    data = Panel(times, tuple("ABCDEFGH"), {"close": 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (120, 8)), axis=0))})
    values = rng.normal(size=(120, 8))
    plain = BacktestConfig(1, 0, 0, rebalance_bars=1, mode=mode, max_weight=1.0, window_bars=20)  # type: ignore[arg-type]
    one = backtest(values, Bars.of(data, EQUITIES, plain)).weights
    two = backtest(values, Bars.of(data, EQUITIES, replace(plain, gross=2.0, max_weight=0.3))).weights
    np.testing.assert_allclose(two, np.clip(2 * one, -0.3, 0.3), atol=1e-15)
    with pytest.raises(SettingError, match="gross"):
        replace(plain, gross=0.0)


def test_one_symbol_is_traded_against_its_own_past() -> None:
    """Tanh of the rolling z-score as pandas has it; nothing during the warm-up."""
    x = np.random.default_rng(0).normal(size=(80, 1))
    rolling = pd.Series(x[:, 0]).rolling(20)
    oracle = np.tanh((x[:, 0] - rolling.mean()) / rolling.std()).fillna(0.0)
    np.testing.assert_allclose(time_series_weights(x, 20, 1.0)[:, 0], oracle)
    single = Panel(
        pd.date_range("2019", periods=80, freq="h").to_numpy("datetime64[us]"), ("A",), {"close": np.exp(x / 100)}
    )
    config = BacktestConfig(1, 0, 0, rebalance_bars=1, mode="time_series", window_bars=20, max_weight=1.0)
    assert backtest(x, Bars.of(single, CRYPTO, config)).first == 20


def test_forward_returns_start_after_the_decision() -> None:
    """Decision at t, fill at t + 1, out at t + 1 + horizon; unknown futures are NaN."""
    one = Panel(panel(PRICES).timestamps, ("A",), {"close": np.array([[1.0], [2.0], [4.0], [8.0], [8.0]])})
    np.testing.assert_allclose(forward_returns(one, 2)[:, 0], [3.0, 1.0, np.nan, np.nan, np.nan])
    np.testing.assert_allclose(bar_returns(one)[:, 0], [1, 1, 1, 0, np.nan])


def test_misfits_are_refused() -> None:
    """Shapes and settings that cannot work are named."""
    with pytest.raises(DataError, match="shape"):
        backtest(A_OVER_C[:3], Bars.of(panel(PRICES), CRYPTO, FREE))
    with pytest.raises(SettingError, match="quantile"):
        BacktestConfig(1, 1, 0, 1, quantile=0.9)
    with pytest.raises(SettingError, match="mode"):
        BacktestConfig(1, 1, 0, 1, mode="martingale")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="delay_bars"):
        BacktestConfig(1, 1, 0, 1, delay_bars=0)
    with pytest.raises(DataError, match="volume"):
        backtest(A_OVER_C, Bars.of(panel(PRICES), CRYPTO, replace(FREE, impact=1.0)))
    with pytest.raises(DataError, match="at least 1"):
        forward_returns(panel(PRICES), 0)


def test_hours_of_an_exchange_are_decided_with_their_session() -> None:
    """Every seventh hour is the last of a session, holidays or not; by the clock it would be any hour."""
    times = ("15:30", "16:30", "17:30", "18:30", "19:30", "20:30", "21:00")
    hours = [f"2024-01-{day} {time}" for day in (16, 17, 18, 22) for time in times]
    stamps = pd.DatetimeIndex(hours).to_numpy("datetime64[us]")
    market = replace(EQUITIES, bar="1h", bars_per_session=7.0)
    assert np.flatnonzero(decision_bars(stamps, 7, market)).tolist() == [6, 13, 20, 27]
    assert np.flatnonzero(decision_bars(stamps[3:], 7, market)).tolist() == [3, 10, 17, 24]


@pytest.mark.parametrize("mark", ["carried", "no volume"])
def test_no_order_executes_without_a_trade(mark: str) -> None:
    """
    A has a price at bar 1 that nobody traded at: its order lapses there, as without a price; C is traded.

    Its position is entered at bar 2 and earns from there on.
    """
    whole = panel(PRICES)
    volume, carried = np.ones((5, 3)), np.zeros((5, 3), bool)
    volume[1, 0], carried[1, 0] = (1.0, True) if mark == "carried" else (0.0, False)
    prices = replace(whole, fields={**whole.fields, "volume": volume}, carried=carried)
    result = backtest(A_OVER_C, Bars.of(prices, CRYPTO, FREE))
    missing = replace(whole, fields={"close": np.where((volume == 0) | carried, np.nan, whole["close"])})
    np.testing.assert_allclose(result.weights[0], [0, 0, -0.5])
    np.testing.assert_allclose(result.gross, [0.05, 0.10, 0.0], atol=1e-12)
    np.testing.assert_allclose(result.weights, backtest(A_OVER_C, Bars.of(missing, CRYPTO, FREE)).weights)
    orders = trades(result, prices, FREE)
    assert not ((orders["symbol"] == "A") & (orders["timestamp"] == pd.Timestamp("2019-01-01 01:00", tz="UTC"))).any()


def test_a_decision_that_cannot_be_filled_has_no_label() -> None:
    """The entry is a carried bar: NaN; an exit there counts at the carried price."""
    whole = panel([[100.0], [110.0], [110.0], [121.0], [121.0]])
    prices = replace(whole, carried=np.array([[False], [False], [True], [False], [False]]))
    np.testing.assert_allclose(forward_returns(prices, 1)[:, 0], [0.0, np.nan, 0.0, np.nan, np.nan], atol=1e-12)


def test_a_position_is_held_through_carried_bars() -> None:
    """Nothing is earned in the gap, and the whole move where prices resume."""
    whole = panel([[100.0], [110.0], [110.0], [110.0], [121.0]])
    prices = replace(whole, carried=np.array([[False], [False], [True], [True], [False]]))
    np.testing.assert_allclose(bar_returns(prices)[:4, 0], [0.10, 0.0, 0.0, 0.10])
