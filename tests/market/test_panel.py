"""Panels from long tables, and point-in-time joins."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.panel import Panel, align

HOURS = pd.date_range("2019-01-01 01:00", periods=4, freq="h", tz="UTC").as_unit("us")


def bars(symbols: tuple[str, ...] = ("A", "B")) -> pd.DataFrame:
    rows = [(t, s, t, 10.0 * (i + 1) + j) for i, t in enumerate(HOURS) for j, s in enumerate(symbols)]
    return pd.DataFrame(rows, columns=["timestamp", "symbol", "available_at", "close"])


def test_a_panel_and_its_table_are_the_same_data() -> None:
    """The round trip loses nothing in any row order."""
    table = bars().drop(columns="available_at")
    shuffled = table.sample(frac=1.0, random_state=1)
    back = Panel.from_table(shuffled).to_table()
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


def test_a_missing_cell_is_nan_and_an_empty_field_is_absent() -> None:
    """NaN where a symbol has no bar; a column without any value is no field."""
    table = bars().drop(index=3).assign(open=np.nan)
    panel = Panel.from_table(table)
    assert set(panel.fields) == {"close"}
    assert np.isnan(panel["close"][1, 1])


def test_a_repeated_key_is_refused_with_its_place() -> None:
    """One value per bar and symbol."""
    table = pd.concat([bars(), bars().iloc[[2]]])
    with pytest.raises(DataError, match=r"2019-01-01 02:00.* A\) occurs more than once"):
        Panel.from_table(table)


def test_cutting_by_time_uses_closes() -> None:
    """`until` includes the bar closing at that moment, `after` does not."""
    panel = Panel.from_table(bars())
    assert panel.until(HOURS[1]).shape == (2, 2)
    assert panel.after(HOURS[1]).shape == (2, 2)
    assert panel.until(HOURS[1] - pd.Timedelta(1, "us")).shape == (1, 2)


def test_a_value_is_used_from_the_first_close_after_it_is_available() -> None:
    """By `available_at`, not by event time; older than the maximum age is NaN."""
    fact = pd.DataFrame(
        {
            "timestamp": [HOURS[0], HOURS[1]],
            "symbol": ["A", "A"],
            "available_at": [HOURS[1], HOURS[1] + pd.Timedelta(minutes=1)],
            "funding": [0.1, 0.2],
        }
    )
    panel = Panel.from_table(align(bars(), {"funding": fact}, pd.Timedelta(hours=1)))
    np.testing.assert_array_equal(panel["funding"][:, 0], [np.nan, 0.1, 0.2, np.nan])
    assert np.isnan(panel["funding"][:, 1]).all()


def fact(rows: list[tuple[int, int, float]], name: str = "tvl") -> pd.DataFrame:
    """Rows of symbol A: hour of the event, hour it became available, value."""
    columns = zip(*((HOURS[event], "A", HOURS[available], value) for event, available, value in rows), strict=True)
    return pd.DataFrame(dict(zip(["timestamp", "symbol", "available_at", name], columns, strict=True)))


def test_a_revision_is_used_while_its_event_is_the_newest() -> None:
    """A bar has the newest event available by its close, in its latest version."""
    revised = fact([(0, 0, 1.0), (0, 1, 1.5), (2, 2, 2.0), (0, 3, 9.0)])
    panel = Panel.from_table(align(bars(), {"onchain": revised}, pd.Timedelta(days=1)))
    np.testing.assert_array_equal(panel["tvl"][:, 0], [1.0, 1.5, 2.0, 2.0])


def test_values_of_one_kind_have_separate_timestamps() -> None:
    """A row with one of two values does not hide the other."""
    both = pd.concat([fact([(0, 0, 1.0)]), fact([(1, 1, 5.0)], "netflow")])
    panel = Panel.from_table(align(bars(), {"onchain": both}, pd.Timedelta(days=1)))
    np.testing.assert_array_equal(panel["tvl"][:, 0], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(panel["netflow"][:, 0], [np.nan, 5.0, 5.0, 5.0])


def test_a_bar_available_after_its_close_is_dropped() -> None:
    """No decision at that close could use it."""
    late = bars()
    late.loc[0, "available_at"] = HOURS[2]
    assert len(align(late, {}, pd.Timedelta(0))) == len(late) - 1


def test_two_sources_cannot_have_the_same_field() -> None:
    """Equal names are refused, not resolved by order."""
    fact = bars().rename(columns={"close": "close"})
    with pytest.raises(DataError, match=r"'twice' has the columns \['close'\]"):
        align(bars(), {"twice": fact}, pd.Timedelta(hours=1))


def test_bar_numbers_do_not_depend_on_the_first_bar() -> None:
    """Slices and later loads of evenly spaced bars have the same numbers, so their windows share blocks."""
    times = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC")
    table = pd.DataFrame({"timestamp": times, "symbol": "A", "close": np.arange(48.0)})
    full, later = Panel.from_table(table), Panel.from_table(table[30:])
    assert full.rows(30, None).origin == later.origin == full.origin + 30
    assert full.rows(-5, None).origin == full.origin + 43


def test_prices_before_a_split_are_adjusted_once() -> None:
    """Bars stored before a split are adjusted; bars the vendor has adjusted already stay."""
    moments = HOURS.tz_localize(None).to_numpy("datetime64[us]")
    close = np.array([[400.0, 100.0], [404.0, 101.0], [101.0, 102.0], [102.0, 103.0]])
    split = np.zeros((4, 2))
    split[2] = 4.0  # both split four for one; the vendor has adjusted the second symbol
    panel = Panel(moments, ("A", "B"), {"close": close, "volume": np.full((4, 2), 8.0), "split": split})
    now = panel.until(HOURS[3])
    np.testing.assert_allclose(now["close"][:, 0], [100.0, 101.0, 101.0, 102.0])
    np.testing.assert_allclose(now["volume"][:, 0], [32.0, 32.0, 8.0, 8.0])
    np.testing.assert_array_equal(now["close"][:, 1], close[:, 1])
    np.testing.assert_array_equal(panel.until(HOURS[1])["close"], close[:2])  # not before the split
    np.testing.assert_array_equal(panel["close"], close)
    np.testing.assert_allclose(now.until(HOURS[3])["close"], now["close"])


def test_the_age_of_a_value_is_that_of_its_event() -> None:
    """A late revision of an old event is not used: a panel of fewer days of data is the same."""
    facts = fact([(1, 1, 5.0), (0, 3, 7.0)])
    few = facts[facts["available_at"] == HOURS[3]]
    for table in (facts, few):
        panel = align(bars(("A",)), {"onchain": table}, pd.Timedelta(hours=1))
        assert np.isnan(panel["tvl"].iloc[-1])


def test_a_split_without_a_close_is_compared_with_the_next_close() -> None:
    """The jump is between the last price before the split and the first one after it."""
    moments = pd.date_range("2026-11-02", periods=4, freq="D").to_numpy("datetime64[us]")
    close = np.array([[80.0], [80.0], [np.nan], [20.0]])
    split = np.array([[0.0], [0.0], [4.0], [0.0]])
    panel = Panel(moments, ("A",), {"close": close, "split": split}).until(pd.Timestamp("2026-11-09", tz="UTC"))
    np.testing.assert_allclose(panel["close"][:, 0], [20.0, 20.0, np.nan, 20.0])
