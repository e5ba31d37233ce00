"""The sealed test is opened by a reason alone."""

from pathlib import Path

import dagster as dg
import pytest

from alpha_pipeline.assets.sealed_test import sealed_assets
from alpha_pipeline.errors import MissingPartitionError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager

RUN_DATE = "2019-09-30"
EMPTY_LAKE_HAS = {"locks"}


def open_sealed(lake: Path, reason: str | None) -> dg.ExecuteInProcessResult:
    """A run of the asset alone on an empty lake, where any read is an error."""
    config = {} if reason is None else {"ops": {"crypto__sealed_test": {"config": {"reason": reason}}}}
    return dg.materialize(
        sealed_assets(CRYPTO),
        partition_key=RUN_DATE,
        resources={"lake": ParquetIOManager(root=str(lake))},
        run_config=config,
        raise_on_error=False,
    )


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_without_a_reason_nothing_is_read_or_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], reason: str | None
) -> None:
    """The run succeeds, stores nothing, counts nothing, and says how the bars are opened."""
    result = open_sealed(tmp_path, reason)
    assert result.success
    assert result.asset_materializations_for_node("crypto__sealed_test") == []
    assert {path.name for path in tmp_path.iterdir()} <= EMPTY_LAKE_HAS
    log = capfd.readouterr().err
    assert "skipped: `reason` is empty, so the sealed bars of crypto stay closed" in log
    assert '{"ops": {"crypto__sealed_test": {"config": {"reason": "..."}}}}' in log


def test_missing_inputs_are_no_access(tmp_path: Path) -> None:
    """With a reason the inputs are read, and what is missing is named before an access is counted."""
    result = open_sealed(tmp_path, "the library is final")
    assert not result.success
    error = result.failure_data_for_node("crypto__sealed_test").error
    assert error and error.cause and error.cause.cls_name == MissingPartitionError.__name__
    assert not (tmp_path / "holdout_access").exists()
