"""The embedded source: its contents, its errors, and the coherence of its files."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, MARKETS, Market, expected_closes
from alpha_pipeline.resources.vendors.sample import SampleSource

DOOR = SampleSource()


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.parametrize("market", MARKETS, ids=lambda m: m.name)
def test_a_day_has_exactly_the_bars_of_the_calendar(market: Market) -> None:
    """One day of bars is complete, typed and stamped at the closes the calendar names."""
    table = DOOR.fetch_ohlcv(market, None, utc("2019-09-30"), utc("2019-10-01"))
    closes = expected_closes(market, utc("2019-09-30"), utc("2019-10-01"))
    assert len(table) == len(closes) * len(DOOR.symbols(market))
    assert (table["available_at"] == table["timestamp"]).all()
    assert set(table["timestamp"]) == set(closes)
    assert tables.RAW_OHLCV.conform(table).num_rows == len(table)
    assert table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)


@pytest.mark.parametrize("market", MARKETS, ids=lambda m: m.name)
def test_every_embedded_bar_is_on_the_calendar_once_and_coherent(market: Market) -> None:
    """No bar off the calendar, none twice, prices in order, volume not negative."""
    first, last = DOOR.coverage(market)
    table = DOOR.history(market, last)
    assert not table.duplicated(["timestamp", "symbol"]).any()
    expected = expected_closes(market, first - market.bar_length, last)
    assert table["timestamp"].isin(expected).all()
    assert len(table) > 0.998 * len(expected) * len(DOOR.symbols(market))
    assert (table["close"] > 0).all() and (table["volume"] >= 0).all()
    if market is CRYPTO:
        ends = table[["open", "close"]]
        assert (table["low"] > 0).all()
        assert (table["low"] <= ends.min(axis=1)).all() and (ends.max(axis=1) <= table["high"]).all()
    else:
        assert table[["open", "high", "low"]].isna().all(axis=None)


def test_bars_of_a_recording_come_without_failures() -> None:
    """`fetch_bars` is `fetch_ohlcv`, with nothing failed and nothing left out."""
    window = (utc("2019-09-30"), utc("2019-10-01"))
    fetched = DOOR.fetch_bars(CRYPTO, None, *window)
    pd.testing.assert_frame_equal(fetched.table, DOOR.fetch_ohlcv(CRYPTO, None, *window))
    assert fetched.failures == {} and fetched.counts == {}


def test_known_prices() -> None:
    """Two bars copied from the source by hand: the first hour of BTC is its first two half hours."""
    hour = DOOR.fetch_ohlcv(CRYPTO, ["BTCUSD"], utc("2017-10-01"), utc("2017-10-01 01:00")).iloc[0]
    assert hour[["open", "high", "low", "close"]].tolist() == [4367.1, 4394.0, 4365.0, 4367.4]
    assert hour["volume"] == pytest.approx(755.5217587 + 705.60946785)
    day = DOOR.fetch_ohlcv(EQUITIES, ["AAPL"], utc("2006-08-31"), utc("2006-09-01")).iloc[0]
    assert day["close"] == pytest.approx(2.083730, abs=5e-7)


def test_the_window_excludes_its_start_and_includes_its_end() -> None:
    """Two neighbouring windows share no bar and lose none."""
    whole = DOOR.fetch_ohlcv(CRYPTO, None, utc("2019-09-01"), utc("2019-09-03"))
    halves = [
        DOOR.fetch_ohlcv(CRYPTO, None, utc("2019-09-01"), utc("2019-09-02")),
        DOOR.fetch_ohlcv(CRYPTO, None, utc("2019-09-02"), utc("2019-09-03")),
    ]
    pd.testing.assert_frame_equal(whole, pd.concat(halves, ignore_index=True))
    assert whole["timestamp"].min() == utc("2019-09-01 01:00") and whole["timestamp"].max() == utc("2019-09-03")


def test_half_days_close_early() -> None:
    """The session after Thanksgiving closes at 13:00 in New York."""
    table = DOOR.fetch_ohlcv(EQUITIES, None, utc("2018-11-23"), utc("2018-11-24"))
    assert table["timestamp"].unique().tolist() == [utc("2018-11-23 18:00")]


def test_a_weekend_is_empty_and_no_error() -> None:
    """No session, no bars, all columns."""
    table = DOOR.fetch_ohlcv(EQUITIES, None, utc("2019-09-28"), utc("2019-09-30"))
    assert len(table) == 0
    assert table.columns.equals(tables.RAW_OHLCV.empty().columns)


def test_history_ends_where_requested() -> None:
    """History and the next day meet without overlap; before the first bar there is none."""
    history = DOOR.history(CRYPTO, utc("2019-07-01"))
    assert history["timestamp"].max() == utc("2019-07-01")
    assert history["timestamp"].min() == utc("2017-10-01 01:00")
    assert len(DOOR.history(CRYPTO, utc("2017-09-01"))) == 0


@pytest.mark.parametrize(
    ("symbols", "start", "end", "error", "words"),
    [
        (["BTCUSDT"], "2019-09-01", "2019-09-02", SourceError, "did you mean 'BTCUSD'? it has BTCUSD, EOSUSD"),
        (["qqqqqqqq"], "2019-09-01", "2019-09-02", SourceError, "no symbol 'qqqqqqqq'; it has BTCUSD"),
        (None, "2019-09-30", "2019-10-02", SourceError, "sample data cover the crypto closes from 2017-10-01 01:00"),
        (None, "2017-09-29", "2017-10-02", SourceError, "requested were those in (2017-09-29 00:00:00"),
        (None, "2019-09-02", "2019-09-01", SettingError, "expected start < end"),
        ([], "2019-09-01", "2019-09-02", SettingError, "expected a list of names"),
        ("BTCUSD", "2019-09-01", "2019-09-02", SettingError, "expected a list of names"),
    ],
)
def test_errors_name_the_request_and_the_coverage(
    symbols: list[str] | None, start: str, end: str, error: type[Exception], words: str
) -> None:
    """Outside coverage, unknown symbols and impossible windows are typed errors with the remedy in them."""
    with pytest.raises(error) as caught:
        DOOR.fetch_ohlcv(CRYPTO, symbols, utc(start), utc(end))
    assert words in str(caught.value)


def test_other_time_zones_and_unknown_markets_are_refused() -> None:
    """A window must be UTC; a market must have a file."""
    with pytest.raises(SettingError, match="expected a moment in UTC"):
        DOOR.fetch_ohlcv(CRYPTO, None, pd.Timestamp("2019-09-01"), utc("2019-09-02"))
    with pytest.raises(SettingError, match="expected a moment in UTC"):
        DOOR.fetch_ohlcv(CRYPTO, None, pd.Timestamp("2019-09-01", tz="Asia/Tokyo"), utc("2019-09-02"))
    forex = Market("forex", "forex", "1h", "24/7", 8760.0, 24, 24, 24, 1.0, 1.0)
    with pytest.raises(SettingError, match="no sample data of asset type 'forex'"):
        DOOR.fetch_ohlcv(forex, None, utc("2019-09-01"), utc("2019-09-02"))


def test_a_narrowed_source_serves_only_its_symbols() -> None:
    """Symbols given by setting replace the default list."""
    source = SampleSource(only=("XRPUSD", "BTCUSD"))
    assert source.symbols(CRYPTO) == ("BTCUSD", "XRPUSD")
    assert source.history(CRYPTO, utc("2018-01-01"))["symbol"].unique().tolist() == ["BTCUSD", "XRPUSD"]


def test_recordings_have_no_listing_dates() -> None:
    """An empty table of the right columns: the universe is undated."""
    assert DOOR.fetch_instruments(CRYPTO).table.dtypes.equals(tables.LISTINGS.empty().dtypes)


def test_a_caller_cannot_change_the_embedded_bars() -> None:
    """What one caller does to its table, the next does not see."""
    table = DOOR.fetch_ohlcv(CRYPTO, None, utc("2019-09-01"), utc("2019-09-02"))
    table["close"] = np.nan
    again = DOOR.fetch_ohlcv(CRYPTO, None, utc("2019-09-01"), utc("2019-09-02"))
    assert again["close"].notna().all()
