"""A night alone and the same night in a long run learn from the same lessons."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.fusion import Lessons, Said, lessons, past_signals
from alpha_pipeline.market import Market
from alpha_pipeline.panel import Panel

DAILY = Market("crypto", "crypto", "1D", "24/7", 365.0, 1, fee_bps=10.0, slippage_bps=5.0)
FIRST_DAY = pd.Timestamp("2020-01-01", tz="UTC")
LOOKBACK = 98
BEFORE, AFTER = 200, 260
rng = np.random.default_rng(0)
TIMES = pd.date_range(FIRST_DAY - pd.Timedelta(days=BEFORE - 1), periods=BEFORE + AFTER, freq="D")
CLOSE = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (len(TIMES), 3)), axis=0))
VOLUME = rng.uniform(1, 5, (len(TIMES), 3))


def seen(first: pd.Timestamp, end: pd.Timestamp) -> Lessons:
    """What a run of the nights from the day `first` to the moment `end` has: history, and 98 days before `first`."""
    since = first - pd.Timedelta(days=LOOKBACK)
    rows = np.asarray((FIRST_DAY >= TIMES) | ((since < TIMES) & (end >= TIMES)))
    panel = Panel(
        TIMES[rows].tz_localize(None).to_numpy("datetime64[us]"),
        ("A", "B", "C"),
        {"close": CLOSE[rows], "volume": VOLUME[rows]},
    )
    said = Said.from_table(past_signals(panel, DAILY, end, 10_000))
    return lessons(said, panel, DAILY).remembered(FIRST_DAY, LOOKBACK)


@pytest.mark.parametrize("night", [5, 60, 97, 98, 99, 120, 158, 200, 250])
def test_a_night_alone_and_in_a_range_learn_the_same(night: int) -> None:
    """While its days reach back to the history, on the edge, and after a gap has opened between the two."""
    day = FIRST_DAY + pd.Timedelta(days=night)
    end = day + pd.Timedelta(days=1)
    alone = seen(day, end).known_by(end)
    for first, last in ((FIRST_DAY, end), (FIRST_DAY, TIMES[-1]), (day - pd.Timedelta(days=3), end)):
        together = seen(min(first, day), last).known_by(end)
        pd.testing.assert_frame_equal(alone.said.keys, together.said.keys)
        for part in ("forward", "sigma"):
            np.testing.assert_allclose(getattr(alone, part), getattr(together, part), rtol=1e-9)
        np.testing.assert_allclose(alone.said.push, together.said.push, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(alone.known_at, together.known_at)


def test_the_history_is_never_forgotten_and_recent_days_are_used() -> None:
    """After the gap: all of the history whose outcome is in it, and the days far enough inside the look-back."""
    end = FIRST_DAY + pd.Timedelta(days=250)
    found = seen(end - pd.Timedelta(days=1), end).known_by(end)
    old = found.decided_at <= np.datetime64(FIRST_DAY.tz_localize(None))
    assert old.sum() > 400
    assert 100 < (~old).sum() < 3 * LOOKBACK
