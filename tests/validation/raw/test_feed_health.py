"""What is odd about a feed is told apart and named; a sound feed is silent."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.validation.raw.feed_health import feed_warnings, measure_feed_health

START = pd.Timestamp("2026-11-02", tz="UTC")
END = START + pd.Timedelta(days=3)
STAMPS = pd.date_range(START, END, freq="h", inclusive="right").as_unit("us")


def bars(symbol: str, closes: object = 100.0, volume: object = 1.0) -> pd.DataFrame:
    return pd.DataFrame(
        {"timestamp": STAMPS, "symbol": symbol, "available_at": STAMPS, "close": closes, "volume": volume}
    )


def told(*tables: pd.DataFrame) -> list[str]:
    return feed_warnings(measure_feed_health(pd.concat(tables), CRYPTO, START, END), CRYPTO)


def test_a_sound_feed_is_silent() -> None:
    """Every bar there, trading, on time; a symbol listed within the window misses nothing before it."""
    health = measure_feed_health(pd.concat([bars("A"), bars("NEW").iloc[40:]]), CRYPTO, START, END)
    assert health["coverage"].tolist() == [1.0, 1.0] and feed_warnings(health, CRYPTO) == []


def test_one_bar_a_symbol_is_a_sound_day() -> None:
    """A run date of daily bars has no neighbours to jump between: nothing to say, in the same columns."""
    day = measure_feed_health(bars("A").iloc[:1], CRYPTO, START, START + pd.Timedelta(hours=1))
    assert day["jumped_at"].isna().all() and np.isnan(day["jump"]).all() and feed_warnings(day, CRYPTO) == []
    assert day.dtypes.equals(measure_feed_health(bars("A"), CRYPTO, START, END).dtypes)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (bars("B").drop(index=range(30, 40)), "B have less than 98% of the calendar's bars"),
        (bars("B").iloc[:60], "B end more than 3 bars before the window"),
        (bars("B", volume=np.where(np.arange(72) < 30, 0.0, 1.0)), "B had no volume for more than 24 bars"),
        (bars("B", np.where(np.arange(72) < 30, 100.0, 50.5)), "B jumped by a ratio typical of splits"),
        (bars("B", np.where(np.arange(72) == 30, 173.0, 100.0)), "B moved by more than 65% from one bar to the next"),
        (bars("B").assign(available_at=STAMPS + pd.Timedelta(hours=2)), "B became known more than an hour after"),
    ],
)
def test_each_warning_names_its_symbol(table: pd.DataFrame, words: str) -> None:
    """The symbol and what is odd about it; the sound one beside it is not named."""
    said = told(bars("A"), table)
    assert any(line.startswith(words) for line in said), said
    assert not any("A" in line.split(" ")[0] for line in said)


def test_one_bar_moves_nowhere() -> None:
    """A day of one session has no move to speak of."""
    session = bars("A").iloc[-1:]
    health = measure_feed_health(session, CRYPTO, END - pd.Timedelta(hours=1), END)
    assert np.isnan(health["jump"].iloc[0]) and health["jumped_at"].isna().all() and feed_warnings(health, CRYPTO) == []


def test_no_bars_have_no_health() -> None:
    """Nothing to say of nothing."""
    assert told(bars("A").iloc[:0]) == []


def test_a_revision_is_not_taken_for_the_bar() -> None:
    """What was said first counts, whatever the order of the rows: a correction hours later is no late bar."""
    closes = pd.date_range("2026-11-02 01:00", periods=24, freq="h", tz="UTC").as_unit("us")
    first = pd.DataFrame({"timestamp": closes, "symbol": "A", "available_at": closes, "close": 10.0, "volume": 1.0})
    revised = first.iloc[[3]].assign(available_at=closes[12], close=40.0)
    end = closes[-1]
    health = measure_feed_health(pd.concat([revised, first]), CRYPTO, end - pd.Timedelta(days=1), end)
    assert feed_warnings(health, CRYPTO) == []
