"""Ticks, thinning and labels."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.reporting.svg import (
    curve,
    fit,
    span_of,
    thin,
    tick_labels,
    ticks,
    time_ticks,
)


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (-1, 1, 2, [-1, 0, 1]),
        (0.003, 0.019, 3, [0.01]),
        (95, 131, 4, [100, 110, 120, 130]),
        (5, 5, 3, [5]),
        (np.nan, 1, 3, []),
    ],
)
def test_ticks_are_round_and_inside(low, high, count, expected):
    """A reader meets 1, 2, 2.5 and 5 times powers of ten, nothing else."""
    assert ticks(low, high, count) == pytest.approx(expected)


def test_tick_labels_have_the_decimals_their_spacing_needs():
    """No more digits than tell the ticks apart."""
    assert tick_labels([0.0, 0.025, 0.05]) == ["0.000", "0.025", "0.050"]
    assert tick_labels([-20.0, 0.0], "%") == ["\N{MINUS SIGN}20\N{NO-BREAK SPACE}%", "0\N{NO-BREAK SPACE}%"]
    assert tick_labels([]) == []


@pytest.mark.parametrize(
    ("start", "end", "first"),
    [
        ("2019-09-30 01:00", "2019-09-30 23:00", "03:00"),
        ("2019-09-25", "2019-10-01", "25 Sep"),
        ("2019-07-03", "2019-10-01", "15 Jul"),
        ("2018-10-01", "2019-10-01", "Oct 2018"),
        ("2006-08-01", "2021-10-01", "2008"),
    ],
)
def test_time_ticks_fit_the_room_at_every_span(start, end, first):
    """From a day to fifteen years the labels neither collide nor vanish."""
    found = time_ticks(pd.Timestamp(start, tz="UTC"), pd.Timestamp(end, tz="UTC"), 400)
    assert found[0][1] == first
    assert 2 <= len(found) <= 9
    assert all(label and moment >= pd.Timestamp(start, tz="UTC") for moment, label in found)


def test_thinning_keeps_spikes_and_gaps():
    """One bad hour in two years stays visible, and so does a gap."""
    ys = np.zeros(20_000)
    ys[12_345] = 9.0
    ys[5_000:5_400] = np.nan
    xs, kept = thin(np.arange(20_000.0), ys)
    assert len(xs) <= 602
    assert np.nanmax(kept) == 9.0
    assert np.isnan(kept).any()
    assert (np.diff(xs) > 0).all()


def test_nan_breaks_a_curve():
    """No line is drawn across bars that do not exist."""
    drawn = curve(np.arange(5.0), np.array([1, 2, np.nan, 3, 4.0]), "l-c0")
    assert drawn.count("M") == 2
    assert "nan" not in drawn
    assert curve(np.arange(2.0), np.array([np.nan, np.nan]), "l-c0") == ""


def test_fit_never_exceeds_its_room():
    """Labels stay in their column, whatever a proposer called the factor."""
    assert fit("BTCUSDT", 200) == "BTCUSDT"
    assert span_of(fit("W" * 500, 80)) <= 88
