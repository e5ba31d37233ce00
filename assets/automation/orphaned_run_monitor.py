"""
Orphaned-run monitor: marks started runs as failed whose process no longer exists.

When daemon, code server and run are killed together, the run stays "started" for ever and blocks schedules. Runs of
other machines are not touched, since their processes cannot be checked.
"""

import platform
import time
from collections.abc import Callable

import dagster as dg

from alpha_pipeline.assets.wiring.execution import HOST_TAG
from alpha_pipeline.resources.processes import is_alive

# Begins the event in which Dagster logs the process id of the run, with both executors.
STARTED_PREFIX = "Executing steps"
# A run without a step within this time after its start lost its process before the first step.
MAX_IDLE_SECONDS = 3600.0


def orphaned_run_sensor() -> dg.SensorDefinition:
    """Sensor of the monitor, running by default: it is cheap and ends only dead runs."""

    @dg.sensor(
        name="orphaned_run_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs as failed whose process no longer exists, and frees their concurrency slots.",
    )
    def monitor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = end_orphaned_runs(context.instance, context.log.warning)
        return dg.SkipReason(f"ended {', '.join(ended)}" if ended else "no orphaned run")

    return monitor


def end_orphaned_runs(instance: dg.DagsterInstance, log: Callable[[str], None] = lambda line: None) -> list[str]:
    """
    Mark every started run as failed whose process is dead.

    Returns:
        First 8 characters of their ids.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        reason = orphan_reason(instance, run)
        current = instance.get_run_by_id(run.run_id)
        if reason is None or current is None or current.status is not dg.DagsterRunStatus.STARTED:
            continue  # it ended in the meantime
        instance.report_run_failed(
            current, f"Ended by the orphaned-run monitor: {reason}. Tables stored before are unchanged"
        )
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        log(f"ended run {run.run_id}: {reason}")
        ended.append(run.run_id[:8])
    return ended


def orphan_reason(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Why a started run cannot be running, as a clause; None if it may be running."""
    started = started_process(instance, run.run_id)
    if started is None:
        return None
    pid, moment = started
    host = run.tags.get(HOST_TAG)
    if host is None:
        idle = time.time() - moment
        return f"no step started in {idle / 60:.0f} minutes" if idle > MAX_IDLE_SECONDS else None
    if host != platform.node() or is_alive(pid, moment):
        return None
    return f"its process {pid} on {host} no longer exists"


def started_process(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Process id of the run and when it was logged, in seconds of the epoch; the last such event."""
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        if event and (event.message or "").startswith(STARTED_PREFIX):
            value = event.engine_event_data.metadata.get("pid")
            if value is not None and str(value.value).isdecimal():
                return int(str(value.value)), entry.timestamp
    return None
