"""Files of public bug reports, each with its right value; the clean files hold the same bars in the plainest layout."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.resources.files import FileFormat, FileReading, market_of_reading, panel_of_reading, read_bars

CASES = Path(__file__).parent / "cases"
EXPECTED = json.loads((CASES / "expected.json").read_text())
HOURS = EXPECTED["hours ts_return(close,3) at 2025-01-03 00:00:00+00:00"]
DAYS = EXPECTED["days ts_return(close,3) at 2024-03-29"]
NOW = pd.Timestamp("2026-11-30", tz="UTC")


def _read(name: str, market: Market, **options: object) -> tuple[FileReading, Market, Panel]:
    reading = read_bars(FileFormat(str(CASES / name), **options), market, NOW)  # type: ignore[arg-type]  # a table of options
    own = market_of_reading(reading, market)
    return reading, own, panel_of_reading(reading, own)


def _last(panel: Panel, text: str) -> dict[str, float]:
    ((_, values),) = evaluate([parse(text)], panel, 1)
    return dict(zip(panel.symbols, values[-1].tolist(), strict=True))


@pytest.mark.parametrize(
    "name",
    ["hours_clean.csv", "epoch_stamps/epoch_s.csv", "epoch_stamps/epoch_ms.csv", "epoch_stamps/epoch_us.csv",
     "epoch_stamps/epoch_ms.parquet", "duplicates/same_row_twice.csv", "vendor_layouts/lake_folder"],
)  # fmt: skip
def test_hours(name: str) -> None:
    """Stamps of every unit, a repeated row and day folders give the bars of the clean file."""
    _, market, panel = _read(name, CRYPTO)
    _, _, clean = _read("hours_clean.csv", CRYPTO)
    assert (market.bar, market.periods_per_year) == ("1h", 8760)
    assert panel.timestamps[-1] == np.datetime64("2025-01-03T00:00")
    assert _last(panel, "ts_return(close, 3)") == pytest.approx(HOURS, abs=1e-8)
    for field in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(panel[field], clean[field])


@pytest.mark.parametrize(
    "name",
    ["days_clean.csv", "day_first_dates/days_dd.mm.yyyy.csv", "one_text_cell/open_text.csv",
     "vendor_layouts/DAYS.CSV", "vendor_layouts/days.csv.gz", "vendor_layouts/capital_fields.csv",
     "vendor_layouts/yfinance_wide.csv", "vendor_layouts/qlib_multiindex.parquet",
     "vendor_layouts/excel_semicolon_comma.csv"],
)  # fmt: skip
def test_days(name: str) -> None:
    """Layouts and number formats of vendors and programs give the bars of the clean file."""
    reading, market, panel = _read(name, EQUITIES)
    assert (market.bar, market.periods_per_year, panel.shape) == ("1D", 252, (130, 4))
    assert panel.timestamps[-1] == np.datetime64("2024-03-29T20:00")
    assert _last(panel, "ts_return(close, 3)") == pytest.approx(DAYS, abs=1e-8)
    assert not reading.counts()


@pytest.mark.parametrize(
    ("name", "market", "options", "symbol"),
    [
        ("binance_futures_BTCUSDT-1h.csv", CRYPTO, {}, "BTCUSDT"),
        ("binance_spot_BTCUSDT-1h.csv", CRYPTO, {}, "BTCUSDT"),
        ("yahoo_AAPL.csv", EQUITIES, {"symbol": "AAPL"}, "AAPL"),
        ("stooq_aapl.us.csv", EQUITIES, {}, "AAPL.US"),
    ],
)
def test_one_symbol(name: str, market: Market, options: dict[str, object], symbol: str) -> None:
    """Klines close one bar after the stamp; the symbol comes from the file's name, a column, or the user."""
    _, _, panel = _read(f"vendor_layouts/{name}", market, **options)
    expected = (HOURS if market is CRYPTO else DAYS)[symbol.removesuffix(".US")]
    assert panel.symbols == (symbol,)
    assert _last(panel, "ts_return(close, 3)")[symbol] == pytest.approx(expected, abs=1e-8)
    assert panel.timestamps[-1] == np.datetime64("2025-01-03T00:00" if market is CRYPTO else "2024-03-29T20:00")


@pytest.mark.parametrize(
    ("name", "market", "message"),
    [
        ("vendor_layouts/yahoo_AAPL.csv", EQUITIES, r"no column of symbols; it has Date, .*--symbol AAPL"),
        ("one_text_cell/close_text.csv", EQUITIES, r"close_text.csv, line 42: column 'close' has 'ERR'"),
        (
            "day_first_dates/monthly_dd_mm_yyyy.csv",
            EQUITIES,
            "'01/02/2022' is 2022-02-01 with the day first or 2022-01-02",
        ),
    ],
)
def test_uncertain_readings_are_refused(name: str, market: Market, message: str) -> None:
    """By file, column, row and text, with the way to say it."""
    with pytest.raises(DataError, match=message):
        _read(name, market)


def test_months_of_a_given_order() -> None:
    """The order of the date decides what the cells do not."""
    _, market, panel = _read("day_first_dates/monthly_dd_mm_yyyy.csv", EQUITIES, date_order="day_first")
    assert (market.bar, market.periods_per_year, panel.shape) == ("1M", 12, (12, 3))
    days = panel.timestamps.astype("datetime64[D]").astype(str).tolist()
    assert (days[0], days[-1]) == ("2022-01-01", "2022-12-01")


def test_symbols_are_text() -> None:
    """Zeros in front stay, and NA is a ticker."""
    assert _read("symbols_as_text/share_codes.csv", EQUITIES)[2].symbols == ("000001", "000858", "300750", "600519")
    assert "NA" in _read("symbols_as_text/ticker_NA.csv", EQUITIES)[2].symbols


def test_marks_of_thousands() -> None:
    """`1,204` among numbers with decimal points is 1204."""
    volumes = _read("one_text_cell/volume_text.csv", EQUITIES)[2]["volume"]
    clean = _read("days_clean.csv", EQUITIES)[2]["volume"]
    assert np.flatnonzero(volumes != clean).size == 1 and volumes[volumes != clean] == 1204


def test_duplicates() -> None:
    """An exact repetition is merged and counted; of two closes of one bar neither is believed."""
    assert _read("duplicates/same_row_twice.csv", CRYPTO)[0].counts() == {"repeated exactly, merged": 1}
    reading, _, panel = _read("duplicates/two_closes.csv", CRYPTO)
    assert reading.counts() == {"conflicting rows of one bar": 2}
    assert sorted(reading.rejected["place"]) == ["two_closes.csv, line 12", "two_closes.csv, line 290"]
    bar = list(panel.timestamps).index(np.datetime64("2024-12-30T11:00"))
    assert np.isnan(panel["close"][bar]).tolist() == [True, False, False]


def test_an_outage_is_a_gap() -> None:
    """After five hours without any symbol the first bar has no return, as when another symbol traded."""
    _, _, out = _read("exchange_outage/all_symbols_out.csv", CRYPTO)
    _, _, traded = _read("exchange_outage/one_symbol_trades.csv", CRYPTO)
    ((_, values),) = evaluate([parse("ts_return(close, 1)")], out, 1)
    ((_, others),) = evaluate([parse("ts_return(close, 1)")], traded, 1)
    bar = list(out.timestamps).index(np.datetime64("2024-12-31T08:00"))
    assert out.timestamps.tolist() == traded.timestamps.tolist() and np.isnan(values[bar]).all()
    np.testing.assert_array_equal(values[:, 0], others[:, 0])


def test_hours_of_stocks() -> None:
    """Seven bars a session: 1,764 a year, and five sessions are 35 bars."""
    _, market, panel = _read("stock_hours/hourly_sessions.parquet", EQUITIES)
    assert (market.bar, market.bars_per_session, market.periods_per_year) == ("1h", 7, 1764)
    assert (market.horizon_bars, market.rebalance_bars) == (7, 7)
    assert str(parse("ts_mean(close, '5d')", bar=market.clock)) == "ts_mean(close, 35)"
    assert (
        len(panel.timestamps) == pd.read_parquet(CASES / "stock_hours/hourly_sessions.parquet")["timestamp"].nunique()
    )


def test_splits_are_applied() -> None:
    """Prices as traded with a column of splits become the adjusted ones."""
    _, _, traded = _read("split_column/as_traded_with_split.parquet", EQUITIES)
    _, _, adjusted = _read("split_column/adjusted.parquet", EQUITIES)
    moves, expected = (np.diff(np.log(panel["close"]), axis=0) for panel in (traded, adjusted))
    np.testing.assert_allclose(moves, expected, atol=1e-5)
