"""Runs requested by the schedules and the joining sensor, on a Dagster instance."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from alpha_pipeline.assets.automation.schedules import FIRST, JOINED, LAST, NOT_NIGHTLY, RUN_DATES_TAG, requested_days
from alpha_pipeline.definitions import build_defs

DAYS = [f"2019-09-{day:02d}" for day in range(17, 31)]
TONIGHT = datetime(2019, 10, 1, 0, 45, tzinfo=UTC)
MARKETS = ("crypto", "equities")
Ranges = list[tuple[str, str]]


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as test_instance:
        yield test_instance


def keys(defs: dg.Definitions, market: str) -> list[dg.AssetKey]:
    """The nightly tables of a market."""
    graph = defs.resolve_asset_graph()
    return [k for k in graph.materializable_asset_keys if k.path[0] == market and k.path[-1] not in NOT_NIGHTLY]


def store(instance: dg.DagsterInstance, asset_keys: Iterable[dg.AssetKey], days: Iterable[str]) -> None:
    for day in days:
        for key in asset_keys:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))


def begin(instance: dg.DagsterInstance, defs: dg.Definitions, job: str, tags: dict[str, str]) -> None:
    """Create an unfinished run of the job."""
    instance.create_run_for_job(defs.resolve_job_def(job), tags=tags, status=dg.DagsterRunStatus.STARTED)


def tick(defs: dg.Definitions, instance: dg.DagsterInstance, market: str) -> tuple[Ranges, str]:
    """The ranges requested by a tick of the market's schedule, and its skip message."""
    schedule = defs.resolve_schedule_def(f"nightly_{market}_schedule")
    with dg.build_schedule_context(instance, scheduled_execution_time=TONIGHT) as context:
        result = schedule.evaluate_tick(context)
    assert all(request.tags[RUN_DATES_TAG] == market for request in result.run_requests or ())
    return [(r.tags[FIRST], r.tags[LAST]) for r in result.run_requests or ()], str(result.skip_message)


def join(defs: dg.Definitions, instance: dg.DagsterInstance) -> Ranges:
    """The ranges requested by the joining sensor."""
    sensor = defs.resolve_sensor_def("nightly_joined_sensor")
    with dg.build_sensor_context(instance) as context:
        result = sensor.evaluate_tick(context)
    return [(r.tags[FIRST], r.tags[LAST]) for r in result.run_requests or ()]


@pytest.mark.parametrize("market", MARKETS)
def test_a_tick_requests_the_missing_days(defs: dg.Definitions, instance: dg.DagsterInstance, market: str) -> None:
    """After ten days of downtime one tick requests the ten days; later ticks nothing."""
    store(instance, keys(defs, market), DAYS[:4])
    assert tick(defs, instance, market)[0] == [(DAYS[4], DAYS[-1])]
    store(instance, keys(defs, market), DAYS[4:])
    assert tick(defs, instance, market) == ([], "every day up to 2019-09-30 is materialized")


def test_an_incomplete_day_is_requested_again(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """Its signals are stored, its tear sheets are not; and a run date in the middle failed altogether."""
    store(instance, keys(defs, "crypto"), [day for day in DAYS if day not in (DAYS[2], DAYS[6])])
    store(instance, [k for k in keys(defs, "crypto") if k.path[-1] != "tear_sheets"], [DAYS[6]])
    assert tick(defs, instance, "crypto")[0] == [(DAYS[2], DAYS[2]), (DAYS[6], DAYS[6])]


@pytest.mark.parametrize(
    ("job", "tags"),
    [
        ("nightly_crypto", {FIRST: DAYS[-2], LAST: DAYS[-1]}),
        ("nightly_crypto", {"dagster/partition": DAYS[-1]}),
        ("nightly_equities", {FIRST: DAYS[-2], LAST: DAYS[-1]}),
    ],
)
def test_running_days_are_not_requested_again(
    defs: dg.Definitions, instance: dg.DagsterInstance, job: str, tags: dict[str, str]
) -> None:
    """A run of the same market in progress covers its days; one of the other market covers none."""
    store(instance, keys(defs, "crypto"), DAYS[:-2])
    begin(instance, defs, job, tags)
    running = set() if job != "nightly_crypto" else {DAYS[-1]} | ({DAYS[-2]} if FIRST in tags else set())
    left = [day for day in DAYS[-2:] if day not in running]
    ranges, message = tick(defs, instance, "crypto")
    assert ranges == ([(left[0], left[-1])] if left else [])
    assert not running or left or DAYS[-1] in message


def test_a_selection_of_assets_counts_as_requested(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """Runs of the shell and the UI have a selection of assets instead of a job."""
    key = dg.AssetKey(["crypto", "source_signals"])
    instance.create_run_for_job(
        defs.resolve_implicit_global_asset_job_def(),
        asset_selection=frozenset({key}),
        tags={"dagster/partition": DAYS[0]},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert requested_days(instance, "nightly_crypto", key) == {DAYS[0]}
    assert requested_days(instance, "nightly_equities", dg.AssetKey(["equities", "source_signals"])) == set()


def test_no_two_nightly_jobs_write_one_table(defs: dg.Definitions) -> None:
    """The markets' jobs and the joined one share nothing, and leave out only what no run date does."""
    jobs = {name: defs.resolve_job_def(name) for name in ("nightly_crypto", "nightly_equities", "nightly_joined")}
    written = [set(job.asset_layer.executable_asset_keys) for job in jobs.values()]
    assert sum(map(len, written)) == len(set.union(*written))
    assert written[2] == {dg.AssetKey(name) for name in JOINED}
    rest = set(defs.resolve_asset_graph().materializable_asset_keys) - set.union(*written)
    assert {key.path[-1] for key in rest} == {*NOT_NIGHTLY, "fusion_comparison"}  # by hand, and once a week


def test_days_are_joined_once_and_again_when_a_late_market_comes(
    defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """Both markets, the joined tables, then one market anew; and not while a run date of it still runs."""
    joined, signals = [dg.AssetKey(name) for name in JOINED], [dg.AssetKey([m, "source_signals"]) for m in MARKETS]
    assert join(defs, instance) == []
    store(instance, signals, DAYS[-2:])
    assert join(defs, instance) == [(DAYS[-2], DAYS[-1])]
    store(instance, joined, DAYS[-2:])
    assert join(defs, instance) == []
    store(instance, signals[1:], DAYS[-1:])
    assert join(defs, instance) == [(DAYS[-1], DAYS[-1])]
    begin(instance, defs, "nightly_equities", {"dagster/partition": DAYS[-1]})
    assert join(defs, instance) == []
