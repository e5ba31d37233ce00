"""Execution of a step: retries of failed sources, and the lock of its table."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.assets.wiring import execution, table_asset
from alpha_pipeline.assets.wiring.table_asset import parquet_asset
from alpha_pipeline.errors import DataError, SourceError
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.table_lock import lock_file

DAY = "2019-09-30"


def run(compute: Callable[[], pd.DataFrame], lake: Path) -> dg.ExecuteInProcessResult:
    """One day of a table whose function is `compute`."""

    @parquet_asset(tables.FUSED_SIGNAL, "signal", description="under test")
    def fused(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return compute()

    resources = {"lake": ParquetIOManager(root=str(lake))}
    return dg.materialize([fused], partition_key=DAY, resources=resources, raise_on_error=False)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without waits."""
    monkeypatch.setattr(execution, "RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(execution, "LIVE", True)


@pytest.mark.parametrize(
    ("error", "failures", "tries", "succeeds"),
    [
        (SourceError("the vendor is down"), 1, 2, True),
        (SourceError("the vendor is down"), 2, 3, True),
        (SourceError("the vendor is down"), 9, 3, False),
        (DataError("a column is missing"), 1, 1, False),
        (KeyError("a defect"), 1, 1, False),
    ],
)
def test_only_failed_sources_are_retried(
    tmp_path: Path, error: Exception, failures: int, tries: int, succeeds: bool
) -> None:
    """Two retries, then the source's error is the failure; other errors fail at once."""
    calls = []

    def compute() -> pd.DataFrame:
        calls.append(1)
        if len(calls) <= failures:
            raise error
        return tables.FUSED_SIGNAL.empty()

    result = run(compute, tmp_path)
    assert (len(calls), result.success) == (tries, succeeds)
    if not succeeds:
        (failed,) = [e for e in result.all_events if e.event_type is dg.DagsterEventType.STEP_FAILURE]
        assert str(error) in str(failed.step_failure_data.error)


def free(lock: Path) -> bool:
    """Whether the file is unlocked."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_waits_grow_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One minute, then five; none for a stand-in, and no retry of embedded data, which never change."""
    monkeypatch.setattr(execution, "RETRY_SECONDS", (60.0, 300.0))
    monkeypatch.delenv("ALPHA_PIPELINE_VENDORS_URL", raising=False)
    assert [execution.retry_seconds(tries) for tries in range(3)] == [60.0, 300.0, None]
    monkeypatch.setenv("ALPHA_PIPELINE_VENDORS_URL", "http://127.0.0.1:1")
    assert [execution.retry_seconds(tries) for tries in range(3)] == [0.0, 0.0, None]
    monkeypatch.setattr(execution, "LIVE", False)
    assert execution.retry_seconds(0) is None


def test_the_table_is_locked_until_it_is_stored(tmp_path: Path) -> None:
    """The run owns the lock while the function runs; afterwards it is free."""
    seen = []

    def compute() -> pd.DataFrame:
        lock = lock_file(Lake(str(tmp_path)), "fused_signal")
        assert not free(lock)
        seen.append(lock.read_text())
        return tables.FUSED_SIGNAL.empty()

    result = run(compute, tmp_path)
    assert result.success
    (signed,) = seen
    assert signed.startswith(f"run {result.run_id[:8]} (process ")
    assert free(lock_file(Lake(str(tmp_path)), "fused_signal"))


@pytest.mark.parametrize(
    ("last", "partition", "days"), [("2019-09-30", "2019-09-30", 1), ("2019-10-02", "2019-09-30...2019-10-02", 3)]
)
def test_a_check_result_carries_its_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, partition: str, days: int
) -> None:
    """A day or a range, beside the numbers of the check."""
    monkeypatch.setattr(table_asset, "DAYS", dg.DailyPartitionsDefinition("2019-09-01", end_date="2019-10-05"))

    @parquet_asset(tables.FUSED_SIGNAL, "signal", description="under test", checks={"sound": "It is sound."})
    def fused(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]:
        yield dg.AssetCheckResult(check_name="sound", passed=True, metadata={"failed": 0})
        yield dg.Output(tables.FUSED_SIGNAL.empty())

    result = dg.materialize(
        [fused],
        tags={"dagster/asset_partition_range_start": DAY, "dagster/asset_partition_range_end": last},
        resources={"lake": ParquetIOManager(root=str(tmp_path))},
    )
    (evaluation,) = result.get_asset_check_evaluations()
    values = {name: value.value for name, value in evaluation.metadata.items()}
    assert values == {"partition": partition, "partitions": days, "failed": 0}
