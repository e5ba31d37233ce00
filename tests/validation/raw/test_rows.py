"""Rows that cannot be true are rejected with a reason; the others stay unchanged."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.tables import RAW_FUNDING, RAW_NEWS, RAW_OHLCV, RAW_ONCHAIN
from alpha_pipeline.validation.raw.rows import split_repeated_headlines, split_rows

START = pd.Timestamp("2026-11-02", tz="UTC")
END = START + pd.Timedelta(days=1)
NOON = START + pd.Timedelta(hours=12)
BAR = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}


def bar(**more: object) -> dict[str, object]:
    return {"timestamp": NOON, "symbol": "A", "available_at": NOON, **BAR, **more}


def frame(*rows: dict[str, object]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    return table.astype({"timestamp": "datetime64[us, UTC]", "available_at": "datetime64[us, UTC]", "symbol": "str"})


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"high": 0.4}, "high below low"),
        ({"high": 1.2}, "open or close outside low and high"),
        ({"low": 1.2}, "open or close outside low and high"),
        ({"close": -1.0}, "a price that is not positive"),
        ({"open": 0.0}, "a price that is not positive"),
        ({"high": np.inf}, "a price that is not finite"),
        ({"close": np.nan}, "no close"),
        ({"volume": -1.0}, "a volume that is missing, negative or not finite"),
        ({"volume": np.nan}, "a volume that is missing, negative or not finite"),
        ({"symbol": ""}, "no symbol"),
        ({"timestamp": NOON + pd.Timedelta(minutes=7)}, "available before the event"),
        ({"timestamp": NOON - pd.Timedelta(minutes=7)}, "closes where the calendar has no bar"),
        ({"available_at": END + pd.Timedelta(hours=1)}, "available outside the window"),
    ],
)
def test_a_bar_that_cannot_be_true_is_rejected(fault: dict[str, object], reason: str) -> None:
    """The reason is the first rule the bar breaks; other bars stay."""
    good = bar(timestamp=NOON - pd.Timedelta(hours=1), available_at=NOON - pd.Timedelta(hours=1))
    verdicts = split_rows(frame(good, bar(**fault)), RAW_OHLCV, CRYPTO, START, END)
    assert verdicts.counts() == {reason: 1} and len(verdicts.valid) == 1


def test_prices_a_source_never_has_are_no_fault() -> None:
    """Closes and volumes alone are bars; NaN breaks no comparison."""
    close = expected(EQUITIES)
    row = bar(timestamp=close, available_at=close, open=np.nan, high=np.nan, low=np.nan)
    assert split_rows(frame(row), RAW_OHLCV, EQUITIES, START, END).rejected.empty


def expected(market: Market) -> pd.Timestamp:
    """The close of the session of that Monday, winter time."""
    return START + pd.Timedelta(hours=21)


def test_the_same_row_again_is_rejected_and_another_version_is_not() -> None:
    """Keys hold the moment it became known: a revision repeats nothing."""
    later = bar(available_at=NOON + pd.Timedelta(hours=3), close=1.6)
    verdicts = split_rows(frame(bar(), bar(), later), RAW_OHLCV, CRYPTO, START, END)
    assert verdicts.counts() == {"repeated keys": 1} and len(verdicts.valid) == 2


def test_changed_units_are_noticed() -> None:
    """A funding rate in percent or basis points is no fraction any more; on-chain values have bounds of their own."""
    rate = {"timestamp": NOON, "symbol": "A", "available_at": NOON}
    verdicts = split_rows(
        frame({**rate, "funding": 0.0001}, {**rate, "symbol": "B", "funding": 1.0}), RAW_FUNDING, CRYPTO, START, END
    )
    assert verdicts.counts() == {"funding out of bounds": 1}
    chain = split_rows(
        frame({**rate, "tvl": -5.0}, {**rate, "symbol": "B", "tvl": np.inf}), RAW_ONCHAIN, CRYPTO, START, END
    )
    assert chain.counts() == {"tvl out of bounds": 1, "not finite": 1}


def test_headlines_without_words_or_address_and_copies_are_rejected() -> None:
    """The same title at another address is a copy; the same address with another title is an edit and stays."""

    def item(title: str, url: str, minutes: int = 0, symbol: str = "A") -> dict[str, object]:
        at = NOON + pd.Timedelta(minutes=minutes)
        return {
            "timestamp": NOON,
            "symbol": symbol,
            "available_at": at,
            "url": url,
            "title": title,
            "news_sentiment": np.nan,
        }

    rows = [
        item("Coin rises", "https://a/1"),
        item("coin  RISES", "https://b/9", 5),
        item("Coin rises, again", "https://a/1", 9),
        item("Coin rises", "https://a/1", 0, "B"),
        item("  ", "https://a/2"),
        item("Odd", "javascript:alert(1)"),
    ]
    verdicts = split_rows(frame(*rows), RAW_NEWS, CRYPTO, START, END)
    assert verdicts.counts() == {"no title": 1, "no web address": 1}
    repeats = split_repeated_headlines(verdicts.valid)
    assert repeats.counts() == {"the same headline again": 1} and len(repeats.valid) == 3


def test_no_rows_have_no_faults() -> None:
    """An empty day stays empty."""
    verdicts = split_rows(RAW_OHLCV.empty(), RAW_OHLCV, CRYPTO, START, END)
    assert verdicts.valid.empty and verdicts.rejected.empty and verdicts.counts() == {}
