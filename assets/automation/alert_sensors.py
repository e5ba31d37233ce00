"""
Alert sensors: send alerts about events since the last evaluation.

They run by default; without a channel alerts are only logged. What deserves an alert is decided in
`alpha_pipeline.reporting.alert_texts`. Each sensor advances its cursor only when all its alerts were delivered.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from alpha_pipeline.assets.automation.schedules import CATCH_UP_DAYS, FIRST, LAST, ONLY, recent_days
from alpha_pipeline.assets.wiring.partitions import MARKETS
from alpha_pipeline.assets.wiring.table_asset import key_of
from alpha_pipeline.reporting import alert_texts as alerts
from alpha_pipeline.reporting.alert_texts import Alert
from alpha_pipeline.resources.alerts import Alerts

# An alert takes half a minute when its channel hangs, and a sensor has one minute: the rest waits for the next tick.
MAX_ALERTS = 10
RUNS = "runs"
Cursor = dict[str, int]
Query = Callable[[dg.DagsterInstance, Cursor], tuple[list[Alert], Cursor]]


def build_alert_sensors(checks: Collection[dg.AssetCheckKey]) -> list[dg.SensorDefinition]:
    """
    Sensors of failed runs, failed checks and canaries, stale data, budget and decay.

    Args:
        checks: all checks of the graph.
    """
    ordered = sorted(checks, key=lambda check: check.to_user_string())
    return [
        _sensor("failed_runs", "Failed runs, however they were started.", 30, failed_runs),
        _sensor("failed_checks", "Failed checks, including canaries.", 60, failed_checks(ordered)),
        _sensor("stale_data", "Bars that are overdue.", 1800, stale_data),
        _sensor("budget", "Limits of tokens, time and money that are nearly reached.", 300, spending),
        _sensor("decay", "Factors that were put on probation or retired.", 300, decaying),
    ]


def failed_runs(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """Query all failed runs, including those of the shell, which belong to no code location."""
    last = seen.get(RUNS)
    if last is None:
        records = instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records
        return [], {RUNS: records[0].storage_id if records else 0}
    news = dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=last)
    # No more than one tick can send; the next tick continues after the last of them.
    records = instance.fetch_run_status_changes(news, limit=MAX_ALERTS, ascending=True).records
    pending = [_failed_run(instance, record.event_log_entry) for record in records]
    return [alert for alert in pending if alert], {RUNS: records[-1].storage_id if records else last}


def failed_checks(checks: Iterable[dg.AssetCheckKey]) -> Query:
    """Query of the last evaluation of every check."""
    keys = list(checks)

    def query(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
        pending, now = [], dict(seen)
        for key, record in instance.event_log_storage.get_latest_asset_check_execution_by_key(keys).items():
            name = key.to_user_string()
            if record.status is AssetCheckExecutionRecordStatus.PLANNED or record.id <= seen.get(name, 0):
                continue
            now[name] = record.id
            evaluation = record.evaluation
            if record.status is AssetCheckExecutionRecordStatus.FAILED and evaluation is not None:
                run_date = record.partition or _run_dates(instance, record.run_id)
                asset = key.asset_key.to_user_string()
                pending.append(
                    alerts.failed_check(
                        asset, key.name, bool(evaluation.blocking), evaluation.description or "", run_date
                    )
                )
        return [alert for alert in pending if alert], now

    return query


def stale_data(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """Query of overdue bars of vendors; embedded data end in 2019, and files grow when their owner adds to them."""
    now, live = datetime.now(UTC), [market for market in MARKETS if market.source == "live"]
    if not live:
        return [], seen
    days = recent_days(now)
    stored = {market: instance.get_materialized_partitions(key_of("raw_ohlcv", market)) for market in live}
    pending = [alerts.stale_data(market, days, stored[market], now) for market in live]
    return [alert for alert in pending if alert], seen


def spending(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """Query of the budget used by the last mining of each market."""
    pending, now = [], dict(seen)
    for market in MARKETS:
        for run_date, metadata, _ in _new_materializations(instance, key_of("factor_definitions", market), now):
            pending.append(
                alerts.budget(
                    market.name, run_date, _number(metadata.get("limit_used")), str(metadata.get("limit", ""))
                )
            )
    return [alert for alert in pending if alert], now


def decaying(instance: dg.DagsterInstance, seen: Cursor) -> tuple[list[Alert], Cursor]:
    """Query of the last library of each market compared with the previous one."""
    pending, now = [], dict(seen)
    for market in MARKETS:
        for run_date, metadata, before in _new_materializations(instance, key_of("factor_library", market), now):
            pending.append(alerts.decay(market.name, run_date, metadata, before))
    return [alert for alert in pending if alert], now


def run_dates_of(tags: Mapping[str, str]) -> str:
    """Run dates of a run: a day, a range, or an empty string."""
    if FIRST in tags and tags[FIRST] != tags.get(LAST):
        return f"{tags[FIRST]}...{tags.get(LAST, '')}"
    return tags.get(FIRST) or tags.get(ONLY, "")


def _sensor(name: str, description: str, seconds: int, query: Query) -> dg.SensorDefinition:
    """A sensor that sends the alerts of a query; its first tick only sets the cursor, as earlier events are no news."""

    @dg.sensor(
        name=f"{name}_alert",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def evaluate(context: dg.SensorEvaluationContext, alerts: Alerts) -> dg.SensorResult:
        first = context.cursor is None
        current, seen = query(context.instance, json.loads(context.cursor or "{}"))
        pending = [] if first and seen else [alert for alert in current if not alerts.delivered_today(alert)]
        sent = all(alerts.send(alert, context.log.warning) for alert in pending[:MAX_ALERTS])
        done = sent and len(pending) <= MAX_ALERTS
        summary = f"{len(pending)} alerts" if pending else "no alerts"
        return dg.SensorResult(
            skip_reason=summary if done else f"{summary}, not all delivered; retry at the next tick",
            cursor=json.dumps(seen if done else json.loads(context.cursor or "{}"), sort_keys=True),
        )

    return evaluate


def _new_materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey, seen: Cursor
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Run date and metadata of the last materialization if new, and metadata of the previous run; updates `seen`."""
    records = instance.fetch_materializations(key, limit=2 * CATCH_UP_DAYS).records
    name = key.to_user_string()
    if not records or records[0].storage_id <= seen.get(name, 0):
        return
    seen[name] = records[0].storage_id
    earlier = next((record for record in records if record.run_id != records[0].run_id), None)
    yield records[0].partition_key or "", _values(records[0]), _values(earlier)


def _values(record: dg.EventLogRecord | None) -> Mapping[str, Any]:
    materialization = record.asset_materialization if record else None
    return {name: value.value for name, value in materialization.metadata.items()} if materialization else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _run_dates(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    return run_dates_of(run.tags) if run else ""


def _failed_run(instance: dg.DagsterInstance, failure: dg.EventLogEntry) -> Alert | None:
    """The alert of a failed run; None when the run was deleted."""
    run = instance.get_run_by_id(failure.run_id)
    if run is None:
        return None
    logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    steps = [entry.dagster_event for entry in logs if entry.dagster_event]
    message = failure.dagster_event.message if failure.dagster_event else ""
    job = "" if run.job_name.startswith("__") else run.job_name
    error = "\n".join([*_step_errors(steps), message or ""])
    return alerts.failed_run(job, run.run_id, run_dates_of(run.tags), error, f"runs/{run.run_id}")


def _step_errors(events: Iterable[dg.DagsterEvent]) -> Iterator[str]:
    """Failed steps with the first words of their innermost error."""
    for event in events:
        error = event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        yield f"{event.step_key}: {error.message.strip() if error else event.message}"
