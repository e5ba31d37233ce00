"""Snapshot of the graph: keys, dependencies, blocking checks, schedules and sensors."""

from pathlib import Path

import dagster as dg
import pytest

from alpha_pipeline.definitions import build_defs
from alpha_pipeline.tables import TABLES

PER_MARKET = {
    "ohlcv_history": set(),
    "raw_ohlcv": set(),
    "raw_instruments": set(),
    "raw_adjustments": set(),
    "raw_funding": set(),
    "raw_derivatives": set(),
    "raw_news": set(),
    "raw_social": set(),
    "raw_onchain": set(),
    "data_coverage": {
        "raw_ohlcv",
        "raw_adjustments",
        "raw_funding",
        "raw_derivatives",
        "raw_news",
        "raw_social",
        "raw_onchain",
    },
    "market_panel": {
        "raw_ohlcv",
        "raw_adjustments",
        "raw_funding",
        "raw_derivatives",
        "raw_news",
        "raw_social",
        "raw_onchain",
    },
    "factor_definitions": {"ohlcv_history", "market_panel", "raw_funding", "factor_definitions"},
    "factor_library": {"factor_definitions", "factor_library", "ohlcv_history", "market_panel", "raw_funding"},
    "factor_values": {"factor_library", "ohlcv_history", "market_panel"},
    "noise_floor": {"factor_definitions", "raw_funding", "ohlcv_history", "market_panel"},
    "backtest_metrics": {
        "factor_library",
        "factor_definitions",
        "raw_funding",
        "raw_instruments",
        "ohlcv_history",
        "market_panel",
    },
    "backtest_breakdown": {"factor_library", "raw_funding", "ohlcv_history", "market_panel"},
    "tear_sheets": {
        "factor_library",
        "factor_definitions",
        "backtest_metrics",
        "raw_funding",
        "raw_instruments",
        "ohlcv_history",
        "market_panel",
    },
    "sealed_test": {"factor_library", "factor_definitions", "raw_funding", "ohlcv_history", "market_panel"},
    "source_signals": {
        "factor_library",
        "factor_values",
        "backtest_metrics",
        "ohlcv_history",
        "market_panel",
        "raw_news",
    },
}
JOINED = {
    "fused_signal": {"source_signals", "ohlcv_history", "market_panel"},
    "fusion_comparison": {"source_signals", "ohlcv_history", "market_panel"},
    "decision_ledger": {"fused_signal"},
    "signal_track_record": {"decision_ledger", "market_panel"},
    "paper_ledger": {"decision_ledger", "market_panel", "raw_funding", "paper_ledger"},
    "signal_export": {"decision_ledger"},
    "nightly_report": {
        "raw_instruments",
        "raw_news",
        "data_coverage",
        "market_panel",
        "factor_definitions",
        "factor_library",
        "noise_floor",
        "backtest_metrics",
        "tear_sheets",
        "source_signals",
        "fused_signal",
        "fusion_comparison",
        "signal_track_record",
        "paper_ledger",
    },
}
RAW = ("ohlcv", "adjustments", "funding", "derivatives", "news", "social", "onchain")
BLOCKING = (
    {"ohlcv_history:history_quality", "market_panel:late_arrivals"}
    | {f"raw_{k}:data_quality" for k in RAW}
    | {f"factor_values:{name}" for name in ("no_lookahead", "start_independence", "variation", "movement", "canaries")}
)
MARKET_LAYERS = ["1_raw", "2_panel", "3_mining", "4_factors", "5_backtest", "6_signal", "8_report", "9_sealed"]
JOINED_LAYERS = ["6_signal", "7_outcomes", "8_report"]


@pytest.fixture(scope="module")
def graph():  # type: ignore[no-untyped-def]  # Dagster does not export the type
    """The resolved graph, loaded without any secret."""
    return build_defs().resolve_asset_graph()


@pytest.mark.parametrize("market", ["crypto", "equities"])
def test_each_market_has_the_whole_chain(graph, market: str) -> None:  # type: ignore[no-untyped-def]
    """One snapshot of keys and dependencies, the same for both markets."""
    dependencies = {
        key.path[-1]: {parent.path[-1] for parent in graph.get(key).parent_keys}
        for key in graph.materializable_asset_keys
        if key.path[0] == market
    }
    assert dependencies == PER_MARKET


def test_the_markets_join_in_one_signal(graph) -> None:  # type: ignore[no-untyped-def]
    """Bare keys are the tables over all markets; every stored table has an asset and every asset a table."""
    dependencies = {
        key.path[0]: {parent.path[-1] for parent in graph.get(key).parent_keys}
        for key in graph.materializable_asset_keys
        if len(key.path) == 1
    }
    assert dependencies == JOINED
    assert {key.path[-1] for key in graph.materializable_asset_keys} == set(TABLES)
    for joined in ("fused_signal", "fusion_comparison"):
        assert {key.to_user_string() for key in graph.get(dg.AssetKey(joined)).parent_keys} == {
            f"{market}/{table}"
            for market in ("crypto", "equities")
            for table in ("source_signals", "ohlcv_history", "market_panel")
        }


def test_leakage_and_data_quality_block(graph) -> None:  # type: ignore[no-untyped-def]
    """Checks that stop everything downstream, by asset."""
    blocking = {f"{key.asset_key.path[-1]}:{key.name}" for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == BLOCKING


def test_every_asset_is_described(graph) -> None:  # type: ignore[no-untyped-def]
    """Owner, kinds, description, columns, code version, source and a range in one run, without exception."""
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.owners and node.kinds and node.description and node.code_version, key
        assert node.metadata["dagster/column_schema"].columns, key
        (reference,) = node.metadata["dagster/code_references"].code_references
        assert "@parquet_asset(" in Path(reference.file_path).read_text().splitlines()[reference.line_number - 1], key
        assert node.backfill_policy == dg.BackfillPolicy.single_run(), key


def test_groups_nest_by_market_and_layer(graph) -> None:  # type: ignore[no-untyped-def]
    """Sorted by name, each market's groups follow the data flow; joined tables have groups of their own."""
    groups = {graph.get(key).group_name for key in graph.materializable_asset_keys}
    assert groups == {f"{market}/{layer}" for market in ("crypto", "equities") for layer in MARKET_LAYERS} | {
        f"joined/{layer}" for layer in JOINED_LAYERS
    }
    for key in graph.materializable_asset_keys:
        market = key.path[0] if len(key.path) == 2 else "joined"
        assert graph.get(key).group_name.split("/")[0] == market, key


def test_one_partitioning_serves_all(graph) -> None:  # type: ignore[no-untyped-def]
    """Daily, shared by every asset but the bulk history, so any selection fits one run."""
    partitionings = {graph.get(key).partitions_def for key in graph.materializable_asset_keys} - {None}
    assert len(partitionings) == 1
    unpartitioned = {key.path[-1] for key in graph.materializable_asset_keys if graph.get(key).partitions_def is None}
    assert unpartitioned == {"ohlcv_history"}


def test_schedules_and_sensors() -> None:
    """Nightly runs are stopped in a new clone, so that it does not spend tokens."""
    defs = build_defs()
    schedules = {s.name: s.default_status for s in defs.schedules or []}
    assert schedules == dict.fromkeys(
        ("nightly_crypto_schedule", "nightly_equities_schedule", "weekly_comparison_schedule"),
        dg.DefaultScheduleStatus.STOPPED,
    )
    sensors = {s.name: s.default_status for s in defs.sensors or []}
    alerts = ("failed_runs", "failed_checks", "stale_data", "budget", "decay")
    assert sensors == {
        "nightly_joined_sensor": dg.DefaultSensorStatus.STOPPED,
        **dict.fromkeys(("orphaned_run_sensor", *(f"{name}_alert" for name in alerts)), dg.DefaultSensorStatus.RUNNING),
    }
