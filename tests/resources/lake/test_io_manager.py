"""The I/O manager in in-process runs: days, ranges, look-back, unpartitioned tables, missing and invalid ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from alpha_pipeline.errors import CorruptFileError, DataError, MissingPartitionError
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.tables import RAW_OHLCV

DAYS = dg.DailyPartitionsDefinition("2019-07-01")
RAW, PANEL, TRIALS = (dg.AssetKey(["crypto", n]) for n in ("raw_ohlcv", "market_panel", "factor_definitions"))
Seen = dict[str, pd.DataFrame]


def bars(keys: Sequence[str]) -> pd.DataFrame:
    """Two six-hourly closes a day of one symbol, the second at midnight."""
    closes = [pd.Timestamp(key, tz="UTC") + pd.Timedelta(hours=h) for key in keys for h in (12, 24)]
    frame = pd.DataFrame({"timestamp": closes, "symbol": "BTC", "available_at": closes})
    return frame.assign(open=1.0, high=1.0, low=1.0, close=range(len(closes)), volume=1.0)


def graph(seen: Seen, panel_in: dg.AssetIn, raw: Callable[[Sequence[str]], Any] = bars) -> list[Any]:
    """Raw bars and a panel that reads them through `panel_in` and stores its input in `seen`."""

    @dg.asset(key=RAW, partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def raw_ohlcv(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return raw(context.partition_keys)

    @dg.asset(key=PANEL, partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), ins={"raw": panel_in})
    def market_panel(context: dg.AssetExecutionContext, raw: pd.DataFrame) -> pd.DataFrame:
        seen["raw"] = raw
        first = pd.Timestamp(context.partition_keys[0], tz="UTC")
        return raw.loc[raw["timestamp"] > first, ["timestamp", "symbol", "close"]]

    return [raw_ohlcv, market_panel]


def run(
    assets: Sequence[Any], root: Path | str, first: str | None = None, last: str | None = None, select: Any = None
) -> dg.ExecuteInProcessResult:
    """Materialize a day, a range of days in one run, or an unpartitioned asset."""
    tags = {"dagster/asset_partition_range_start": first or "", "dagster/asset_partition_range_end": last or ""}
    return dg.materialize(
        assets,
        resources={"io_manager": ParquetIOManager(root=str(root))},
        partition_key=None if last else first,
        tags=tags if last else None,
        selection=select,
    )


def lookback(days: int, **metadata: Any) -> dg.AssetIn:
    mapping = dg.TimeWindowPartitionMapping(start_offset=-days, allow_nonexistent_upstream_partitions=True)
    return dg.AssetIn(RAW, partition_mapping=mapping, metadata=metadata)


def test_a_range_is_written_by_day_and_read_as_one_frame_with_its_lookback(tmp_path: Path) -> None:
    """Thirty-one days in one run; then two days with a look-back of three days."""
    seen: Seen = {}
    assets = graph(seen, lookback(3))
    run(assets, tmp_path, "2019-07-01", "2019-07-31", [RAW])
    run(assets, tmp_path, "2019-07-10", "2019-07-11", [PANEL])
    assert ParquetIOManager(root=str(tmp_path)).lake.days("crypto/raw_ohlcv")[-1] == "2019-07-31"
    assert seen["raw"]["timestamp"].is_unique
    assert seen["raw"]["timestamp"].min() == pd.Timestamp("2019-07-07 12:00", tz="UTC")
    assert seen["raw"]["timestamp"].max() == pd.Timestamp("2019-07-12 00:00", tz="UTC")
    assert ParquetIOManager(root=str(tmp_path)).lake.days("crypto/market_panel") == ["2019-07-10", "2019-07-11"]


def test_an_input_can_reach_back_to_the_first_day_of_the_table(tmp_path: Path) -> None:
    """A single day and a range get the same history, beyond the mapping; a missing day is an error."""
    seen: Seen = {}
    assets = graph(seen, lookback(3, from_the_first=True))
    run(assets, tmp_path, "2019-07-01", "2019-07-31", [RAW])
    run(assets, tmp_path, "2019-07-31", None, [PANEL])
    alone = seen["raw"]
    run(assets, tmp_path, "2019-07-20", "2019-07-31", [PANEL])
    pd.testing.assert_frame_equal(alone, seen["raw"])
    assert alone["timestamp"].min() == pd.Timestamp("2019-07-01 12:00", tz="UTC")
    (tmp_path / "crypto/raw_ohlcv/day=2019-07-05/part-0.parquet").unlink()
    with pytest.raises(MissingPartitionError, match="2019-07-05"):
        run(assets, tmp_path, "2019-07-31", None, [PANEL])


def test_a_single_day_runs_on_an_object_store(request: pytest.FixtureRequest) -> None:
    """The root may be a URL."""
    seen: Seen = {}
    root = f"memory://io-{id(request)}"
    run(graph(seen, dg.AssetIn(RAW)), root, "2019-07-01")
    assert len(seen["raw"]) == 2
    assert len(ParquetIOManager(root=root).lake.read("crypto/market_panel", "2019-07-01", "2019-07-01")) == 2


def test_the_lookback_before_the_first_day_does_not_exist_and_is_no_error(tmp_path: Path) -> None:
    """On the first day of the graph a window has one day."""
    seen: Seen = {}
    run(graph(seen, lookback(98)), tmp_path, "2019-07-01")
    assert len(seen["raw"]) == 2


def test_an_input_can_select_columns(tmp_path: Path) -> None:
    """Only these are read."""
    seen: Seen = {}
    run(graph(seen, lookback(1, columns=["timestamp", "symbol", "close"])), tmp_path, "2019-07-01", "2019-07-02")
    assert list(seen["raw"].columns) == ["timestamp", "symbol", "close"]


def test_a_missing_upstream_day_is_an_error_with_the_command(tmp_path: Path) -> None:
    """With the asset, the number of missing days, the first ones, and the command."""
    assets = graph({}, lookback(5))
    run(assets, tmp_path, "2019-07-06", None, [RAW])
    with pytest.raises(MissingPartitionError) as caught:
        run(assets, tmp_path, "2019-07-06", None, [PANEL])
    message = str(caught.value)
    assert "crypto/raw_ohlcv: 5 of 6 days were never materialized" in message
    assert "2019-07-01, 2019-07-02, 2019-07-03, ..." in message
    assert message.endswith("--select crypto/raw_ohlcv --partition-range 2019-07-01...2019-07-05")


def test_missing_days_can_be_allowed(tmp_path: Path) -> None:
    """`allow_missing` reads the available days."""
    seen: Seen = {}
    assets = graph(seen, lookback(5, allow_missing=True))
    run(assets, tmp_path, "2019-07-06", None, [RAW])
    run(assets, tmp_path, "2019-07-06", None, [PANEL])
    assert len(seen["raw"]) == 2


def test_only_days_before_the_run_may_be_missing(tmp_path: Path) -> None:
    """With `allow_missing="earlier"` the run's own days are required, those of the look-back are not."""
    seen: Seen = {}
    assets = graph(seen, lookback(2, allow_missing="earlier"))
    run(assets, tmp_path, "2019-07-09", "2019-07-10", [RAW])
    run(assets, tmp_path, "2019-07-10", None, [PANEL])
    assert seen["raw"]["timestamp"].min() == pd.Timestamp("2019-07-09 12:00", tz="UTC")
    with pytest.raises(MissingPartitionError, match="2019-07-11"):
        run(assets, tmp_path, "2019-07-10", "2019-07-11", [PANEL])


def test_an_asset_without_earlier_days_gets_a_typed_frame_without_rows(tmp_path: Path) -> None:
    """The first run date of a self-dependent asset maps to zero keys."""
    seen: Seen = {}
    past = dg.TimeWindowPartitionMapping(start_offset=-9, end_offset=-1, allow_nonexistent_upstream_partitions=True)

    @dg.asset(key=RAW, partitions_def=DAYS, ins={"past": dg.AssetIn(RAW, partition_mapping=past)})
    def raw_ohlcv(context: dg.AssetExecutionContext, past: pd.DataFrame) -> pd.DataFrame:
        seen[context.partition_key] = past
        return bars(context.partition_keys)

    run([raw_ohlcv], tmp_path, "2019-07-01")
    run([raw_ohlcv], tmp_path, "2019-07-02")
    pd.testing.assert_frame_equal(seen["2019-07-01"], RAW_OHLCV.empty())
    assert len(seen["2019-07-02"]) == 2


def test_an_unpartitioned_table_is_read_by_a_partitioned_asset(tmp_path: Path) -> None:
    """Unpartitioned assets have one file, which every day reads."""
    seen: Seen = {}
    history = dg.AssetKey(["crypto", "ohlcv_history"])

    @dg.asset(key=history)
    def ohlcv_history() -> pd.DataFrame:
        return bars(["2019-06-30"])

    @dg.asset(key=RAW, partitions_def=DAYS, ins={"history": dg.AssetIn(history)})
    def raw_ohlcv(context: dg.AssetExecutionContext, history: pd.DataFrame) -> pd.DataFrame:
        seen["history"] = history
        return bars(context.partition_keys)

    run([ohlcv_history], tmp_path)
    run([ohlcv_history, raw_ohlcv], tmp_path, "2019-07-01", None, [RAW])
    assert len(seen["history"]) == 2
    assert (tmp_path / "crypto/ohlcv_history/part-0.parquet").is_file()


def test_every_day_of_a_range_has_its_own_metadata(tmp_path: Path) -> None:
    """Row count, path, bytes and time range per partition, not per run."""
    assets = graph({}, dg.AssetIn(RAW), raw=lambda keys: bars([k for k in keys if k != "2019-07-02"]))
    result = run(assets, tmp_path, "2019-07-01", "2019-07-03", [RAW])
    by_day = {m.partition: m.metadata for m in result.asset_materializations_for_node("crypto__raw_ohlcv")}
    assert {day: meta["dagster/row_count"].value for day, meta in by_day.items()} == {
        "2019-07-01": 2,
        "2019-07-02": 0,
        "2019-07-03": 2,
    }
    assert by_day["2019-07-03"]["path"].value == f"{tmp_path}/crypto/raw_ohlcv/day=2019-07-03/part-0.parquet"
    assert by_day["2019-07-03"]["first_time"].value == "2019-07-03 12:00:00+00:00"
    assert by_day["2019-07-03"]["last_time"].value == "2019-07-04 00:00:00+00:00"
    assert (
        by_day["2019-07-02"]["bytes"].value
        == (tmp_path / "crypto/raw_ohlcv/day=2019-07-02/part-0.parquet").stat().st_size
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (lambda keys: bars(["2019-06-30", *keys]), r"2 of 6 rows are outside the days 2019-07-01 \.\.\. 2019-07-02"),
        (lambda keys: bars(keys).drop(columns="close"), r"missing \['close'\]"),
        (lambda keys: pd.concat([bars(keys)] * 2), "repeat the keys"),
    ],
)
def test_a_run_writes_nothing_until_its_whole_frame_conforms(tmp_path: Path, raw: Any, reason: str) -> None:
    """With one wrong row or column no stored day changes."""
    with pytest.raises(DataError, match=reason):
        run(graph({}, dg.AssetIn(RAW), raw), tmp_path, "2019-07-01", "2019-07-02", [RAW])
    assert list(tmp_path.iterdir()) == []


def test_an_asset_that_returns_no_frame_is_an_error(tmp_path: Path) -> None:
    """Only frames can be stored."""
    context = dg.build_output_context(asset_key=RAW, partition_key="2019-07-01")
    with pytest.raises(DataError, match="crypto/raw_ohlcv returned dict; expected a pandas DataFrame"):
        ParquetIOManager(root=str(tmp_path)).handle_output(context, {"close": 1})  # type: ignore[arg-type]  # the point


def test_a_corrupt_upstream_day_fails_the_step_and_its_command_repairs_it(tmp_path: Path) -> None:
    """The run fails with CorruptFileError; materializing the named day again repairs it."""
    seen: Seen = {}
    assets = graph(seen, dg.AssetIn(RAW))
    run(assets, tmp_path, "2019-07-01")
    part = tmp_path / "crypto/raw_ohlcv/day=2019-07-01/part-0.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(CorruptFileError, match="--select crypto/raw_ohlcv --partition 2019-07-01"):
        run(assets, tmp_path, "2019-07-01", None, [PANEL])
    run(assets, tmp_path, "2019-07-01", None, [RAW])
    run(assets, tmp_path, "2019-07-01", None, [PANEL])
    assert len(seen["raw"]) == 2
