"""Rows that break their contract are left out, each counted once, by its first reason."""

from math import inf, isnan, nan

import pandas as pd
import pytest

from alpha_pipeline.errors import SourceError
from alpha_pipeline.resources.vendors.parsing import in_window, jumps, moments, numbers

HOURS = pd.date_range("2024-03-08", periods=4, freq="1h", tz="UTC")
BAR = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 5.0}


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1.5", 1.5),
        (2, 2.0),
        ("1e3", 1000.0),
        ("-inf", -inf),
        ("x", nan),
        ("", nan),
        (None, nan),
        (True, nan),
        ([1], nan),
    ],
)
def test_cells_become_numbers_or_none(cell: object, number: float) -> None:
    """Text and numbers alike; what is no number is NaN and breaks nothing else."""
    found = numbers([[cell, "7"]], ("a", "b"))
    assert found["b"].tolist() == [7.0]
    assert found["a"].tolist() == [number] or (isnan(number) and found["a"].isna().all())


def test_rows_of_another_length_are_read_as_far_as_they_go() -> None:
    """What is absent is NaN, what is new is left: the vendor may add a column."""
    found = numbers([["1"], ["1", "2", "3"], []], ("a", "b"))
    assert found["a"].tolist()[:2] == [1.0, 1.0] and found["b"].tolist()[1] == 2.0
    assert found["b"].isna().tolist() == [True, False, True]


def test_a_stamp_in_other_units_is_none() -> None:
    """Seconds, nanoseconds and nonsense are no milliseconds of our time."""
    found = moments(pd.Series([1709913600000.0, 1709913600.0, 1.7e18, -1.0, inf, nan]))
    assert found.tolist()[0] == pd.Timestamp("2024-03-08 16:00", tz="UTC") and found.isna().sum() == 5


def test_a_row_is_counted_once_by_its_first_reason() -> None:
    """The counts add up to the rows left out."""
    rows = pd.DataFrame(
        {"timestamp": [HOURS[1], pd.NaT, HOURS[3], HOURS[2], HOURS[2]], "x": [1.0, -1.0, -1.0, 2.0, 2.0]}
    )
    sound, counts = in_window(rows, {"below zero": rows["x"] < 0}, (HOURS[0], HOURS[2]), "A", "asked")
    assert sound["timestamp"].tolist() == [HOURS[1], HOURS[2]]
    assert counts == {"A: no stamp": 1, "A: stamp outside the window": 1, "A: repeated rows": 1}


def test_a_bad_row_does_not_drag_a_good_one_of_its_stamp_along() -> None:
    """Only sound rows contradict each other; then neither is believed."""
    rows = pd.DataFrame({"timestamp": [HOURS[1]] * 2 + [HOURS[2]] * 2, "x": [1.0, -1.0, 2.0, 3.0]})
    sound, counts = in_window(rows, {"below zero": rows["x"] < 0}, (HOURS[0], HOURS[2]), "A", "asked")
    assert sound["x"].tolist() == [1.0]
    assert counts == {"A: below zero": 1, "A: conflicting rows of one stamp": 2}


def test_an_answer_without_a_sound_row_is_refused() -> None:
    """Then the whole answer is nonsense; no row at all is none."""
    rows = pd.DataFrame({"timestamp": [HOURS[3]], "x": [1.0]})
    with pytest.raises(SourceError, match="asked: none of 1 rows is usable: .*outside the window': 1"):
        in_window(rows, {}, (HOURS[0], HOURS[2]), "A", "asked")
    assert in_window(rows[:0], {}, (HOURS[0], HOURS[2]), "A", "asked")[0].empty


def test_jumps_are_counted_from_tenfold_on() -> None:
    """Up and down; a ninefold move is none."""
    assert jumps(pd.Series([1.0, 9.0, 1.0]), "A") == {}
    assert jumps(pd.Series([1.0, 11.0, 1.0]), "A") == {"A: closes tenfold or a tenth of the previous one, kept": 2}
