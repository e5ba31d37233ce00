"""The alert sensors and the orphaned-run monitor, on a Dagster instance."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from alpha_pipeline.assets.automation import alert_sensors as sensors
from alpha_pipeline.assets.automation.orphaned_run_monitor import end_orphaned_runs
from alpha_pipeline.assets.wiring.execution import HOST_TAG
from alpha_pipeline.definitions import build_defs
from alpha_pipeline.resources.alerts import Alerts

DAY = "2019-09-30"
LIBRARY, TRIALS = dg.AssetKey(["crypto", "factor_library"]), dg.AssetKey(["crypto", "factor_definitions"])


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as test_instance:
        yield test_instance


def look(defs: dg.Definitions, instance: dg.DagsterInstance, name: str, lake: Path, cursor: str | None) -> str:
    """One tick of a sensor; the cursor after it."""
    sensor = defs.resolve_sensor_def(name)
    resources = {"alerts": Alerts(root=str(lake))}
    with dg.build_sensor_context(instance, cursor=cursor, resources=resources) as context:
        result = sensor.evaluate_tick(context)
    assert result.cursor is not None
    return result.cursor


def sent(lake: Path) -> list[str]:
    """Titles of the stored alerts."""
    return sorted(json.loads(path.read_text())["alert"][0] for path in lake.glob("alerts/*/*.json"))


def materialize(instance: dg.DagsterInstance, key: dg.AssetKey, run_date: str, **metadata: object) -> None:
    """Report a materialization of a run of its own."""
    event = dg.AssetMaterialization(key, partition=run_date, metadata=metadata)  # type: ignore[arg-type]  # plain values
    instance.report_dagster_event(_event(event), instance.create_run_for_job(build_job()).run_id)


def build_job() -> dg.JobDefinition:
    @dg.job
    def nothing() -> None:
        """A job without work, for runs with events."""

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
            "canary: the checks of crypto/factor_values miss planted look-ahead factors or refuse clean ones",
        ),
        ("coverage", dg.AssetCheckSeverity.WARN, None),
    ],
)
def test_a_failed_check_alerts_once(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    check: str,
    severity: dg.AssetCheckSeverity,
    title: str | None,
) -> None:
    """Failures before the first tick are ignored; later ones are sent once per evaluation."""
    key = dg.AssetKey(["crypto", "factor_values"])

    def judge(passed: bool) -> None:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                key, check, passed, severity=severity, description="7 of 8", blocking=severity.name == "ERROR"
            )
        )

    judge(False)
    cursor = look(defs, instance, "failed_checks_alert", tmp_path, None)
    assert sent(tmp_path) == []
    judge(True)
    cursor = look(defs, instance, "failed_checks_alert", tmp_path, cursor)
    judge(False)
    cursor = look(defs, instance, "failed_checks_alert", tmp_path, cursor)
    assert len(sent(tmp_path)) == (title is not None)
    assert title is None or title in sent(tmp_path)[0]
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
    first = sent(tmp_path)
    materialize(instance, TRIALS, DAY, limit="money", limit_used=0.91)
    materialize(instance, LIBRARY, DAY, retired_factors=2, changes=1)
    look(defs, instance, "budget_alert", tmp_path, spent)
    look(defs, instance, "decay_alert", tmp_path, decayed)
    assert [line for line in sent(tmp_path) if line not in first] == [
        "budget: crypto used 91% of money; at 100% no further requests are sent (2019-09-30)",
        "decay: factor decay in crypto: 2 retired, 1 before (2019-09-30)",
    ]


def test_an_undelivered_alert_is_retried_at_the_next_tick(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor does not move until the lake is writable again."""
    cursor = look(defs, instance, "budget_alert", tmp_path, None)
    materialize(instance, TRIALS, DAY, limit="money", limit_used=0.91)
    (tmp_path / "alerts").write_text("in the way")
    assert look(defs, instance, "budget_alert", tmp_path, cursor) == cursor
    (tmp_path / "alerts").unlink()
    assert look(defs, instance, "budget_alert", tmp_path, cursor) != cursor
    assert len(sent(tmp_path)) == 1


def test_alerts_beyond_the_limit_are_sent_at_the_next_tick(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Alerts delivered today do not count for the limit; the cursor moves when all are delivered."""
    keys = sorted(defs.resolve_asset_graph().asset_check_keys, key=str)[: sensors.MAX_ALERTS + 2]
    for passed in (True, False):
        for key in keys:
            instance.report_runless_asset_event(dg.AssetCheckEvaluation(key.asset_key, key.name, passed, blocking=True))
        if passed:
            first = look(defs, instance, "failed_checks_alert", tmp_path, None)
    assert look(defs, instance, "failed_checks_alert", tmp_path, first) == first
    assert len(sent(tmp_path)) == sensors.MAX_ALERTS
    last = look(defs, instance, "failed_checks_alert", tmp_path, first)
    assert last != first and len(sent(tmp_path)) == len(keys)


def test_failed_runs_are_sent_when_the_channel_works_again(
    defs: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Those before the first tick are ignored; twelve during an outage are all sent later."""

    def fail() -> None:
        instance.report_run_failed(instance.create_run_for_job(build_job()), "killed")

    fail()
    first = look(defs, instance, "failed_runs_alert", tmp_path, None)
    for _ in range(sensors.MAX_ALERTS + 2):
        fail()
    (tmp_path / "alerts").write_text("in the way")
    assert look(defs, instance, "failed_runs_alert", tmp_path, first) == first
    (tmp_path / "alerts").unlink()
    second = look(defs, instance, "failed_runs_alert", tmp_path, first)
    third = look(defs, instance, "failed_runs_alert", tmp_path, second)
    assert len({first, second, third}) == 3 and len(sent(tmp_path)) == sensors.MAX_ALERTS + 2
    assert all(title.startswith("failed run: nothing, run ") for title in sent(tmp_path))
    assert look(defs, instance, "failed_runs_alert", tmp_path, third) == third


def test_run_dates_of_a_run() -> None:
    """A range, a day, a range of one day, none."""
    first, last = sensors.FIRST, sensors.LAST
    texts = [
        sensors.run_dates_of(t)
        for t in ({first: "a", last: "b"}, {"dagster/partition": "a"}, {first: "a", last: "a"}, {})
    ]
    assert texts == ["a...b", "a", "a", ""]


def started(instance: dg.DagsterInstance, pid: int, host: str | None, ago: float = 0.0) -> str:
    """A run in the state started, of a process."""
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
    """Process id of an ended process."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("pid", "host", "ago", "ended"),
    [
        (dead, platform.node(), 0, True),
        (os.getpid, platform.node(), 0, False),
        (os.getpid, platform.node(), 86_400 * 365, True),  # a later process of the same number
        (dead, "elsewhere", 0, False),
        (dead, None, 0, False),  # it has just begun
        (dead, None, 7_200, True),  # no step ever did
    ],
)
def test_only_dead_runs_are_ended(
    instance: dg.DagsterInstance, pid: Callable[[], int], host: str | None, ago: float, ended: bool
) -> None:
    """Runs of this machine whose process no longer exists."""
    run_id = started(instance, pid(), host, ago)
    assert end_orphaned_runs(instance) == ([run_id[:8]] if ended else [])
    run = instance.get_run_by_id(run_id)
    assert run and (run.status is dg.DagsterRunStatus.FAILURE) == ended


def test_a_run_without_a_process_is_left_alone(instance: dg.DagsterInstance) -> None:
    """Without an event of its process it is not ended."""
    instance.create_run_for_job(build_job(), status=dg.DagsterRunStatus.STARTED)
    assert end_orphaned_runs(instance) == []
