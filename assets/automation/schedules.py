"""
Nightly runs: one schedule per market that catches up missed days, and a sensor for the tables joined over markets.

Both are stopped by default, since a new clone must not spend tokens. The due days are computed in
`alpha_pipeline.market.due_dates`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg
import pandas as pd
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from alpha_pipeline.assets.wiring.partitions import DAYS, MARKETS
from alpha_pipeline.assets.wiring.table_asset import key_of
from alpha_pipeline.market.due_dates import days_to_join, missing_ranges
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.resources.lake.lake import days_between

CATCH_UP_DAYS = 14
# Half an hour after the end of the day; equity sessions end Monday to Friday, hence run dates Tuesday to Saturday.
CRON = {"24/7": "30 0 * * *"}
SESSION_CRON = "45 0 * * 2-6"
JOINED = (
    "fused_signal",
    "decision_ledger",
    "signal_track_record",
    "paper_ledger",
    "signal_export",
    "nightly_report",
)
NOT_NIGHTLY = ("ohlcv_history", "sealed_test")
# Input of the joined tables from each market.
SIGNALS = "source_signals"
# dagster.yaml runs one run per value of this tag at a time: a run date reads the ledger of the previous one.
RUN_DATES_TAG = "alpha_pipeline/run_dates"
FIRST, LAST, ONLY = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "dagster/partition"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def nightly_job(market: Market) -> UnresolvedAssetJobDefinition:
    """Job of one market's nightly tables, without the tables joined over markets."""
    not_nightly = dg.AssetSelection.assets(*(key_of(name, market) for name in NOT_NIGHTLY))
    return dg.define_asset_job(
        f"nightly_{market.name}",
        selection=dg.AssetSelection.key_prefixes(market.name) - not_nightly,
        description=f"The nightly tables of {market.name}, for one run date or a range, in one run.",
    )


def joined_job() -> UnresolvedAssetJobDefinition:
    """Job of the tables joined over markets, separate so that no two nightly jobs write the same table."""
    return dg.define_asset_job(
        "nightly_joined",
        selection=dg.AssetSelection.assets(*(key_of(name) for name in JOINED)),
        description="Fused signal, track record and report of all markets, for one run date or a range.",
    )


def nightly_schedule(market: Market, graph: Collection[dg.AssetKey]) -> dg.ScheduleDefinition:
    """
    Schedule of the nightly job, for the days of the last two weeks on which one of its tables is missing.

    Args:
        market: of the job.
        graph: keys of all assets.
    """
    job = nightly_job(market)
    keys = [key for key in graph if key.path[0] == market.name and key.path[-1] not in NOT_NIGHTLY]

    @dg.schedule(
        job=job,
        name=f"nightly_{market.name}_schedule",
        cron_schedule=CRON.get(market.calendar, SESSION_CRON),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Materializes the missing days among the last {CATCH_UP_DAYS}, oldest first.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        moment, instance = context.scheduled_execution_time, context.instance
        days = _covered(market, recent_days(moment))
        done = set.intersection(*(instance.get_materialized_partitions(key) for key in keys))
        requested = requested_days(instance, job.name, key_of(SIGNALS, market))
        ranges = list(missing_ranges(days, done | requested))
        if not ranges:
            pending = sorted(requested.intersection(days) - done)
            reason = f"every day up to {days[-1]} is materialized" if days else "no day is over yet"
            yield dg.SkipReason(f"{reason} or requested: {', '.join(pending)}" if pending else reason)
        for first, last in ranges:
            yield _request(market.name, first, last, f"{moment:%Y-%m-%d}")

    return nightly


def joined_sensor() -> dg.SensorDefinition:
    """Sensor of the joined job, for days with signals of all markets, or past the time limit for late markets."""
    job = joined_job()

    @dg.sensor(
        job=job,
        name="nightly_joined_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Joins a run date once every market has signals, has no session, or is hours late; again when a "
        "late market follows.",
    )
    def joined(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now, instance = datetime.now(UTC), context.instance
        days = recent_days(now)
        materialized = {market: _latest(instance, key_of(SIGNALS, market), days) for market in MARKETS}
        written = [_latest(instance, key_of(name), days) for name in JOINED]
        requested = requested_days(instance, job.name, key_of("fused_signal"))
        for market in MARKETS:
            requested |= requested_days(instance, f"nightly_{market.name}", key_of(SIGNALS, market))
        ranges = list(missing_ranges(days, set(days) - set(days_to_join(days, materialized, written, now)) | requested))
        if not ranges:
            yield dg.SkipReason("nothing to join")
        for first, last in ranges:
            newest = max(day_ids.get(last, 0) for day_ids in materialized.values())
            # A failed run date is requested again after a new materialization of a market, and once a day; no loop.
            yield _request("joined", first, last, f"{now:%Y-%m-%d}/{newest}")

    return joined


def recent_days(moment: datetime) -> list[str]:
    """The last complete days, as partition keys, oldest first."""
    return list(DAYS.get_partition_keys(current_time=moment)[-CATCH_UP_DAYS:])


def requested_days(instance: dg.DagsterInstance, job: str, key: dg.AssetKey) -> set[str]:
    """Days of an asset that unfinished runs will write, as part of a job or in a selection of assets."""
    days: set[str] = set()
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if (run.job_name == job and run.asset_selection is None) or key in (run.asset_selection or ()):
            days.update(_days_of(run.tags))
    return days


def _covered(market: Market, days: list[str]) -> list[str]:
    """The days on which there can be bars: files end where their owner ended them."""
    if market.source != "files":
        return days
    from alpha_pipeline.resources.files.file_source import FileBars  # readers of files, not needed by vendors

    last = str(partition_days(pd.Series([FileBars(market).coverage(market)[1]])).iloc[0].date())
    return [day for day in days if day <= last]


def _days_of(tags: Mapping[str, str]) -> Iterable[str]:
    if FIRST in tags and LAST in tags:
        return days_between(tags[FIRST], tags[LAST])
    return [tags[ONLY]] if ONLY in tags else []


def _latest(instance: dg.DagsterInstance, key: dg.AssetKey, days: list[str]) -> Mapping[str, int]:
    """Storage id, which only grows, of the last materialization of each materialized day."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    return instance.event_log_storage.get_latest_storage_id_by_partition(key, kind, set(days))


def _request(run_dates: str, first: str, last: str, suffix: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{first}...{last}@{suffix}", tags={FIRST: first, LAST: last, RUN_DATES_TAG: run_dates}
    )
