"""The library in the graph: a run of many run dates and runs of few, what is told of changes."""

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.definitions import build_defs
from alpha_pipeline.tables import LIBRARY, TRIALS
from benchmarks.life import DAY, FIRST, led
from resources.lake.io_manager import ParquetIOManager
from resources.lake.lake import Lake

KEY = "equities/factor_library"
NIGHTS = [str((FIRST + k * DAY).date()) for k in range(50)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with two fields that lead prices, one of them no longer once its factor is admitted."""
    lead = np.full(350, 0.2)
    table = led({"gone": np.where(np.arange(350) < 300, lead, -lead), "stays": lead}).to_table()
    root = tmp_path_factory.mktemp("lake")
    lake, old = Lake(str(root)), table["timestamp"] < FIRST
    bars = table.loc[old, ["timestamp", "symbol", "close"]].assign(available_at=table["timestamp"], volume=1.0)
    lake.write("equities/ohlcv_history", bars.assign(**dict.fromkeys(("open", "high", "low"), bars["close"])))
    lake.write_range("equities/market_panel", table[~old], NIGHTS[0], NIGHTS[-1])
    lake.write_range("equities/factor_definitions", trials(), NIGHTS[0], NIGHTS[-1])
    return root


def trials() -> pd.DataFrame:
    """Both admitted on the first run date."""
    rows = [
        {
            "run_date": FIRST, "trial": k, "factor_id": name, "name": f"<b>{name}</b>", "canonical": name,
            "identity": name, "proposer": "model", "verdict": "accepted", "valid_rank_ic": 0.2,
            "deflated_sharpe": 0.5, "valid_turnover": 0.8, "feedback": "<script>",
        }
        for k, name in enumerate(("gone", "stays"))
    ]  # fmt: skip
    return TRIALS.complete(pd.DataFrame(rows))


def run(root: Path, first: str, last: str) -> dict[str, object]:
    """The asset in the real graph, for a range of run dates; what is told of it."""
    defs = build_defs({"lake": ParquetIOManager(root=str(root))})
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(KEY.split("/"))], instance=instance, tags=tags
        )
        events = done.get_asset_materialization_events()
    return {name: getattr(value, "value", value) for name, value in events[-1].materialization.metadata.items()}


@pytest.fixture(scope="module")
def told(stored: Path) -> dict[str, object]:
    """All run dates in one run."""
    return run(stored, NIGHTS[0], NIGHTS[-1])


def test_changes_are_told_with_their_reasons(told: dict[str, object]) -> None:
    """How many, which, and who is active; no markup gets out."""
    assert (told["changes"], told["accepted_factors"], told["retired_factors"]) == (2, 1, 1)
    assert (told["probation_factors"], told["reference_factors"]) == (0, 0)
    fallen, retired = str(told["changed"]).splitlines()[2:]
    assert "gone | accepted | probation | live rank IC below expected" in fallen
    assert "gone | probation | retired | live rank IC below zero" in retired
    assert str(told["live_rank_ic"]).startswith("![live rank IC](data:image/svg+xml;base64,")
    assert "live&#95;half&#95;life&#95;days" in str(told["life"])
    assert "<" not in str(told["life"]) + str(told["library"]) + str(told["changed"])


def test_nights_in_one_run_are_nights_lived(stored: Path, told: dict[str, object]) -> None:
    """The same rows to the last bit when the run dates are run in three stretches, each from the run dates before it."""
    lake = Lake(str(stored))
    whole, _ = lake.read_days(KEY, NIGHTS)
    assert whole["status"].value_counts().to_dict().keys() == {"accepted", "probation", "retired"}
    for file in stored.glob(f"{KEY}/day=*/*"):
        file.unlink()
    for first, last in ((0, 0), (1, 31), (32, 49)):
        run(stored, NIGHTS[first], NIGHTS[last])
    lived, missing = lake.read_days(KEY, NIGHTS)
    assert not missing and len(lived) == 2 * len(NIGHTS)
    pd.testing.assert_frame_equal(lived, whole, check_exact=True)
    assert list(lived.columns) == [c.name for c in LIBRARY.columns]
