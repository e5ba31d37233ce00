"""The library in the graph: one run of many run dates or several of few, and the metadata of status changes."""

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.assets.mining import retired_factors
from alpha_pipeline.assets.wiring.partitions import Window
from alpha_pipeline.definitions import build_defs
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import LIBRARY, RAW_FUNDING, TRIALS
from benchmarks.life import DAY, FIRST, led

KEY, PANEL = "equities/factor_library", "equities/market_panel"
NIGHTS = [str((FIRST + k * DAY).date()) for k in range(50)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with two predictive fields; one loses its rank IC once its factor is admitted."""
    lead = np.full(350, 0.2)
    table = led({"lost": np.where(np.arange(350) < 300, lead, -lead), "stays": lead}).to_table()
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
        for k, name in enumerate(("lost", "stays"))
    ]  # fmt: skip
    return TRIALS.complete(pd.DataFrame(rows))


def run(root: Path, first: str, last: str) -> dict[str, object]:
    """Metadata of the asset in the real graph, materialized for a range of run dates."""
    defs = build_defs({"lake": ParquetIOManager(root=str(root))})
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(KEY.split("/"))], instance=instance, tags=tags
        )
        events = done.get_asset_materialization_events()
    return {name: getattr(value, "value", value) for name, value in events[-1].materialization.metadata.items()}


@pytest.fixture(scope="module")
def metadata(stored: Path) -> dict[str, object]:
    """Metadata of one run of all run dates."""
    return run(stored, NIGHTS[0], NIGHTS[-1])


def test_status_changes_have_their_reasons(metadata: dict[str, object]) -> None:
    """Their number, the table, and counts by status; markup is escaped."""
    assert (metadata["changed_factors"], metadata["accepted_factors"], metadata["retired_factors"]) == (2, 1, 1)
    assert (metadata["probation_factors"], metadata["reference_factors"]) == (0, 0)
    fallen, retired = str(metadata["status_changes"]).splitlines()[2:]
    assert "lost | accepted | probation | live rank IC below expected" in fallen
    assert "lost | probation | retired | live rank IC below zero" in retired
    assert str(metadata["live_rank_ic"]).startswith("![live rank IC](data:image/svg+xml;base64,")
    assert "live&#95;half&#95;life&#95;days" in str(metadata["lifecycle"])
    assert "<" not in str(metadata["lifecycle"]) + str(metadata["library"]) + str(metadata["status_changes"])


def test_run_dates_in_one_run_equal_run_dates_run_apart(stored: Path, metadata: dict[str, object]) -> None:
    """The same rows to the last bit in three runs, each starting from the library stored before it."""
    lake = Lake(str(stored))
    at_once, _ = lake.read_days(KEY, NIGHTS)
    assert at_once["status"].value_counts().to_dict().keys() == {"accepted", "probation", "retired"}
    for file in stored.glob(f"{KEY}/day=*/*"):
        file.unlink()
    for first, last in ((0, 0), (1, 31), (32, 49)):
        run(stored, NIGHTS[first], NIGHTS[last])
    apart, missing = lake.read_days(KEY, NIGHTS)
    assert not missing and len(apart) == 2 * len(NIGHTS)
    pd.testing.assert_frame_equal(apart, at_once, check_exact=True)
    assert list(apart.columns) == [c.name for c in LIBRARY.columns]


def test_mining_knows_what_was_retired_before_its_run_date(stored: Path, metadata: dict[str, object]) -> None:
    """From the stored library of the day before, or brought forward over the run dates of the same run."""
    lake = ParquetIOManager(root=str(stored))
    panel = with_history(lake.lake.read("equities/ohlcv_history"), lake.lake.read_days(PANEL, NIGHTS)[0], EQUITIES)
    library = lake.lake.read_days(KEY, NIGHTS)[0]
    first = library.loc[library["status"] == "retired", "run_date"].min()
    place = NIGHTS.index(f"{first:%Y-%m-%d}")
    days = [Window(FIRST + k * DAY, FIRST + (k + 1) * DAY) for k in range(len(NIGHTS))]
    none, funding = TRIALS.empty(), RAW_FUNDING.empty()
    assert retired_factors(lake, EQUITIES, panel, funding, days[place:], []) == frozenset()
    assert retired_factors(lake, EQUITIES, panel, funding, days[place:], [none]) == {"lost"}
    assert retired_factors(lake, EQUITIES, panel, funding, days[place + 1 :], []) == {"lost"}
    assert retired_factors(lake, EQUITIES, panel, funding, days, []) == frozenset()
