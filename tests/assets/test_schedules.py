"""Nights that were missed are asked for, in ranges, oldest first."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from alpha_pipeline.definitions import build_defs
from assets.schedules import missing_ranges

DAYS = [f"2019-09-{day:02d}" for day in range(17, 31)]


@pytest.mark.parametrize(
    ("done", "ranges"),
    [
        (set(), [("2019-09-17", "2019-09-30")]),
        (set(DAYS), []),
        (set(DAYS[:-1]), [("2019-09-30", "2019-09-30")]),
        (
            set(DAYS) - {"2019-09-18", "2019-09-20", "2019-09-21"},
            [("2019-09-18", "2019-09-18"), ("2019-09-20", "2019-09-21")],
        ),
    ],
)
def test_gaps_become_ranges(done: set[str], ranges: list[tuple[str, str]]) -> None:
    """Runs of consecutive missing days, nothing twice, nothing that is done."""
    assert list(missing_ranges(DAYS, done)) == ranges


@pytest.mark.parametrize("market", ["crypto", "equities"])
def test_a_tick_asks_for_what_the_instance_lacks(market: str) -> None:
    """After ten days of downtime one tick asks for the ten days; once they are there, for nothing."""
    schedule = build_defs().resolve_schedule_def(f"nightly_{market}_schedule")
    key = dg.AssetKey([market, "source_signals"])
    tonight = datetime(2019, 10, 1, 0, 45, tzinfo=UTC)
    with (
        dg.instance_for_test() as instance,
        dg.build_schedule_context(instance, scheduled_execution_time=tonight) as tick,
    ):
        for day in DAYS[:4]:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))
        requests = schedule.evaluate_tick(tick).run_requests or []
        assert [(r.partition_key, r.tags["dagster/asset_partition_range_start"]) for r in requests] == [(None, DAYS[4])]
        assert requests[0].tags["dagster/asset_partition_range_end"] == DAYS[-1]
        for day in DAYS[4:]:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))
        again = schedule.evaluate_tick(tick)
        assert not again.run_requests
        assert "every day up to 2019-09-30" in str(again.skip_message)
