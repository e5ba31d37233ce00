"""The panel of the graph over an outage: carried bars by day, the same alone and in a range, counted by coverage."""

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.definitions import build_defs
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake

DAYS = ["2019-07-01", "2019-07-02", "2019-07-03"]
MIDNIGHT = pd.Timestamp("2019-07-02", tz="UTC")
HOUR = pd.Timedelta(hours=1)
SYMBOLS = ("BTCUSD", "EOSUSD", "ETHUSD", "LTCUSD", "XRPUSD")


def raw() -> pd.DataFrame:
    """Three days of hourly bars of five coins; all are out from 22:00 to 03:00, one of them until 07:00; funding."""
    closes = pd.date_range("2019-07-01 01:00", periods=72, freq="h", tz="UTC").as_unit("us")
    table = pd.DataFrame({"timestamp": np.repeat(closes, 5), "symbol": SYMBOLS * 72})
    price = 100 + np.arange(360.0)
    table = table.assign(available_at=table["timestamp"], open=price, high=price, low=price, close=price, volume=1.0)
    out = table["timestamp"].between(MIDNIGHT - 2 * HOUR, MIDNIGHT + 3 * HOUR)
    longer = table["timestamp"].between(MIDNIGHT, MIDNIGHT + 7 * HOUR) & (table["symbol"] == "BTCUSD")
    return table[~out & ~longer]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Raw bars and a funding rate an hour before the outage."""
    lake = Lake(str(tmp_path / "lake"))
    lake.write_range("crypto/raw_ohlcv", raw(), DAYS[0], DAYS[-1])
    stamp = MIDNIGHT - 3 * HOUR
    funding = pd.DataFrame({"timestamp": [stamp], "symbol": "BTCUSD", "available_at": stamp, "funding": 0.01})
    lake.write_range("crypto/raw_funding", funding, DAYS[0], DAYS[-1])
    return lake


def materialize(lake: Lake, table: str, first: str, last: str = "") -> dg.ExecuteInProcessResult:
    """One run of the real definitions."""
    job = build_defs({"lake": ParquetIOManager(root=lake.root)}).resolve_implicit_global_asset_job_def()
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if last else None
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            asset_selection=[dg.AssetKey(["crypto", table])],
            partition_key=None if last else first,
            tags=tags,
            instance=instance,
        )


def test_a_gap_over_midnight_is_carried_in_both_days(lake: Lake) -> None:
    """
    The day before gives the last close; six hours of it are carried, with the funding known then.

    Day by day, out of order or in one run, the stored rows are the same.
    """
    for day in DAYS:
        assert materialize(lake, "market_panel", day).success
    panel = lake.read("crypto/market_panel")
    carried = panel[panel["carried"] == 1]
    assert carried["timestamp"].min() == MIDNIGHT - 2 * HOUR and carried["timestamp"].max() == MIDNIGHT + 3 * HOUR
    assert len(carried) == 6 * 5 and (carried["volume"] == 0).all()
    before = panel[panel["timestamp"] == MIDNIGHT - 3 * HOUR].set_index("symbol")["close"]
    assert (carried["close"].to_numpy() == before.loc[carried["symbol"]].to_numpy()).all()
    assert (carried.loc[carried["symbol"] == "BTCUSD", "funding"] == 0.01).all()
    assert panel.groupby("symbol").size().to_dict() == {"BTCUSD": 68, **dict.fromkeys(SYMBOLS[1:], 72)}
    materialize(lake, "market_panel", DAYS[0], DAYS[-1])
    pd.testing.assert_frame_equal(lake.read("crypto/market_panel"), panel)


def test_the_first_day_joins_the_history(lake: Lake) -> None:
    """Without the raw rows of the day before, the gap at the start of a day is carried when the panel is read."""
    table = raw()
    history, days = table[table["timestamp"] <= MIDNIGHT], table[table["timestamp"] > MIDNIGHT]
    late = Lake(lake.root + "-late")
    late.write_range("crypto/raw_ohlcv", days, DAYS[1], DAYS[2])
    for name in DAYS[1:]:
        assert materialize(late, "market_panel", name).success
    stored = late.read("crypto/market_panel")
    assert stored["timestamp"].min() == MIDNIGHT + 4 * HOUR
    whole = with_history(table, stored.iloc[:0], CRYPTO)
    np.testing.assert_array_equal(with_history(history, stored, CRYPTO)["close"], whole["close"])


def test_coverage_counts_carried_and_missing_bars(lake: Lake) -> None:
    """Of 120 bars due on the second day 19 are not there: 15 carried, 4 missing."""
    result = materialize(lake, "data_coverage", DAYS[1])
    row = lake.read("crypto/data_coverage").set_index("source").loc["ohlcv"]
    assert (row["rows"], row["carried"], row["missing"], row["status"]) == (101, 15, 4, "late")
    metadata = result.asset_materializations_for_node("crypto__data_coverage")[0].metadata
    assert (metadata["carried_bars"].value, metadata["missing_bars"].value) == (15, 4)
