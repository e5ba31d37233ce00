"""Raw bars that break their contract are refused with the broken expectation named."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.tables import RAW_FUNDING, RAW_ONCHAIN
from alpha_pipeline.validation.raw.contracts import check_facts, check_ohlcv

START = pd.Timestamp("2019-07-01", tz="UTC")
END = START + pd.Timedelta(days=1)


def day() -> pd.DataFrame:
    stamps = pd.date_range(START, END, freq="h", inclusive="right").as_unit("us")
    frames = [
        pd.DataFrame(
            {"timestamp": stamps, "symbol": symbol, "available_at": stamps}
            | {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
        )
        for symbol in ("A", "B")
    ]
    return pd.concat(frames, ignore_index=True)


def broken(column: str, value: object) -> Callable[[], pd.DataFrame]:
    def make() -> pd.DataFrame:
        table = day()
        table.loc[3, column] = value
        return table

    return make


def test_a_clean_day_passes() -> None:
    """Two symbols, 24 hours each, nothing missing."""
    quality = check_ohlcv(day(), CRYPTO, START, END)
    assert quality.passed, quality.failures()
    assert quality.missing_bars == 0


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (broken("high", 0.7), "high, highest_of_open_close"),
        (broken("low", 1.2), "lowest_of_open_close, low"),
        (broken("close", -1.0), "between(close"),
        (broken("close", np.nan), "null(close"),
        (broken("volume", -3.0), "between(volume"),
        (broken("timestamp", END + pd.Timedelta(hours=1)), "between(timestamp"),
        (broken("available_at", START), "available_at, timestamp"),
        (lambda: pd.concat([day(), day().iloc[[5]]]), "compound_columns"),
        (lambda: day().iloc[::3], "row_count"),  # a third of the bars; an outage of hours is let through, and shown
        (lambda: day().iloc[:0], "row_count"),
    ],
)
def test_each_fault_is_named(table: Callable[[], pd.DataFrame], named: str) -> None:
    """One fault, one failed expectation in the message."""
    quality = check_ohlcv(table(), CRYPTO, START, END)
    assert not quality.passed
    assert named in quality.failures()


def test_an_outage_of_hours_does_not_refuse_the_day() -> None:
    """Half of the bars are enough; what is missing is shown by the health of the feed."""
    table = day()
    assert check_ohlcv(table[table["timestamp"].dt.hour < 14], CRYPTO, START, END).passed


def test_facts_keep_their_contract() -> None:
    """Known in the window, not before the event, unique; no rows are fine, another column is not."""
    stamps = pd.date_range(START, periods=3, freq="8h").as_unit("us") + pd.Timedelta(hours=1)
    rows = pd.DataFrame({"timestamp": stamps, "symbol": "A", "available_at": stamps, "funding": 1e-4})
    assert check_facts(rows, RAW_FUNDING, START, END).passed
    assert check_facts(rows.iloc[:0], RAW_FUNDING, START, END).passed
    early = rows.assign(available_at=rows["timestamp"] - pd.Timedelta(minutes=1))
    for broken, named in (
        (early, "available_at, timestamp"),
        (pd.concat([rows, rows.iloc[:1]]), "compound_columns"),
        (rows.assign(available_at=END + pd.Timedelta(hours=1)), "between(available_at"),
        (rows.assign(rate=1.0), "match_set"),
    ):
        assert named in check_facts(broken, RAW_FUNDING, START, END).failures()
    chain = rows.drop(columns="funding").assign(tvl=1.0)
    assert check_facts(chain, RAW_ONCHAIN, START, END).passed
