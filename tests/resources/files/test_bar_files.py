"""Bars of users' files: layouts, rows that cannot be true, remarks, refusals."""

import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, market_clock
from alpha_pipeline.resources.files import FileFormat, FileReading, market_of_reading, panel_of_reading, read_bars

NOW = pd.Timestamp("2024-02-01", tz="UTC")
HOURS = pd.date_range("2024-01-01 01:00", periods=48, freq="h", tz="UTC")


def _bars(symbols: tuple[str, ...] = ("AAA", "BBB"), times: pd.DatetimeIndex = HOURS) -> pd.DataFrame:
    """Prices that rise by 0.1 a bar."""
    rows = [
        {"timestamp": time, "symbol": symbol, "open": 100 + k / 10, "high": 101 + k / 10, "low": 99 + k / 10,
         "close": 100.5 + k / 10, "volume": 10.0 + k}
        for symbol in symbols for k, time in enumerate(times)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _read(path: object, market: Market = CRYPTO, **options: object) -> FileReading:
    return read_bars(FileFormat(str(path), **options), market, NOW)  # type: ignore[arg-type]  # a table of options


def _csv(folder: Path, text: str, name: str = "bars.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def _lines(times: pd.DatetimeIndex = HOURS, form: str = "{:%Y-%m-%d %H:%M:%S}") -> list[str]:
    return [f"{form.format(t)},AAA,{100 + k / 10:.2f}" for k, t in enumerate(times)]


FAULTS = [
    ({"close": 0.0}, "a price that is not positive"),
    ({"low": -1.0}, "a price that is not positive"),
    ({"open": np.inf}, "a price that is not finite"),
    ({"high": 1.0}, "high below low"),
    ({"close": 500.0}, "open or close outside low and high"),
    ({"close": np.nan}, "no close"),
    ({"volume": -5.0}, "a volume that is negative or not finite"),
    ({"timestamp": pd.Timestamp("2099-01-01", tz="UTC")}, "closes in the future"),
    ({"timestamp": NOW + pd.Timedelta(hours=1)}, "closes in the future"),
    ({"timestamp": HOURS[5] + pd.Timedelta(minutes=7)}, "closes off the grid of 1h bars"),
    ({"symbol": ""}, "no symbol"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS)
def test_rows_that_cannot_be_true(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    """They are set aside with their reason and place; the other rows are read."""
    table = _bars()
    for column, value in change.items():
        table.loc[7, column] = value
    table.to_csv(tmp_path / "bars.csv", index=False)
    reading = _read(tmp_path / "bars.csv")
    assert reading.counts() == {reason: 1} and len(reading.table) == 95
    assert reading.rejected["place"].tolist() == ["bars.csv, line 9"]


def test_a_cut_last_line(tmp_path: Path) -> None:
    """An interrupted download loses its last line, which is counted."""
    reading = _read(_csv(tmp_path, "\n".join(["timestamp,symbol,close", *_lines(), "2024-01-03 01:00:00,AA"])))
    assert reading.counts() == {"a line with another number of cells": 1} and len(reading.table) == 48
    assert reading.rejected["place"].tolist() == ["bars.csv, line 50"]


def test_a_time_that_cannot_be_read(tmp_path: Path) -> None:
    """Such as the line of a total."""
    reading = _read(_csv(tmp_path, "\n".join(["timestamp,symbol,close", *_lines(), "Total,AAA,100"])))
    assert reading.counts() == {"a time that is missing or cannot be read": 1}


def test_a_file_of_faults_is_refused(tmp_path: Path) -> None:
    """More than a fifth of impossible rows is a misreading, not a fault of rows."""
    _bars().assign(high=1.0).to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(DataError, match=r"96 of 96 rows cannot be true \(96 x high below low\), the first at bars.csv"):
        _read(tmp_path / "bars.csv")


def test_symbols_that_look_like_values(tmp_path: Path) -> None:
    """Names stay as they are written."""
    symbols = ("000001", "1E5", "NA", "NULL", "None", "TRUE", "nan", "null")
    _bars(symbols).to_csv(tmp_path / "bars.csv", index=False)
    assert sorted(_read(tmp_path / "bars.csv").table["symbol"].unique()) == sorted(symbols)


TABLE = _bars()


def _write(table: pd.DataFrame, folder: Path, layout: str) -> str:
    """The same bars in one of many layouts; the path to read."""
    if layout == "parquet":
        table.to_parquet(folder / "BARS.PARQUET")
        return str(folder / "BARS.PARQUET")
    if layout == "decimals":
        columns = {
            c: pa.array([Decimal(f"{v:.4f}") for v in table[c]], pa.decimal128(12, 4)) for c in table.columns[2:]
        }
        keys = {"timestamp": pa.array(table["timestamp"]), "symbol": pa.array(table["symbol"].astype("category"))}
        parquet.write_table(pa.table({**keys, **columns}), folder / "bars.parquet")
        return str(folder / "bars.parquet")
    if layout == "strings":
        table.astype(dict.fromkeys(table.columns[2:], str)).to_parquet(folder / "bars.parquet")
        return str(folder / "bars.parquet")
    if layout == "hive":
        table.to_parquet(folder / "hive", partition_cols=["symbol"])
        return str(folder / "hive")
    if layout == "glob":
        for symbol, part in table.groupby("symbol"):
            part.drop(columns="symbol").to_csv(folder / f"{symbol}.csv", index=False)
        return str(folder / "*.csv")
    if layout == "index":
        table.set_index(["timestamp", "symbol"]).to_parquet(folder / "bars.parquet")
        return str(folder / "bars.parquet")
    if layout == "memory":
        with fsspec.open("memory://case/bars.csv.gz", "wb") as file:
            file.write(gzip.compress(table.to_csv(index=False).encode()))  # type: ignore[attr-defined]  # fsspec is untyped
        return "memory://case/bars.csv.gz"
    if layout == "seconds":
        stamps = table["timestamp"].astype("int64") // 10 ** (9 if table["timestamp"].dt.unit == "ns" else 6)
        stamps = stamps.where(stamps.index % 2 == 0, stamps * 1000)  # units may change within a file
        table.assign(timestamp=stamps).to_csv(folder / "bars.csv", index=False)
        return str(folder / "bars.csv")
    if layout == "zone":
        table.assign(timestamp=table["timestamp"].dt.tz_convert("Asia/Tokyo")).to_csv(folder / "bars.csv", index=False)
        return str(folder / "bars.csv")
    raise AssertionError(layout)


@pytest.mark.parametrize(
    "layout", ["parquet", "decimals", "strings", "hive", "glob", "index", "memory", "seconds", "zone"]
)
def test_layouts(tmp_path: Path, layout: str) -> None:
    """Every layout of the same bars gives the same table."""
    reading = _read(_write(TABLE, tmp_path, layout))
    expected = TABLE.sort_values(["timestamp", "symbol"], ignore_index=True)
    assert reading.bar == "1h" and not reading.counts()
    pd.testing.assert_frame_equal(
        reading.table.drop(columns="available_at"), expected, check_dtype=False, check_exact=False, rtol=1e-12
    )
    assert reading.table["available_at"].equals(reading.table["timestamp"])


def test_wide_tables(tmp_path: Path) -> None:
    """A row per time and a column of closes per symbol, tickers that are names of fields among them."""
    wide = pd.DataFrame(
        {name: np.arange(48.0) + k for k, name in enumerate(("LOW", "C", "V", "OPEN"), 100)}, index=HOURS
    )
    wide.iloc[3, 1] = np.nan
    wide.to_csv(tmp_path / "closes.csv")
    reading = _read(tmp_path / "closes.csv")
    panel = panel_of_reading(reading, market_of_reading(reading, CRYPTO))
    assert panel.symbols == ("C", "LOW", "OPEN", "V") and list(panel.fields) == ["close"]
    assert np.isnan(panel["close"][3, 0]) and panel["close"][47, 1] == 147


def test_bybit_klines(tmp_path: Path) -> None:
    """Newest first, without a header, stamped at the open; the symbol from the name of the file."""
    stamps = (HOURS.as_unit("ms").astype("int64"))[::-1]
    text = "\n".join(f"{t},100,101,99,100.5,7,700" for t in stamps)
    reading = _read(_csv(tmp_path, text, "BTCUSDT_60_2024-01-01_2024-01-02.csv"))
    assert reading.table["timestamp"].iloc[0] == HOURS[0] + pd.Timedelta(hours=1)
    assert reading.table["symbol"].unique().tolist() == ["BTCUSDT"] and "turnover" in reading.table


def test_cryptodatadownload(tmp_path: Path) -> None:
    """A line with the address above the header, newest first, the volume in coins before that in dollars."""
    rows = [f"{t.timestamp():.0f},{t:%Y-%m-%d %H:%M:%S},BTC/USDT,100,101,99,100.5,7,700,12" for t in HOURS[::-1]]
    head = [
        "https://www.CryptoDataDownload.com",
        "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount",
    ]
    reading = _read(_csv(tmp_path, "\n".join([*head, *rows])))
    first = reading.table.iloc[0]
    assert (first["timestamp"], first["symbol"]) == (HOURS[0] + pd.Timedelta(hours=1), "BTC/USDT")
    assert (first["volume"], first["volume_usdt"]) == (7, 700)


@pytest.mark.parametrize(
    ("days", "market", "bar", "per_year"),
    [
        (pd.bdate_range("2023-01-02", periods=60), EQUITIES, "1D", 252),
        (pd.date_range("2022-01-07", periods=60, freq="W-FRI"), EQUITIES, "1W", 52),
        (pd.date_range("2019-01-31", periods=40, freq="ME"), EQUITIES, "1M", 12),
        (pd.date_range("2023-01-02", periods=60), CRYPTO, "1D", 365),
        (pd.date_range("2023-01-02", periods=60, freq="15min"), CRYPTO, "15min", 35_040),
    ],
)  # fmt: skip
def test_bars_and_years(tmp_path: Path, days: pd.DatetimeIndex, market: Market, bar: str, per_year: int) -> None:
    """The commonest distance is the bar, the calendar has its year."""
    _csv(tmp_path, "\n".join(["date,ticker,last_price", *_lines(days, "{:%Y-%m-%d %H:%M}")]))
    reading = _read(tmp_path / "bars.csv", market)
    assert reading.spacing is not None and (reading.bar, reading.spacing.periods_per_year) == (bar, per_year)


def test_forex_has_weeks_of_five_days(tmp_path: Path) -> None:
    """On 24/5 a missing hour is a gap and a weekend is none."""
    clock = market_clock("24/5", "1h")
    market = replace(CRYPTO, calendar="24/5", periods_per_year=clock.periods_per_year)
    times = pd.date_range("2024-01-01 01:00", "2024-01-13", freq="h")
    times = times[(times - pd.Timedelta(1, "us")).day_of_week < 5].delete(30)
    reading = _read(_csv(tmp_path, "\n".join(["timestamp,symbol,close", *_lines(times)])), market)
    panel = panel_of_reading(reading, market_of_reading(reading, market))
    assert panel.shape[0] == 240 and np.isnan(panel["close"]).sum() == 1
    assert reading.spacing is not None and reading.spacing.periods_per_year == 260 * 24


def test_a_market_of_files_carries_what_it_asks_for(tmp_path: Path) -> None:
    """An outage of four hours of all symbols is four empty rows; carried for three hours where the market says so."""
    text = "\n".join(["timestamp,symbol,close", *_lines(HOURS.delete([10, 11, 12, 13]))])
    reading = _read(_csv(tmp_path, text), CRYPTO)
    asked = replace(CRYPTO, source="files", max_forward_fill=pd.Timedelta(hours=3))
    for market, empty in ((CRYPTO, 4), (replace(asked, max_forward_fill=pd.Timedelta(0)), 4), (asked, 1)):
        panel = panel_of_reading(reading, market_of_reading(reading, market))
        assert panel.shape[0] == len(HOURS) and np.isnan(panel["close"]).sum() == empty


def test_the_hours_of_currencies_from_new_york(tmp_path: Path) -> None:
    """Sunday 22:00 to Friday 22:00 UTC: no Friday evening is missing."""
    market = replace(CRYPTO, calendar="24/5")
    weeks = [pd.date_range("2024-01-07 22:00", "2024-01-12 22:00", freq="h") + pd.Timedelta(days=7 * k) for k in (0, 1)]
    reading = _read(_csv(tmp_path, "\n".join(["timestamp,symbol,close", *_lines(weeks[0].append(weeks[1]))])), market)
    panel = panel_of_reading(reading, market_of_reading(reading, market))
    assert panel.shape[0] == 242 and np.isfinite(panel["close"]).all()


@pytest.mark.parametrize(
    ("market", "close"),
    [(EQUITIES, "2024-01-19 21:00"), (CRYPTO, "2024-01-20 00:00")],
)
def test_a_date_is_the_close_of_its_session(tmp_path: Path, market: Market, close: str) -> None:
    """By the calendar of the market, which a remark says."""
    days = pd.bdate_range("2024-01-15", "2024-01-19")
    reading = _read(_csv(tmp_path, "\n".join(["date,symbol,close", *_lines(days, "{:%Y-%m-%d}")])), market)
    assert reading.table["timestamp"].iloc[-1] == pd.Timestamp(close, tz="UTC")
    assert any("2024-01-19 closes at" in remark and close in remark for remark in reading.remarks)


def test_times_of_a_zone(tmp_path: Path) -> None:
    """Times without an offset are of the given zone, across the change of the clock."""
    days = pd.DatetimeIndex(["2023-03-10 16:00", "2023-03-13 16:00", "2023-03-14 16:00"])
    file = _csv(tmp_path, "\n".join(["time,symbol,close", *_lines(days)]))
    reading = _read(file, EQUITIES, time_zone="America/New_York")
    assert reading.table["timestamp"].dt.hour.tolist() == [21, 20, 20]


def test_opens_of_stocks_end_with_the_session(tmp_path: Path) -> None:
    """A bar that opens at 15:30 in New York is half an hour long."""
    opens = pd.DatetimeIndex([f"2024-01-{day} {hour}:30" for day in (18, 19) for hour in range(14, 21)])
    reading = _read(_csv(tmp_path, "\n".join(["open_time,symbol,close", *_lines(opens)])), EQUITIES)
    assert reading.table["timestamp"].dt.strftime("%H:%M").tolist()[5:7] == ["20:30", "21:00"]


def test_remarks_on_jumps(tmp_path: Path) -> None:
    """A ratio of a split without a split, and a change of unit."""
    table = _bars(("AAA", "BBB", "CCC"))
    prices = ["open", "high", "low", "close"]
    for symbol, factor in (("AAA", 0.25), ("BBB", 100.0)):
        table.loc[(table["symbol"] == symbol) & (table["timestamp"] > HOURS[20]), prices] *= factor
    table.to_csv(tmp_path / "bars.csv", index=False)
    remarks = " ".join(_read(tmp_path / "bars.csv").remarks)
    assert "AAA x0.25 at 2024-01-01 jumped by a ratio typical of splits" in remarks
    assert "BBB x100 at 2024-01-01 changed about hundredfold" in remarks and "CCC" not in remarks
    split = np.where((table["symbol"] == "AAA") & (table["timestamp"] == HOURS[21]), 4.0, 0.0)
    table.assign(split=split).to_csv(tmp_path / "bars.csv", index=False)
    assert "typical of splits" not in " ".join(_read(tmp_path / "bars.csv").remarks)


NUMBERS = [
    (["1.204,50", "217,25"], [1204.5, 217.25]),
    (["1,204.50", "1,217"], [1204.5, 1217]),
    (["1 204,5", "217,5"], [1204.5, 217.5]),
    (["1'204.5", "217.5"], [1204.5, 217.5]),
    (["1e3", " 12 "], [1000, 12]),
    (["n.a.", "12.5"], [np.nan, 12.5]),
    (["NaN", "-"], [np.nan, np.nan]),
]


@pytest.mark.parametrize(("cells", "values"), NUMBERS)
def test_numbers_as_text(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    """Marks of thousands and decimals by the evidence of the column; words for nothing are missing."""
    rows = [f"{t:%Y-%m-%d %H:%M}\tAAA\t100\t{cell}" for t, cell in zip(HOURS, cells, strict=False)]
    reading = _read(_csv(tmp_path, "\n".join(["timestamp\tsymbol\tclose\tvolume", *rows])))
    read = reading.table["volume"].tolist() if "volume" in reading.table else [np.nan] * len(cells)
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1,204", "2,350"], r"column 'volume' has '1,204', which is 1204 or 1.204"),
        (["1,20", "1.5"], "both decimal commas and decimal points"),
        (["1.2M", "3"], r"line 2: column 'volume' has '1.2M', expected a number"),
    ],
)
def test_numbers_that_are_refused(tmp_path: Path, cells: list[str], message: str) -> None:
    """Two readings, two marks, or no number at all."""
    rows = [f"{t:%Y-%m-%d %H:%M}\tAAA\t100\t{cell}" for t, cell in zip(HOURS, cells, strict=False)]
    file = _csv(tmp_path, "\n".join(["timestamp\tsymbol\tclose\tvolume", *rows]))
    with pytest.raises(DataError, match=message):
        _read(file)


def test_a_given_decimal_mark(tmp_path: Path) -> None:
    """Settles what the cells do not."""
    file = _csv(tmp_path, "timestamp\tsymbol\tclose\n2024-01-01 01:00\tA\t1,204\n2024-01-01 02:00\tA\t1,210")
    assert _read(file, decimal=".").table["close"].tolist() == [1204, 1210]
    assert _read(file, decimal=",").table["close"].tolist() == [1.204, 1.21]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.csv", "", "empty.csv is empty"),
        ("head.csv", "timestamp,symbol,close\n", "head.csv has no rows below its header"),
        ("bad.parquet", "no parquet", "bad.parquet cannot be read as Parquet"),
        ("a.csv", "symbol,close\nA,1", "no column of times; it has symbol, close"),
        ("b.csv", "timestamp,symbol,last\n2024-01-01 01:00,A,1", "no column of closing prices"),
        ("c.csv", "timestamp,symbol,close,Close\n2024-01-01 01:00,A,1,2", "two columns for close"),
        ("d.csv", "1,2,3\n4,5,6", "has no header line"),
        ("e.csv", "timestamp,symbol,close\n31/01/2024,A,1\n01/31/2024,A,2", "has the day first"),
        ("f.csv", "timestamp,symbol,close\n45201,A,1\n45202,A,1", "serial date of Excel"),
        ("g.csv", "timestamp,symbol,close\nMonday,A,1\nTuesday,A,1", "'Monday' is no date or time"),
        ("h.csv", "timestamp,symbol,close,close\n2024-01-01 01:00,A,1,2", "column 'close' more than once"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    """The error names the file and what was expected."""
    with pytest.raises(DataError, match=message):
        _read(_csv(tmp_path, text, name))


def test_paths_that_are_refused(tmp_path: Path) -> None:
    """No such file, a folder without data, another kind of file, both kinds at once."""
    with pytest.raises(SettingError, match="no such file"):
        _read(tmp_path / "absent.csv")
    _csv(tmp_path, "x", "notes.md")
    with pytest.raises(DataError, match=r"has no data files, .parquet or .csv; it has 1 files of other kinds"):
        _read(tmp_path)
    with pytest.raises(SettingError, match=r"prices.xlsx must end in .parquet or .csv"):
        _read(_csv(tmp_path, "x", "prices.xlsx"))
    _csv(tmp_path, "timestamp,symbol,close\n2024-01-01 01:00,A,1")
    TABLE.to_parquet(tmp_path / "bars.parquet")
    with pytest.raises(DataError, match="both Parquet and CSV"):
        _read(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "bloomberg"}, "preset is 'bloomberg'; expected one of 'auto'"),
        ({"time_zone": "New York"}, "expected an IANA name"),
        ({"columns": {"close": "Last"}}, "column close=Last: bars.csv has no column 'Last'"),
    ],
)
def test_options_that_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    """A setting that does not fit names what does."""
    TABLE.to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(SettingError, match=message):
        _read(tmp_path / "bars.csv", **options)


def test_a_mapping_of_columns(tmp_path: Path) -> None:
    """Names that are not recognized are given, without regard to case."""
    TABLE.rename(columns={"timestamp": "when", "symbol": "who", "close": "Fixing"}).to_csv(
        tmp_path / "b.csv", index=False
    )
    names = {"timestamp": "When", "symbol": "who", "close": "fixing"}
    assert len(_read(tmp_path / "b.csv", columns=names).table) == 96


def test_columns_of_text_are_no_fields(tmp_path: Path) -> None:
    """A sector is said, not dropped in silence; further numbers are fields."""
    TABLE.assign(sector="Energy", **{"Short Interest": 0.1}).to_csv(tmp_path / "bars.csv", index=False)
    reading = _read(tmp_path / "bars.csv")
    assert "short_interest" in reading.table and "sector" not in reading.table
    assert "columns of text, not fields: sector" in reading.remarks
