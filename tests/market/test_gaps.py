"""Grids and gaps: every close of the calendar is a row, short gaps are carried, and nothing of it is taken back."""

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_pipeline.market.gaps import carried_bars, carried_note, complete, is_traded, with_history
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, expected_closes
from alpha_pipeline.market.panel import Panel

HOUR = pd.Timedelta(hours=1)
START = pd.Timestamp("2019-06-26 01:00", tz="UTC")
FILES = replace(CRYPTO, max_forward_fill=pd.Timedelta(0))


def bars(hours: dict[str, list[int]]) -> pd.DataFrame:
    """Hourly bars by symbol; the bar of hour h closes at 100 + h and trades h + 1 units."""
    rows = [(START + h * HOUR, symbol, 99.0 + h, 100.0 + h, h + 1.0) for symbol, of in hours.items() for h in of]
    table = pd.DataFrame(rows, columns=["timestamp", "symbol", "open", "close", "volume"])
    return table.assign(available_at=table["timestamp"]).sort_values(["timestamp", "symbol"], ignore_index=True)


def panel(hours: dict[str, list[int]], market: Market = CRYPTO, until: pd.Timestamp | None = None) -> Panel:
    """The completed panel of `bars`."""
    return complete(Panel.from_table(bars(hours).drop(columns="available_at")), market, until)


@st.composite
def holed(draw: st.DrawFn) -> dict[str, list[int]]:
    """Hours that are present, by symbol; at least one of A."""
    present = st.lists(st.booleans(), min_size=40, max_size=40)
    hours = {symbol: [h for h, there in enumerate(draw(present)) if there] for symbol in ("A", "B")}
    return hours if hours["A"] else {"A": [0], "B": hours["B"]}


def test_a_short_gap_has_the_last_close_without_volume() -> None:
    """Open, high, low and close are the last close, the volume is 0, and the bar is marked."""
    full = panel({"A": [0, 1, 4, 5], "B": [0, 1, 2, 3, 4, 5]})
    np.testing.assert_array_equal(full["close"][:, 0], [100, 101, 101, 101, 104, 105])
    np.testing.assert_array_equal(full["open"][:, 0], [99, 100, 101, 101, 103, 104])
    np.testing.assert_array_equal(full["volume"][:, 0], [1, 2, 0, 0, 5, 6])
    assert full.carried is not None
    np.testing.assert_array_equal(full.carried, [[x, False] for x in (False, False, True, True, False, False)])


def test_an_outage_of_all_symbols_is_a_gap() -> None:
    """Five hours without a bar of anybody are five rows, not one long bar; a market that carries nothing has NaN."""
    full = panel({"A": [0, 6], "B": [0, 6]}, FILES)
    assert full.shape == (7, 2) and full.carried is None
    assert np.isnan(full["close"][1:6]).all() and full["close"][6, 0] == 106
    assert full.origin == Panel.from_table(bars({"A": [0, 1]})).origin
    carried = panel({"A": [0, 6], "B": [0, 6]})
    assert (carried["close"][1:6] == 100).all()


def test_a_long_gap_is_carried_for_six_hours() -> None:
    """Nobody knew at the first hour that it would last for ten; the rest stays empty."""
    close = panel({"A": [0, 11]})["close"][:, 0]
    np.testing.assert_array_equal(close, [100] * 7 + [np.nan] * 4 + [111])


def test_nothing_is_carried_before_the_first_bar() -> None:
    """A symbol that is listed later has no price until then."""
    assert np.isnan(panel({"A": list(range(8)), "B": [5, 7]})["close"][:5, 1]).all()


def test_the_last_close_is_carried_up_to_the_end() -> None:
    """A gap that has not ended is one like any other; without `until` the grid ends with the last bar."""
    full = panel({"A": [0, 1]}, until=START + 12 * HOUR)
    np.testing.assert_array_equal(full["close"][:, 0], [100] + [101] * 7 + [np.nan] * 5)
    assert panel({"A": [0, 1]}).shape == (2, 1)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(holed(), st.integers(0, 12))
def test_pandas_carries_the_same(hours: dict[str, list[int]], longest: int) -> None:
    """`reindex` to the hours and `ffill(limit=...)` give the same closes, for every pattern of gaps."""
    table = bars(hours)
    closes = table.pivot(index="timestamp", columns="symbol", values="close").asfreq("h")
    expected = closes.ffill(limit=longest) if longest else closes
    full = panel(hours, replace(CRYPTO, max_forward_fill=longest * HOUR))
    np.testing.assert_array_equal(full["close"], expected.to_numpy())
    carried = np.zeros(full.shape, bool) if full.carried is None else full.carried
    np.testing.assert_array_equal(carried, (expected.notna() & closes.isna()).to_numpy())


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(holed(), st.integers(0, 39))
def test_a_panel_as_of_a_bar_is_the_later_one_up_to_it(hours: dict[str, list[int]], cut: int) -> None:
    """No bar depends on a later one: cut at any close, or made of the bars until then, the panel is the same."""
    moment = START + cut * HOUR
    until_then = {symbol: [h for h in of if h <= cut] for symbol, of in hours.items()}
    if min([h for of in hours.values() for h in of]) >= cut:  # no bar, or one, whose number is not known
        return
    later, then = panel(hours, until=START + 60 * HOUR).until(moment), panel(until_then, until=moment)
    assert later.shape[0] == then.shape[0] and later.origin == then.origin
    for k, symbol in enumerate(then.symbols):
        column = later.symbols.index(symbol)
        for name, values in then.fields.items():
            np.testing.assert_array_equal(values[:, k], later[name][:, column])
        if later.carried is not None:
            carried = np.zeros(then.shape, bool) if then.carried is None else then.carried
            np.testing.assert_array_equal(carried[:, k], later.carried[:, column])


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(holed(), st.integers(1, 39))
def test_history_and_days_join_without_a_seam(hours: dict[str, list[int]], day: int) -> None:
    """Days that were stored one by one, each with its carried bars, are the panel of all bars at once."""
    table, first = bars(hours), START + day * HOUR
    history, recent = table[table["timestamp"] <= first], table[table["timestamp"] > first]
    end = table["timestamp"].max()
    stored = carried_bars(recent, CRYPTO, end).drop(columns="available_at")
    joined, whole = with_history(history, stored, CRYPTO), panel(hours)
    np.testing.assert_array_equal(joined["close"], whole["close"])
    assert (joined.carried is None) == (whole.carried is None)
    if joined.carried is not None and whole.carried is not None:
        np.testing.assert_array_equal(joined.carried, whole.carried)
    np.testing.assert_array_equal(complete(joined, CRYPTO)["close"], joined["close"])


def test_history_and_recent_days_are_one_panel() -> None:
    """Fields of the recent days alone are NaN in the history."""
    table = bars({"A": list(range(8)), "B": list(range(8))})
    old = table["timestamp"] < START + 4 * HOUR
    full = with_history(table[old], table[~old].drop(columns="available_at").assign(funding=0.5), CRYPTO)
    assert full.shape == (8, 2)
    assert np.isnan(full["funding"][:4]).all()
    assert (full["funding"][4:] == 0.5).all()


def test_a_late_bar_is_a_gap() -> None:
    """What became available after its close could not be used there: the carried bar stands."""
    table = bars({"A": [0, 1, 2]})
    table.loc[1, "available_at"] = START + 2 * HOUR
    carried = carried_bars(table, CRYPTO, START + 2 * HOUR)
    assert carried["close"].tolist() == [100, 100, 102] and carried["carried"].tolist() == [0, 1, 0]


def test_carried_marks_survive_a_table() -> None:
    """Stored and read, cut and taken apart, a panel still knows its carried bars; they are no field."""
    full = panel({"A": [0, 1, 4, 5], "B": list(range(6))})
    back = Panel.from_table(full.to_table())
    assert back.carried is not None and full.carried is not None and "carried" not in back.fields
    np.testing.assert_array_equal(back.carried, full.carried)
    narrow = back.rows(2, None).columns([0])
    assert narrow.symbols == ("A",) and narrow.carried is not None
    np.testing.assert_array_equal(narrow.carried[:, 0], [True, True, False, False])


def test_sessions_keep_their_rows() -> None:
    """A session without any bar may be a holiday the calendar does not know; hours within a session are a grid."""
    closes = expected_closes(EQUITIES, pd.Timestamp("2019-07-01", tz="UTC"), pd.Timestamp("2019-07-13", tz="UTC"))
    table = pd.DataFrame({"timestamp": closes.delete(3), "symbol": "A", "close": 1.0})
    assert complete(Panel.from_table(table), EQUITIES).shape == (len(closes) - 1, 1)


def test_bars_between_the_closes_due_keep_their_rows() -> None:
    """Hours by the clock of a session that opens at half past: no row beside them, one for the hour that is missing."""
    market = replace(EQUITIES, bar="1h", max_forward_fill=2 * HOUR)
    day = pd.Timestamp("2019-07-01", tz="UTC")
    by_clock = pd.DatetimeIndex([day + h * HOUR for h in (14, 15, 16, 18, 19, 20, 38, 39)])
    table = pd.DataFrame({"timestamp": by_clock, "symbol": "A", "close": np.arange(8.0)})
    full = complete(Panel.from_table(table), market, day + 39 * HOUR)
    np.testing.assert_array_equal(full["close"][:, 0], [0, 1, 2, 2, 3, 4, 5, 6, 7])
    assert full.timestamps[3] == np.datetime64("2019-07-01T17:30")


def test_the_hours_of_a_session_are_a_grid() -> None:
    """An hour without a bar of anybody is a row, the night is not, nor the half hour that some vendors do not have."""
    market = replace(EQUITIES, bar="1h")
    closes = expected_closes(market, pd.Timestamp("2019-07-01", tz="UTC"), pd.Timestamp("2019-07-04", tz="UTC"))
    table = pd.DataFrame({"timestamp": closes.delete([3, 6]), "symbol": "A", "close": 1.0})
    full = complete(Panel.from_table(table), market)
    np.testing.assert_array_equal(full.timestamps, closes.delete(6).tz_localize(None).to_numpy("datetime64[us]"))
    assert np.flatnonzero(np.isnan(full["close"])).tolist() == [3]


def test_the_week_of_currencies_may_end_in_new_york() -> None:
    """From Sunday evening to Friday evening: no row is missing; an hour of Wednesday is."""
    market = replace(FILES, calendar="24/5")
    week = pd.date_range("2019-06-30 22:00", "2019-07-05 21:00", freq="h", tz="UTC")
    both = week.append(week + pd.Timedelta(days=7))
    out = pd.Timestamp("2019-07-03 12:00", tz="UTC")
    table = pd.DataFrame({"timestamp": both[both != out], "symbol": "A", "close": 1.0})
    full = complete(Panel.from_table(table), market)
    assert full.shape[0] == len(both) and np.isnan(full["close"]).sum() == 1


def test_orders_execute_where_something_was_traded() -> None:
    """Not on carried bars, not without volume, not without a price; unknown volume and volume that is 0 for good do."""
    full = panel({"A": [0, 1, 3], "B": [0, 1, 2, 3], "C": [0, 1, 2, 3]})
    volume = full["volume"].copy()
    volume[:, 1] = [1, 0, np.nan, 1]
    volume[:, 2] = 0
    traded = is_traded(replace(full, fields={**full.fields, "volume": volume}))
    assert traded.T.tolist() == [[True, True, False, True], [True, False, True, True], [True] * 4]
    bare = replace(full, fields={"close": full["close"]})
    assert is_traded(bare)[:, 0].tolist() == [True, True, False, True]


def test_a_split_within_a_gap() -> None:
    """Carried bars have the price before the split, and are adjusted with the bars before them."""
    market = replace(FILES, max_forward_fill=6 * HOUR)
    full = panel({"A": [0, 1, 4, 5]}, market)
    close = np.array([[400.0], [404.0], [404.0], [404.0], [101.0], [102.0]])
    split = np.array([[0.0], [0.0], [4.0], [0.0], [0.0], [0.0]])
    adjusted = replace(full, fields={"close": close, "split": split}).until(START + 5 * HOUR)
    np.testing.assert_allclose(adjusted["close"][:, 0], [100, 101, 101, 101, 101, 102])


def test_the_note_counts_carried_bars() -> None:
    """One line for the user; nothing without gaps."""
    assert carried_note(panel({"A": [0, 3]}), CRYPTO) == "2 bars carried over gaps of up to 6 hours"
    hourly = replace(CRYPTO, max_forward_fill=HOUR)
    assert carried_note(panel({"A": [0, 2]}, hourly), hourly) == "1 bar carried over gaps of up to 1 hour"
    assert carried_note(panel({"A": [0, 1]}), CRYPTO) == ""
