"""Reading and writing tables and files of the lake."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from alpha_pipeline.errors import DataError, LakeError, MissingPartitionError, SettingError
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import INT, LIBRARY, RAW_FUNDING, RAW_OHLCV, TABLES, TEXT, TIME, Column

KEY = "crypto/market_panel"


@pytest.fixture(params=["folder", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """The same behaviour on a folder and on an object store."""
    return Lake(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}-{id(request)}")


def panel(first: str, bars: int, **fields: float) -> pd.DataFrame:
    """`bars` six-hourly closes after `first` 00:00 of two symbols, newest first, each field a constant."""
    closes = pd.date_range(first, periods=bars + 1, freq="6h", tz="UTC")[:0:-1]
    grid = pd.MultiIndex.from_product([closes, ["ETH", "BTC"]], names=["timestamp", "symbol"])
    return pd.DataFrame(fields or {"close": 1.0}, index=grid).reset_index()


def test_a_range_is_stored_by_day_in_hive_folders(tmp_path: Path) -> None:
    """One file per day under `<key>/day=YYYY-MM-DD/`, and the checksums."""
    Lake(str(tmp_path)).write_range(KEY, panel("2019-07-01", 8), "2019-07-01", "2019-07-02")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "_sha256/crypto/market_panel/day=2019-07-01.sha256",
        "_sha256/crypto/market_panel/day=2019-07-02.sha256",
        "crypto/market_panel/day=2019-07-01/part-0.parquet",
        "crypto/market_panel/day=2019-07-02/part-0.parquet",
    ]


def test_the_checksum_file_has_the_format_of_sha256sum(tmp_path: Path) -> None:
    """Digest, two blanks, path relative to the root."""
    (stored,) = Lake(str(tmp_path)).write_range(KEY, panel("2019-07-01", 4), "2019-07-01", "2019-07-01")
    line = (tmp_path / "_sha256/crypto/market_panel/day=2019-07-01.sha256").read_text()
    assert line == f"{stored.sha256}  crypto/market_panel/day=2019-07-01/part-0.parquet\n"
    assert stored.sha256 == hashlib.sha256(Path(stored.path).read_bytes()).hexdigest()


def test_an_unpartitioned_table_is_one_file(lake: Lake) -> None:
    """Unpartitioned tables are at `<key>/part-0.parquet` and are read without days."""
    close = pd.Timestamp("2019-01-01", tz="UTC")
    row = [close, "BTC", close, 1, 2, 0, 1, 9]
    frame = pd.DataFrame([row], columns=[c.name for c in RAW_OHLCV.columns])
    stored = lake.write("crypto/ohlcv_history", frame)
    assert stored.path == lake.url("crypto/ohlcv_history/part-0.parquet")
    assert lake.read("crypto/ohlcv_history")["volume"].tolist() == [9.0]
    assert lake.days("crypto/ohlcv_history") == []


def test_rows_are_read_as_written_sorted_by_keys(lake: Lake) -> None:
    """Values and types are unchanged."""
    frame = panel("2019-07-01", 8)
    frame["close"] = np.arange(16.0)
    frame.loc[3, "close"] = np.nan
    lake.write_range(KEY, frame, "2019-07-01", "2019-07-02")
    read = lake.read(KEY, "2019-07-01", "2019-07-02")
    expected = frame.sort_values(["timestamp", "symbol"], ignore_index=True)
    pd.testing.assert_frame_equal(read, expected, check_dtype=False)
    assert [str(kind) for kind in read.dtypes] == ["datetime64[us, UTC]", "str", "float64"]


def test_a_bar_that_closes_at_midnight_belongs_to_the_day_that_ends(lake: Lake) -> None:
    """Day D holds the closes in (D 00:00, D+1 00:00]."""
    first, second = lake.write_range(KEY, panel("2019-07-01", 5), "2019-07-01", "2019-07-02")
    assert (first.rows, second.rows) == (8, 2)
    assert first.last == pd.Timestamp("2019-07-02 00:00", tz="UTC")
    assert second.first == pd.Timestamp("2019-07-02 06:00", tz="UTC")


def test_a_run_date_is_stored_on_its_own_day(lake: Lake) -> None:
    """Tables by run date are split by the day of their time stamp."""
    run_date = pd.Timestamp("2019-07-02", tz="UTC")
    row = [run_date, "f_1", "f", "close", "0" * 64, "accepted", run_date, "model", "", 0.1, ""]
    frame = LIBRARY.complete(pd.DataFrame([row], columns=[c.name for c in LIBRARY.columns[:11]]))
    stored = lake.write_range("crypto/factor_library", frame, "2019-07-01", "2019-07-02")
    assert [(s.day, s.rows) for s in stored] == [("2019-07-01", 0), ("2019-07-02", 1)]


def test_a_day_without_rows_has_a_file_with_the_schema(lake: Lake) -> None:
    """Empty days are stored with all columns and types."""
    lake.write_range("crypto/raw_ohlcv", RAW_OHLCV.empty(), "2019-07-01", "2019-07-03")
    assert lake.days("crypto/raw_ohlcv") == ["2019-07-01", "2019-07-02", "2019-07-03"]
    pd.testing.assert_frame_equal(lake.read("crypto/raw_ohlcv"), RAW_OHLCV.empty())


@pytest.mark.parametrize("day", ["2019-06-30", "2019-07-03"])
def test_rows_outside_the_range_are_refused_and_nothing_is_written(lake: Lake, day: str) -> None:
    """A run writes all rows or none, and only on its own days."""
    frame = pd.concat([panel("2019-07-01", 8), panel(day, 1)])
    with pytest.raises(DataError, match=r"2 of 18 rows are outside .*first timestamp .*Nothing was written"):
        lake.write_range(KEY, frame, "2019-07-01", "2019-07-02")
    assert lake.days(KEY) == []


def test_a_row_without_a_time_is_refused(lake: Lake) -> None:
    """NaT belongs to no day."""
    frame = panel("2019-07-01", 1)
    frame.loc[0, "timestamp"] = pd.NaT
    with pytest.raises(DataError, match="1 of 2 rows are outside"):
        lake.write_range(KEY, frame, "2019-07-01", "2019-07-01")


def test_a_frame_that_does_not_conform_is_refused_and_nothing_is_written(lake: Lake) -> None:
    """The schema is validated before anything is written."""
    with pytest.raises(DataError, match="missing"):
        lake.write_range(KEY, panel("2019-07-01", 4).drop(columns="symbol"), "2019-07-01", "2019-07-01")
    assert lake.days(KEY) == []


def test_same_rows_give_the_same_bytes_whatever_their_order_or_range(lake: Lake) -> None:
    """Shuffled rows, and one day instead of two, give identical files."""
    frame = panel("2019-07-01", 8, close=2.0, volume=3.0)
    both = lake.write_range(KEY, frame, "2019-07-01", "2019-07-02")
    shuffled = frame.sample(frac=1.0, random_state=1)[["volume", "symbol", "timestamp", "close"]]
    again = lake.write_range(KEY, shuffled, "2019-07-01", "2019-07-02")
    alone = lake.write_range(KEY, frame[frame["timestamp"] > "2019-07-02"], "2019-07-02", "2019-07-02")
    assert both == again
    assert both[1:] == alone


def test_files_are_zstd_with_byte_stream_split_floats(tmp_path: Path) -> None:
    """Floats are byte-stream split, text is dictionary-encoded."""
    (stored,) = Lake(str(tmp_path)).write_range(KEY, panel("2019-07-01", 4), "2019-07-01", "2019-07-01")
    group = pq.ParquetFile(stored.path).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "BYTE_STREAM_SPLIT" in columns["close"].encodings
    assert not columns["close"].has_dictionary_page
    assert columns["symbol"].has_dictionary_page


def test_pandas_and_pyarrow_open_a_table_as_a_hive_dataset(tmp_path: Path) -> None:
    """Other tools read the files without this code and get the day as a column."""
    frame = panel("2019-07-01", 8)
    Lake(str(tmp_path)).write_range(KEY, frame, "2019-07-01", "2019-07-02")
    frame = pd.read_parquet(tmp_path / KEY, filters=[("day", "==", "2019-07-02")])
    assert list(frame.columns) == ["timestamp", "symbol", "close", "day"]
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert len(frame) == 8
    assert pyarrow.dataset.dataset(tmp_path / KEY, partitioning="hive").count_rows() == 16


def test_extra_columns_are_united_and_filled_with_nan(lake: Lake) -> None:
    """A field that a day lacks is NaN there; extras are sorted by name."""
    lake.write_range(KEY, panel("2019-07-01", 1, volume=1.0, close=1.0), "2019-07-01", "2019-07-01")
    lake.write_range(KEY, panel("2019-07-02", 1, close=2.0, age=7.0), "2019-07-02", "2019-07-02")
    read = lake.read(KEY)
    assert list(read.columns) == ["timestamp", "symbol", "age", "close", "volume"]
    assert read["volume"].isna().tolist() == [False, False, True, True]
    assert read["age"].isna().tolist() == [True, True, False, False]


def test_only_requested_columns_are_read_in_their_order(lake: Lake) -> None:
    """Rows are in key order even without the keys."""
    lake.write_range(KEY, panel("2019-07-01", 1, volume=1.0, close=1.0), "2019-07-01", "2019-07-01")
    lake.write_range(KEY, panel("2019-07-02", 1, close=2.0), "2019-07-02", "2019-07-02")
    read = lake.read(KEY, columns=["volume", "symbol"])
    assert list(read.columns) == ["volume", "symbol"]
    assert read["symbol"].tolist() == ["BTC", "ETH"] * 2
    assert read["volume"].isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize("key", [KEY, "crypto/raw_funding"])
def test_an_unknown_column_is_an_error_with_the_available_ones(lake: Lake, key: str) -> None:
    """A misspelt column is an error, not a column of NaN."""
    frame = panel("2019-07-01", 1) if key == KEY else RAW_FUNDING.empty()
    lake.write_range(key, frame, "2019-07-01", "2019-07-01")
    with pytest.raises(DataError, match=r"no column \['clsoe'\].*'(close|funding)'"):
        lake.read(key, columns=["timestamp", "clsoe"])


def test_missing_days_are_an_error_with_the_command_that_computes_them(lake: Lake) -> None:
    """The last line of the error can be copied to a shell."""
    lake.write_range(KEY, panel("2019-07-02", 1), "2019-07-02", "2019-07-02")
    with pytest.raises(MissingPartitionError) as caught:
        lake.read(KEY, "2019-07-01", "2019-07-06")
    assert "5 of 6 days were never materialized" in str(caught.value)
    assert "2019-07-01, 2019-07-03, 2019-07-04, ..." in str(caught.value)
    assert str(caught.value).endswith(
        "dagster asset materialize -m alpha_pipeline.definitions --select crypto/market_panel "
        "--partition-range 2019-07-01...2019-07-06"
    )


def test_allowed_missing_days_are_left_out_and_listed(lake: Lake) -> None:
    """Available days are read; missing ones are listed."""
    lake.write_range(KEY, panel("2019-07-02", 1), "2019-07-02", "2019-07-02")
    frame, missing = lake.read_days(KEY, ["2019-07-01", "2019-07-02"], allow_missing=True)
    assert len(frame) == 2
    assert missing == ["2019-07-01"]
    assert len(lake.read(KEY, "2019-07-01", "2019-07-02", allow_missing=True)) == 2


def test_no_days_give_a_typed_frame_without_rows(lake: Lake) -> None:
    """Zero days are no error: all columns, or the requested ones."""
    frame, missing = lake.read_days("crypto/factor_library", [])
    pd.testing.assert_frame_equal(frame, LIBRARY.empty())
    assert missing == []
    assert list(lake.read_days(KEY, [], columns=["symbol", "close"])[0].dtypes.astype(str)) == ["str", "float64"]


def test_a_table_that_was_never_materialized_is_an_error(lake: Lake) -> None:
    """MissingPartitionError, unless missing days are allowed."""
    with pytest.raises(MissingPartitionError, match="never materialized"):
        lake.read(KEY)
    assert list(lake.read(KEY, allow_missing=True).columns) == ["timestamp", "symbol"]


def test_a_file_older_than_a_column_is_read_with_blanks(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns added to a schema later are blank in older files, with the right type."""
    lake.write_range(KEY, panel("2019-07-01", 1), "2019-07-01", "2019-07-01")
    table = TABLES["market_panel"]
    added = [Column("who", TEXT, "", ""), Column("count", INT, "", ""), Column("since", TIME, "UTC", "")]
    monkeypatch.setitem(TABLES, "market_panel", replace(table, columns=(*table.columns, *added)))
    old = lake.read(KEY, "2019-07-01", "2019-07-01")
    assert (old["who"] == "").all() and (old["count"] == 0).all() and old["since"].isna().all()
    assert old["close"].notna().all() and old["count"].dtype == "int64"
    assert lake.read(KEY, "2019-07-01", "2019-07-01", columns=["who"])["who"].tolist() == [""] * len(old)


def test_a_file_without_a_key_asks_to_be_rebuilt(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema with a new key is a different error than damage."""
    lake.write_range(KEY, panel("2019-07-01", 1), "2019-07-01", "2019-07-01")
    monkeypatch.setitem(TABLES, "market_panel", TABLES["raw_ohlcv"])
    with pytest.raises(DataError, match=r"no columns \['available_at'\], which are keys .*--partition 2019-07-01"):
        lake.read(KEY)


@pytest.mark.parametrize(
    ("start", "end"), [("2019-07-32", "2019-08-01"), ("2019-07-02", "2019-07-01"), ("yesterday", "2019-07-01")]
)
def test_an_invalid_range_is_refused(lake: Lake, start: str, end: str) -> None:
    """Days must be ISO dates in order."""
    with pytest.raises(SettingError):
        lake.read(KEY, start, end)


def test_a_key_that_names_no_table_is_refused(lake: Lake) -> None:
    """The table is found by the last part of the key."""
    with pytest.raises(DataError, match=r"'crypto/market_pannel' ends in no stored table"):
        lake.read("crypto/market_pannel")


def test_every_table_is_sorted_by_its_time_first() -> None:
    """Otherwise days read in order would not be rows in key order."""
    assert all(table.keys[0] == table.time for table in TABLES.values())


def test_any_file_can_be_stored_with_the_same_guarantees(lake: Lake) -> None:
    """Reports and model calls: bytes in, bytes out."""
    assert not lake.exists("calls/ab/ab12.json")
    url = lake.atomic_write("calls/ab/ab12.json", b"{}")
    assert url == lake.url("calls/ab/ab12.json")
    assert lake.exists("calls/ab/ab12.json")
    assert lake.read_bytes("calls/ab/ab12.json") == b"{}"
    with pytest.raises(LakeError, match="there is no file"):
        lake.read_bytes("calls/ab/other.json")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a//b", "", ".tmp-1", "a/./b", "a\0b", "a b"])
def test_paths_stay_inside_the_lake(lake: Lake, path: str) -> None:
    """No path leads outside, and none has the name of a temporary file."""
    with pytest.raises(LakeError, match="no path inside the lake"):
        lake.atomic_write(path, b"")


@pytest.mark.parametrize("root", ["", "nonsense://x"])
def test_an_invalid_root_is_refused(root: str) -> None:
    """The root is validated when the lake is opened."""
    with pytest.raises(SettingError, match="root"):
        Lake(root)


def test_a_file_without_rows_may_be_older_than_a_key(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days without rows need not be rebuilt when a table gets another key."""
    lake.write_range(KEY, panel("2019-07-01", 1).iloc[:0], "2019-07-01", "2019-07-01")
    monkeypatch.setitem(TABLES, "market_panel", TABLES["raw_ohlcv"])
    assert lake.read(KEY).empty
