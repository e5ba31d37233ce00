"""The alert sensors and the orphaned-run monitor, on a real instance: told once, from the last look on."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from alpha_pipeline.definitions import build_defs
from assets.automation import alert_sensors as sensors
from assets.automation.orphaned_run_monitor import end_orphaned_runs
from assets.wiring.execution import HOST_TAG
from resources.alerts import Alerts

DAY = "2019-09-30"
LIBRARY, TRIALS = dg.AssetKey(["crypto", "factor_library"]), dg.AssetKey(["crypto", "factor_definitions"])


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def look(defs: dg.Definitions, instance: dg.DagsterInstance, name: str, lake: Path, cursor: str | None) -> str:
    """One tick of a sensor; the cursor after it."""
    sensor = defs.resolve_sensor_def(name)
    doors = {"alerts": Alerts(root=str(lake))}
    with dg.build_sensor_context(instance, cursor=cursor, resources=doors) as context:
        found = sensor.evaluate_tick(context)
    assert found.cursor is not None
    return found.cursor


def told(lake: Path) -> list[str]:
    """Titles of the alerts that were kept."""
    return sorted(json.loads(path.read_text())["alert"][0] for path in lake.glob("alerts/*/*.json"))


def materialize(instance: dg.DagsterInstance, key: dg.AssetKey, run_date: str, **metadata: object) -> None:
    """As a run of its own would."""
    event = dg.AssetMaterialization(key, partition=run_date, metadata=metadata)  # type: ignore[arg-type]  # plain values
    instance.report_dagster_event(_event(event), instance.create_run_for_job(build_job()).run_id)


def build_job() -> dg.JobDefinition:
    @dg.job
    def nothing() -> None:
        """A run to hang events on."""

    return nothing


def _event(event: dg.AssetMaterialization) -> dg.DagsterEvent:
    from dagster._core.events import DagsterEventType, StepMaterializationData

    kind = DagsterEventType.ASSET_MATERIALIZATION.value
    return dg.DagsterEvent(kind, "nothing", event_specific_data=StepMaterializationData(event))


@pytest.mark.parametrize(
    ("check", "severity", "title"),
    [
        ("no_lookahead", dg.AssetCheckSeverity.ERROR, "no_lookahead of crypto/factor_values"),
        (
            "canaries",
            dg.AssetCheckSeverity.ERROR,
            "canary: the checks of crypto/factor_values no longer catch cheaters",
        ),
        ("coverage", dg.AssetCheckSeverity.WARN, None),
    ],
)
def test_a_check_that_fails_is_told_once(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    check: str,
    severity: dg.AssetCheckSeverity,
    title: str | None,
) -> None:
    """What failed before the first look is past; what fails after it is told, until it is evaluated anew."""
    key = dg.AssetKey(["crypto", "factor_values"])

    def judge(passed: bool) -> None:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                key, check, passed, severity=severity, description="7 of 8", blocking=severity.name == "ERROR"
            )
        )

    judge(False)
    cursor = look(defs, instance, "failed_checks_alert", tmp_path, None)
    assert told(tmp_path) == []
    judge(True)
    cursor = look(defs, instance, "failed_checks_alert", tmp_path, cursor)
    judge(False)
    cursor = look(defs, instance, "failed_checks_alert", tmp_path, cursor)
    assert len(told(tmp_path)) == (title is not None)
    assert title is None or title in told(tmp_path)[0]
    assert look(defs, instance, "failed_checks_alert", tmp_path, cursor) == cursor


def test_a_budget_nearly_used_and_a_library_that_decays(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """From the metadata of the two tables; a run before them to compare with."""
    spent, decayed = (look(defs, instance, f"{name}_alert", tmp_path, None) for name in ("budget", "decay"))
    materialize(instance, TRIALS, "2019-09-29", limit="money", limit_used=0.5)
    materialize(instance, LIBRARY, "2019-09-29", retired_factors=1)
    spent, decayed = (
        look(defs, instance, f"{n}_alert", tmp_path, c) for n, c in (("budget", spent), ("decay", decayed))
    )
    first = told(tmp_path)
    materialize(instance, TRIALS, DAY, limit="money", limit_used=0.91)
    materialize(instance, LIBRARY, DAY, retired_factors=2, changes=1)
    look(defs, instance, "budget_alert", tmp_path, spent)
    look(defs, instance, "decay_alert", tmp_path, decayed)
    assert [line for line in told(tmp_path) if line not in first] == [
        "budget: crypto used 91% of money; at 100% no model is asked any more (2019-09-30)",
        "decay: factors of crypto lose what they had: 2 retired, 1 the run date before (2019-09-30)",
    ]


def test_an_alert_that_did_not_leave_is_tried_with_the_next_look(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor stays where it was until the lake can be written again."""
    cursor = look(defs, instance, "budget_alert", tmp_path, None)
    materialize(instance, TRIALS, DAY, limit="money", limit_used=0.91)
    (tmp_path / "alerts").write_text("in the way")
    assert look(defs, instance, "budget_alert", tmp_path, cursor) == cursor
    (tmp_path / "alerts").unlink()
    assert look(defs, instance, "budget_alert", tmp_path, cursor) != cursor
    assert len(told(tmp_path)) == 1


def test_more_than_one_look_can_tell_is_told_by_the_next(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """What was told today takes no room from what was not; the cursor moves when all of it was told."""
    keys = sorted(defs.resolve_asset_graph().asset_check_keys, key=str)[: sensors.MAX_ALERTS + 2]
    for passed in (True, False):
        for key in keys:
            instance.report_runless_asset_event(dg.AssetCheckEvaluation(key.asset_key, key.name, passed, blocking=True))
        if passed:
            first = look(defs, instance, "failed_checks_alert", tmp_path, None)
    assert look(defs, instance, "failed_checks_alert", tmp_path, first) == first
    assert len(told(tmp_path)) == sensors.MAX_ALERTS
    last = look(defs, instance, "failed_checks_alert", tmp_path, first)
    assert last != first and len(told(tmp_path)) == len(keys)


def test_a_failed_run_is_told_when_the_channel_is_back(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Those of before the first look are past; twelve that failed while nothing could leave are all told later."""

    def fail() -> None:
        instance.report_run_failed(instance.create_run_for_job(build_job()), "gone")

    fail()
    first = look(defs, instance, "failed_runs_alert", tmp_path, None)
    for _ in range(sensors.MAX_ALERTS + 2):
        fail()
    (tmp_path / "alerts").write_text("in the way")
    assert look(defs, instance, "failed_runs_alert", tmp_path, first) == first
    (tmp_path / "alerts").unlink()
    second = look(defs, instance, "failed_runs_alert", tmp_path, first)
    third = look(defs, instance, "failed_runs_alert", tmp_path, second)
    assert len({first, second, third}) == 3 and len(told(tmp_path)) == sensors.MAX_ALERTS + 2
    assert all(title.startswith("failed run: nothing, run ") for title in told(tmp_path))
    assert look(defs, instance, "failed_runs_alert", tmp_path, third) == third


def test_run_dates_of_a_run() -> None:
    """A range, a day, a range of one day, none."""
    first, last = sensors.FIRST, sensors.LAST
    found = [
        sensors.run_dates_of(t) for t in ({first: "a", last: "b"}, {"dagster/partition": "a"}, {first: "a", last: "a"}, {})
    ]
    assert found == ["a...b", "a", "a", ""]


def started(instance: dg.DagsterInstance, pid: int, host: str | None, ago: float = 0.0) -> str:
    """A run that stands as started by a process."""
    import time

    from dagster._core.events import EngineEventData

    tags = {HOST_TAG: host} if host else {}
    run = instance.create_run_for_job(build_job(), status=dg.DagsterRunStatus.STARTED, tags=tags)
    event = dg.DagsterEvent(
        "ENGINE_EVENT",
        "nothing",
        message="Executing steps in process",
        event_specific_data=EngineEventData.in_process(pid),
    )
    instance.report_dagster_event(event, run.run_id, timestamp=time.time() - ago)
    return run.run_id


def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("pid", "host", "ago", "swept"),
    [
        (dead, platform.node(), 0, True),
        (os.getpid, platform.node(), 0, False),
        (os.getpid, platform.node(), 86_400 * 365, True),  # a later process of the same number
        (dead, "elsewhere", 0, False),
        (dead, None, 0, False),  # it has just begun
        (dead, None, 7_200, True),  # no step ever did
    ],
)
def test_only_the_dead_are_swept(
    instance: dg.DagsterInstance, pid: Callable[[], int], host: str | None, ago: float, swept: bool
) -> None:
    """Of this machine, and certainly dead."""
    run_id = started(instance, pid(), host, ago)
    assert end_orphaned_runs(instance) == ([run_id[:8]] if swept else [])
    run = instance.get_run_by_id(run_id)
    assert run and (run.status is dg.DagsterRunStatus.FAILURE) == swept


def test_a_run_without_a_process_is_left_alone(instance: dg.DagsterInstance) -> None:
    """Nothing is known of it."""
    instance.create_run_for_job(build_job(), status=dg.DagsterRunStatus.STARTED)
    assert end_orphaned_runs(instance) == []
