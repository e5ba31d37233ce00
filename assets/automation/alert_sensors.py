"""
Alerts: what happened since the last look, told to a person.

They run from the start, since they cost nothing; without a channel they speak in the log alone. What deserves an alert
is thought in `alpha_pipeline.reporting.alerts`. Each keeps what it has told in its cursor, and moves it only when all of it left.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from alpha_pipeline.market.markets import MARKETS
from alpha_pipeline.reporting import alerts
from alpha_pipeline.reporting.alerts import Alert
from assets.automation.schedules import CATCH_UP_DAYS, FIRST, LAST, ONLY, recent_days
from assets.wiring.partitions import LIVE
from assets.wiring.table_asset import key_of
from resources.alerts import Alerts

# An alert takes half a minute when its channel hangs, and a sensor has one minute: the rest waits for the next look.
MOST = 10
RUNS = "runs"
Cursor = dict[str, int]
Look = Callable[[dg.DagsterInstance, Cursor], tuple[list[Alert], Cursor]]


def alert_sensors(checks: Collection[dg.AssetCheckKey]) -> list[dg.SensorDefinition]:
    """
    Failed runs, failed checks and canaries, stale data, budget, decay.

    Args:
        checks: all checks of the graph.
    """
    known = sorted(checks, key=lambda check: check.to_user_string())
    return [
        _watch("failed_runs", "Runs that failed, whoever started them.", 30, failed_runs),
        _watch("failed_checks", "Checks that failed, canaries among them.", 60, failed_checks(known)),
        _watch("stale_data", "Bars that should be there by now.", 1800, stale_data),
        _watch("budget", "Limits of tokens, time and money that are nearly used.", 300, spending),
        _watch("decay", "Factors that went on probation or were retired.", 300, decaying),
    ]


def failed_runs(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """A look at every run that failed, those of the shell too, which belong to no code location."""
    last = seen.get(RUNS)
    if last is None:
        records = instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records
        return [], {RUNS: records[0].storage_id if records else 0}
    news = dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=last)
    # No more than one look tells: the cursor then stands behind the last of them, and the rest is for the next.
    records = instance.fetch_run_status_changes(news, limit=MOST, ascending=True).records
    found = [_failed_run(instance, record.event_log_entry) for record in records]
    return [alert for alert in found if alert], {RUNS: records[-1].storage_id if records else last}


def failed_checks(checks: Iterable[dg.AssetCheckKey]) -> Look:
    """A look at the last evaluation of every check."""
    known = list(checks)

    def look(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
        found, now = [], dict(seen)
        for key, record in instance.event_log_storage.get_latest_asset_check_execution_by_key(known).items():
            name = key.to_user_string()
            if record.status is AssetCheckExecutionRecordStatus.PLANNED or record.id <= seen.get(name, 0):
                continue
            now[name] = record.id
            said = record.evaluation
            if record.status is AssetCheckExecutionRecordStatus.FAILED and said is not None:
                run_date = record.partition or _nights(instance, record.run_id)
                asset = key.asset_key.to_user_string()
                found.append(
                    alerts.failed_check(asset, key.name, bool(said.blocking), said.description or "", run_date)
                )
        return [alert for alert in found if alert], now

    return look


def stale_data(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """A look at the clock; the embedded data end in 2019 and are never late."""
    now = datetime.now(UTC)
    if not LIVE:
        return [], seen
    days = recent_days(now)
    stored = {market: instance.get_materialized_partitions(key_of("raw_ohlcv", market)) for market in MARKETS}
    found = [alerts.stale_data(market, days, stored[market], now) for market in MARKETS]
    return [alert for alert in found if alert], seen


def spending(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """A look at what the last mining of each market used."""
    found, now = [], dict(seen)
    for market in MARKETS:
        for run_date, told, _ in _news(instance, key_of("factor_definitions", market), now):
            found.append(
                alerts.budget(market.name, run_date, _number(told.get("limit_used")), str(told.get("limit", "")))
            )
    return [alert for alert in found if alert], now


def decaying(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """A look at the last library of each market beside the one before it."""
    found, now = [], dict(seen)
    for market in MARKETS:
        for run_date, told, before in _news(instance, key_of("factor_library", market), now):
            found.append(alerts.decay(market.name, run_date, told, before))
    return [alert for alert in found if alert], now


def nights_of(tags: Mapping[str, str]) -> str:
    """Which run dates a run was for: a day, a range, or nothing."""
    if FIRST in tags and tags[FIRST] != tags.get(LAST):
        return f"{tags[FIRST]}...{tags.get(LAST, '')}"
    return tags.get(FIRST) or tags.get(ONLY, "")


def _watch(name: str, description: str, seconds: int, look: Look) -> dg.SensorDefinition:
    """A sensor that looks, tells, and remembers; its first look only remembers, for what is past is no news."""

    @dg.sensor(
        name=f"{name}_alert",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def watch(context: dg.SensorEvaluationContext, alerts_door: Alerts) -> dg.SensorResult:
        first = context.cursor is None
        found, seen = look(context.instance, json.loads(context.cursor or "{}"))
        told = [] if first and seen else [alert for alert in found if not alerts_door.told_today(alert)]
        done = all(alerts_door.send(alert, context.log.warning) for alert in told[:MOST]) and len(told) <= MOST
        said = f"{len(told)} alerts" if told else "nothing to tell"
        return dg.SensorResult(
            skip_reason=said if done else f"{said}, not all of them left: once more with the next look",
            cursor=json.dumps(seen if done else json.loads(context.cursor or "{}"), sort_keys=True),
        )

    return watch


def _news(
    instance: dg.DagsterInstance, key: dg.AssetKey, seen: Cursor
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Run date and metadata of the last materialization when it is new, and those of the run before; marks it seen."""
    records = instance.fetch_materializations(key, limit=2 * CATCH_UP_DAYS).records
    name = key.to_user_string()
    if not records or records[0].storage_id <= seen.get(name, 0):
        return
    seen[name] = records[0].storage_id
    earlier = next((record for record in records if record.run_id != records[0].run_id), None)
    yield records[0].partition_key or "", _values(records[0]), _values(earlier)


def _values(record: dg.EventLogRecord | None) -> Mapping[str, Any]:
    made = record.asset_materialization if record else None
    return {name: value.value for name, value in made.metadata.items()} if made else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _nights(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    return nights_of(run.tags) if run else ""


def _failed_run(instance: dg.DagsterInstance, failure: dg.EventLogEntry) -> Alert | None:
    """None when the run was deleted meanwhile."""
    run = instance.get_run_by_id(failure.run_id)
    if run is None:
        return None
    logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    steps = [entry.dagster_event for entry in logs if entry.dagster_event]
    said = failure.dagster_event.message if failure.dagster_event else ""
    job = "" if run.job_name.startswith("__") else run.job_name
    error = "\n".join([*_step_errors(steps), said or ""])
    return alerts.failed_run(job, run.run_id, nights_of(run.tags), error, f"runs/{run.run_id}")


def _step_errors(events: Iterable[dg.DagsterEvent]) -> Iterator[str]:
    """What failed and the first words of why: the innermost error, which is ours where there is one."""
    for event in events:
        error = event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        yield f"{event.step_key}: {error.message.strip() if error else event.message}"
