"""Files as a source of the graph: new rows are new days, facts are joined as known, faults reach the quarantine."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import DataError, SettingError, SourceError
from alpha_pipeline.market.markets import EQUITIES, Market
from alpha_pipeline.resources.files.file_source import FileBars, FileFacts
from alpha_pipeline.resources.files.universe_file import read_universe
from alpha_pipeline.resources.ingest.collector import Collector
from alpha_pipeline.resources.ingest.ingestion_gate import IngestionGate, rejected_by_day
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.market_data import BarSource
from alpha_pipeline.settings import FactSettings, FileSettings

DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")


def _rows(days: tuple[str, ...] = DAYS, **columns: float) -> pd.DataFrame:
    closes = np.arange(2 * len(days)) + 10.0
    frame = pd.DataFrame({"date": np.repeat(days, 2), "symbol": ["AAA", "NA"] * len(days), "close": closes})
    return frame.assign(open=closes, high=closes + 1, low=closes - 1, volume=100.0, **columns)


def _market(folder: Path, facts: dict[str, FactSettings] | None = None, **files: str) -> Market:
    own = FileSettings(path=str(folder / "bars.csv"), **files)
    return replace(EQUITIES, name="stocks", source="files", files=own, facts=facts or {})


def _moment(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


def _collect(market: Market, lake: Lake, first: str, last: str) -> pd.DataFrame:
    """The days [first, last] as `raw_ohlcv` collects them."""
    gate = IngestionGate(lake, "stocks/raw_ohlcv", tables.RAW_OHLCV, market)
    source = FileBars(market)
    collector = Collector(
        lake, gate.key, market, source.symbols(market), [BarSource(source)], required=True, look_back=pd.Timedelta(0)
    )
    end = _moment(last) + pd.Timedelta(days=1)
    return collector.collect(_moment(first), end, gate.accept, judge=gate.judge).table


def test_a_date_is_the_close_of_its_session(tmp_path: Path) -> None:
    """History and windows have the columns of the table; further numeric columns follow."""
    _rows(beta=1.5).to_csv(tmp_path / "bars.csv", index=False)
    market = _market(tmp_path)
    source = FileBars(market)
    assert source.symbols(market) == ("AAA", "NA")
    assert [str(moment) for moment in source.coverage(market)] == [
        "2024-01-02 21:00:00+00:00", "2024-01-05 21:00:00+00:00"
    ]  # fmt: skip
    table = source.fetch_ohlcv(market, None, _moment("2024-01-03"), _moment("2024-01-04"))
    assert table["close"].tolist() == [12.0, 13.0] and table["beta"].tolist() == [1.5, 1.5]
    assert len(source.history(market, _moment("2024-01-04"))) == 4


def test_new_rows_are_new_days(tmp_path: Path) -> None:
    """Stored days keep their bytes when the file grows; the new day has the new rows."""
    market, lake = _market(tmp_path), Lake(str(tmp_path / "lake"))
    _rows(DAYS[:3]).to_csv(tmp_path / "bars.csv", index=False)
    _collect(market, lake, DAYS[0], DAYS[2])
    before = {day: lake.read_bytes(f"stocks/raw_ohlcv/day={day}/part-0.parquet") for day in DAYS[:3]}
    with pytest.raises(SourceError, match=r"files of stocks .* has no bar in .*2024-01-05"):
        _collect(market, lake, DAYS[3], DAYS[3])
    _rows().to_csv(tmp_path / "bars.csv", index=False)
    table = _collect(market, lake, DAYS[0], DAYS[3])
    assert table["close"].tolist() == (np.arange(8) + 10.0).tolist()
    assert {day: lake.read_bytes(f"stocks/raw_ohlcv/day={day}/part-0.parquet") for day in DAYS[:3]} == before


def test_a_file_that_loses_a_column_is_refused_and_nothing_stored_is_touched(tmp_path: Path) -> None:
    """The error names the file and the column."""
    market, lake = _market(tmp_path), Lake(str(tmp_path / "lake"))
    _rows(DAYS[:3]).to_csv(tmp_path / "bars.csv", index=False)
    _collect(market, lake, DAYS[0], DAYS[2])
    before = lake.read_bytes(f"stocks/raw_ohlcv/day={DAYS[0]}/part-0.parquet")
    _rows().rename(columns={"close": "last_trade"}).to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises((DataError, SettingError), match=r"bars.csv.*close"):
        _collect(market, lake, DAYS[0], DAYS[3])
    assert lake.read_bytes(f"stocks/raw_ohlcv/day={DAYS[0]}/part-0.parquet") == before


def test_impossible_rows_are_quarantined(tmp_path: Path) -> None:
    """Counted on their day with the reason of vendors' rows."""
    market, lake = _market(tmp_path), Lake(str(tmp_path / "lake"))
    rows = _rows()
    rows.loc[4, "high"] = 1.0
    rows.to_csv(tmp_path / "bars.csv", index=False)
    table = _collect(market, lake, DAYS[0], DAYS[3])
    assert len(table) == 7
    assert rejected_by_day(lake, "stocks/raw_ohlcv", DAYS) == {DAYS[0]: 0, DAYS[1]: 0, DAYS[2]: 1, DAYS[3]: 0}
    assert b"high below low" in lake.read_bytes(f"quarantine/stocks/raw_ohlcv/{DAYS[2]}.json")


def test_facts_are_joined_as_known_at_each_close(tmp_path: Path) -> None:
    """A figure published after the close counts from the next bar on, in history and days alike."""
    _rows().to_csv(tmp_path / "bars.csv", index=False)
    pd.DataFrame(
        {
            "symbol": ["AAA", "AAA"], "timestamp": ["2023-12-31", "2024-01-03"],
            "available_at": ["2024-01-02 12:00", "2024-01-03 22:00"], "book_value": [5.0, 6.0],
        }
    ).to_csv(tmp_path / "reports.csv", index=False)  # fmt: skip
    market = _market(tmp_path, {"fundamentals": FactSettings(path=str(tmp_path / "reports.csv"))})
    history = FileBars(market).history(market, _moment("2024-01-06"))
    values = history.pivot(index="timestamp", columns="symbol", values="book_value")
    assert values["AAA"].tolist() == [5.0, 5.0, 6.0, 6.0] and values["NA"].isna().all()


def test_facts_of_a_kind_with_a_table_have_a_source(tmp_path: Path) -> None:
    """Funding of a file is fetched by the time it became known."""
    pd.DataFrame(
        {"symbol": ["AAA"], "timestamp": ["2024-01-03 08:00"], "available_at": ["2024-01-03 08:00"], "funding": [0.01]}
    ).to_csv(tmp_path / "funding.csv", index=False)
    source = FileFacts("funding", FactSettings(path=str(tmp_path / "funding.csv")))
    found = source.fetch(_market(tmp_path), ("AAA",), _moment("2024-01-03"), _moment("2024-01-04")).table
    assert found["funding"].tolist() == [0.01]
    assert source.fetch(_market(tmp_path), ("AAA",), _moment("2024-01-04"), _moment("2024-01-05")).table.empty


def test_a_universe_is_a_list_or_a_file(tmp_path: Path) -> None:
    """One symbol a line, or a column; a symbol that the files lack is named."""
    (tmp_path / "lines.txt").write_text("NA\n\n# delisted\nAAA\n")
    (tmp_path / "table.csv").write_text("Symbol,from\nNA,2020-01-01\n000001,2020-01-01\n")
    assert read_universe(str(tmp_path / "lines.txt")) == ("AAA", "NA")
    assert read_universe(str(tmp_path / "table.csv")) == ("000001", "NA")
    _rows().to_csv(tmp_path / "bars.csv", index=False)
    market = _market(tmp_path)
    assert FileBars(market, ("NA",)).symbols(market) == ("NA",)
    with pytest.raises(SourceError, match="has no symbol 'AAB'; did you mean 'AAA'"):
        FileBars(market, ("AAB",)).symbols(market)
    with pytest.raises(SettingError, match="does not exist"):
        read_universe(str(tmp_path / "absent.csv"))


def test_a_universe_may_change(tmp_path: Path) -> None:
    """Bars of a symbol count on the days on which it belongs to the universe, both ends included."""
    _rows().to_csv(tmp_path / "bars.csv", index=False)
    (tmp_path / "universe.csv").write_text(f"symbol,from,to\nAAA,,{DAYS[1]}\nAAA,{DAYS[3]},\nNA,{DAYS[2]},\n")
    market = replace(_market(tmp_path), universe=(str(tmp_path / "universe.csv"),))
    history = FileBars(market).history(market, _moment("2024-01-06"))
    days = history["timestamp"].dt.strftime("%Y-%m-%d")
    assert days[history["symbol"] == "AAA"].tolist() == [DAYS[0], DAYS[1], DAYS[3]]
    assert days[history["symbol"] == "NA"].tolist() == [DAYS[2], DAYS[3]]
    (tmp_path / "universe.csv").write_text("symbol,from,to\nAAA,soon,\n")
    with pytest.raises(SettingError, match="from and to are days as YYYY-MM-DD"):
        FileBars(market).history(market, _moment("2024-01-06"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """By its name, not by a traceback."""
    (tmp_path / "bars.csv").mkdir()
    market = _market(tmp_path)
    with pytest.raises((SettingError, DataError), match=r"bars.csv"):
        FileBars(market).history(market, _moment("2024-01-06"))
