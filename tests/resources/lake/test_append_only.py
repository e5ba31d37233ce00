"""Append-only tables."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.errors import CorruptFileError
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import TABLES

LEDGER = "signal_track_record"


def outcomes(*symbols: str, net: float = 0.01, decided: str = "2019-06-30") -> pd.DataFrame:
    """Rows of the track record, all scored at one bar of 2019-07-01."""
    day = pd.Timestamp("2019-07-01 20:00", tz="UTC")
    stamps = {"timestamp": day, "decided_at": pd.Timestamp(decided, tz="UTC"), "market": "equities", "decision": "LONG"}
    numbers = {"value": 0.5, "confidence": 0.6, "forward_return": 0.02, "hit": 1.0, "net_return": net}
    return pd.DataFrame([{**stamps, **numbers, "symbol": symbol} for symbol in symbols])


@pytest.fixture(params=["folder", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """The same behaviour on a folder and on an object store."""
    return Lake(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}-{id(request)}")


def test_rows_of_an_append_only_table_stay_and_new_keys_are_added(lake: Lake) -> None:
    """Stored rows never change, rows are in key order, and the same rows give the same bytes."""
    lake.write_range(LEDGER, outcomes("B", "D"), "2019-07-01", "2019-07-01")
    first = lake.read_bytes(f"{LEDGER}/day=2019-07-01/part-0.parquet")
    (again,) = lake.write_range(LEDGER, outcomes("D", "B", net=-0.9), "2019-07-01", "2019-07-01")
    assert lake.read_bytes(f"{LEDGER}/day=2019-07-01/part-0.parquet") == first
    assert (again.rows, again.sha256) == (2, hashlib.sha256(first).hexdigest())
    more = pd.concat([outcomes("A", "B", net=-0.9), outcomes("B", net=-0.5, decided="2019-06-28")])
    (grown,) = lake.write_range(LEDGER, more, "2019-07-01", "2019-07-01")
    rows = lake.read(LEDGER)
    assert grown.rows == 4 and rows["symbol"].tolist() == ["A", "B", "B", "D"]
    assert rows["net_return"].tolist() == [-0.9, -0.5, 0.01, 0.01]
    lake.write_range(LEDGER, TABLES[LEDGER].empty(), "2019-07-01", "2019-07-01")
    pd.testing.assert_frame_equal(lake.read(LEDGER), rows)


def test_a_damaged_append_only_file_is_refused_not_replaced(tmp_path: Path) -> None:
    """Its rows cannot be computed again, so a person decides on the repair."""
    lake = Lake(str(tmp_path))
    (stored,) = lake.write_range(LEDGER, outcomes("A"), "2019-07-01", "2019-07-01")
    Path(stored.path).write_bytes(b"PAR1 not what was written")
    with pytest.raises(CorruptFileError, match="never rewritten: restore a copy"):
        lake.write_range(LEDGER, outcomes("A"), "2019-07-01", "2019-07-01")
    assert Path(stored.path).read_bytes() == b"PAR1 not what was written"


def test_many_writers_of_one_append_only_day_lose_no_row(tmp_path: Path) -> None:
    """Reading, appending and publishing are atomic where the store has locks."""
    lake = Lake(str(tmp_path))
    names = [f"S{n:02}" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: lake.write_range(LEDGER, outcomes(name), "2019-07-01", "2019-07-01"), names))
    assert lake.read(LEDGER)["symbol"].tolist() == names
