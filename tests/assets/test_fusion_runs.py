"""Real runs of the fused signal and the comparison: a range equals single run dates."""

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.definitions import build_defs
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager

pytestmark = pytest.mark.slow

NIGHTS = ["2019-07-01", "2019-07-02", "2019-07-03"]
FIRST = pd.Timestamp("2019-07-01", tz="UTC")
HISTORY_DAYS, SYMBOLS = 160, ("AAA", "BBB", "CCC", "DDD")
METHODS = ["weighted", "ic_weighted", "ridge", "elastic_net", "boosting"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prices of one market that trend, its library's word on the three run dates, and nothing of the other market."""
    root = tmp_path_factory.mktemp("lake")
    store = ParquetIOManager(root=str(root)).lake
    rng = np.random.default_rng(0)
    times = pd.date_range(FIRST - pd.Timedelta(days=HISTORY_DAYS), FIRST + pd.Timedelta(days=3), freq="h")[1:]
    drift = np.repeat(rng.normal(0, 0.002, (len(times) // 120 + 1, len(SYMBOLS))), 120, axis=0)[: len(times)]
    close = 100 * np.exp(np.cumsum(drift + rng.normal(0, 0.004, drift.shape), axis=0))
    bars = pd.DataFrame({"timestamp": times.repeat(len(SYMBOLS)), "symbol": list(SYMBOLS) * len(times)})
    bars = bars.assign(available_at=bars["timestamp"], volume=rng.uniform(1, 9, len(bars)))
    bars = bars.assign(**{name: close.reshape(-1) for name in ("open", "high", "low", "close")})
    old = bars["timestamp"] <= FIRST
    store.write("crypto/ohlcv_history", bars[old])
    store.write_range("crypto/market_panel", bars[~old].drop(columns="available_at"), NIGHTS[0], NIGHTS[-1])
    said = bars[~old & (bars["timestamp"].dt.hour == 0)][["timestamp", "symbol"]]
    said = said.assign(source="library_factors", value=0.5, confidence=0.5, reason="made up")
    momentum = said.assign(source="price_momentum", value=rng.uniform(-1, 1, len(said)))
    store.write_range("crypto/source_signals", pd.concat([said, momentum]), NIGHTS[0], NIGHTS[-1])
    return root


def run(root: Path, table: str, first: str, last: str = "", method: str = "weighted") -> pd.DataFrame:
    """One run of the real graph; what it stored of its days."""
    store = ParquetIOManager(root=str(root))
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if last else None
    with dg.DagsterInstance.ephemeral() as instance:
        done = (
            build_defs({"lake": store})
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(
                asset_selection=[dg.AssetKey(table)],
                instance=instance,
                partition_key=None if last else first,
                tags=tags,
                run_config={"ops": {table: {"config": {"method": method}}}},
            )
        )
    assert done.success
    for told in done.get_asset_check_evaluations():
        if told.check_name == "active_method_is_best":
            assert told.passed == (method == "weighted"), told.description
    return store.lake.read_days(table, NIGHTS[NIGHTS.index(first) : NIGHTS.index(last or first) + 1])[0]


@pytest.mark.parametrize("method", METHODS)
def test_a_range_of_signals_equals_single_run_dates(lake: Path, method: str) -> None:
    """Bit for bit, for every method; a market without history or panel has no decisions."""
    alone = pd.concat([run(lake, "fused_signal", run_date, method=method) for run_date in NIGHTS], ignore_index=True)
    together = run(lake, "fused_signal", NIGHTS[0], NIGHTS[-1], method)
    pd.testing.assert_frame_equal(alone, together, check_exact=True)
    assert set(together["market"]) == {"crypto"} and len(together) == len(NIGHTS) * len(SYMBOLS)
    assert (together["calibration_bars"] > 30).all() and set(together["method"]) == {method}


def test_a_range_of_comparisons_equals_single_run_dates(lake: Path) -> None:
    """All methods and sources; a market without data has 0 bars."""
    alone = pd.concat([run(lake, "fusion_comparison", run_date) for run_date in NIGHTS], ignore_index=True)
    together = run(lake, "fusion_comparison", NIGHTS[0], NIGHTS[-1])
    pd.testing.assert_frame_equal(alone, together, check_exact=True)
    bars = together.groupby("market")["bars"].max()
    assert bars["crypto"] > 100 and bars["equities"] == 0
    assert set(METHODS) <= set(together["method"])


def test_another_method_than_the_best_is_a_warning(lake: Path) -> None:
    """Without data of the other market no challenger is significant on both, so the simplest is best."""
    found = run(lake, "fusion_comparison", NIGHTS[0], method="ridge")
    assert set(found.loc[found["active"], "method"]) == {"ridge"}
