"""
The orphaned-run monitor: ends runs that stand as started though their process is gone.

When daemon, code server and run die together nobody is left to say that the run ended, and whatever asks "is it
running?" is answered yes for ever. A run of another machine is left alone: only there one can tell.
"""

import platform
import time
from collections.abc import Callable

import dagster as dg

from assets.wiring.execution import HOST_TAG
from resources.processes import is_alive

# Dagster says this with the number of the process that runs the steps, for every executor of ours.
STARTED_WORDS = "Executing steps"
# A run none of whose steps began within this time after it started has lost its process before the first one.
SILENT_SECONDS = 3600.0


def orphaned_run_sensor() -> dg.SensorDefinition:
    """Runs from the start: it costs nothing and touches only what is dead."""

    @dg.sensor(
        name="orphaned_run_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Fails runs whose process is gone, and frees what they held; a live run is left alone.",
    )
    def sweep_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        swept = sweep(context.instance, context.log.warning)
        return dg.SkipReason(f"ended {', '.join(swept)}" if swept else "no dead run")

    return sweep_sensor


def sweep(instance: dg.DagsterInstance, tell: Callable[[str], None] = lambda line: None) -> list[str]:
    """
    Fail every started run whose process is dead.

    Returns:
        Their ids, shortened.
    """
    swept = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        why = death_reason(instance, run)
        current = instance.get_run_by_id(run.run_id)
        if why is None or current is None or current.status is not dg.DagsterRunStatus.STARTED:
            continue  # it may have ended while we looked
        instance.report_run_failed(
            current, f"Ended by the orphaned-run monitor: {why}. What it stored before is untouched"
        )
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        tell(f"ended run {run.run_id}: {why}")
        swept.append(run.run_id[:8])
    return swept


def death_reason(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Why a started run cannot be running, one clause; None where it may be."""
    began = _began(instance, run.run_id)
    if began is None:
        return None
    pid, moment = began
    host = run.tags.get(HOST_TAG)
    if host is None:
        quiet = time.time() - moment
        return f"no step of it began in {quiet / 60:.0f} minutes" if quiet > SILENT_SECONDS else None
    if host != platform.node() or is_alive(pid, moment):
        return None
    return f"its process {pid} on {host} is gone"


def _began(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Number of the process that runs the steps and when it said so, seconds of the epoch; the last one that did."""
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        if event and (event.message or "").startswith(STARTED_WORDS):
            value = event.engine_event_data.metadata.get("pid")
            if value is not None and str(value.value).isdecimal():
                return int(str(value.value)), entry.timestamp
    return None
