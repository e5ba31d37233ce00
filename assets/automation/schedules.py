"""
Run dates: one schedule per market, catching up what was missed, and a sensor that joins the markets once they are there.

Stopped until a person starts them: a fresh clone must not begin to spend tokens. Which days are due is thought in
`run_dates`; here Dagster is asked what it has, and told what to run.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from alpha_pipeline.market.due_dates import days_to_join, missing_ranges
from alpha_pipeline.market.markets import MARKETS, Market
from assets.wiring.partitions import DAYS
from assets.wiring.table_asset import key_of
from resources.lake.lake import days_between

CATCH_UP_DAYS = 14
# Half an hour after the day is over; equity sessions end Monday to Friday, hence run dates from Tuesday to Saturday.
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
APART = ("ohlcv_history", "sealed_test")
# What a market says to the joined tables; the last thing its run date computes on the way to them.
SIGNALS = "source_signals"
# dagster.yaml lets one run of each value of this tag go on at a time: a run date reads the ledger of the one before it.
NIGHTS = "alpha_pipeline/run_dates"
FIRST, LAST, ONLY = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "dagster/partition"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def nightly_job(market: Market) -> UnresolvedAssetJobDefinition:
    """Everything a run date of one market materializes: its own chain, without the tables joined over markets."""
    apart = dg.AssetSelection.assets(*(key_of(name, market) for name in APART))
    return dg.define_asset_job(
        f"nightly_{market.name}",
        selection=dg.AssetSelection.key_prefixes(market.name) - apart,
        description=f"One run date of {market.name}, or a range of run dates, in one run.",
    )


def joined_job() -> UnresolvedAssetJobDefinition:
    """The tables joined over markets: a job of their own, so that no two nightly jobs write one of them."""
    return dg.define_asset_job(
        "nightly_joined",
        selection=dg.AssetSelection.assets(*(key_of(name) for name in JOINED)),
        description="Fuse, keep the record, report: one run date over all markets, or a range of run dates, in one run.",
    )


def nightly_schedule(market: Market, graph: Collection[dg.AssetKey]) -> dg.ScheduleDefinition:
    """
    The nightly job, asked for every day of the last two weeks on which one of its tables is missing.

    Args:
        market: whose.
        graph: keys of all assets there are; the job's own are found among them.
    """
    job = nightly_job(market)
    keys = [key for key in graph if key.path[0] == market.name and key.path[-1] not in APART]

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
        days = recent_days(moment)
        done = set.intersection(*(instance.get_materialized_partitions(key) for key in keys))
        asked = days_asked_for(instance, job.name, key_of(SIGNALS, market))
        ranges = list(missing_ranges(days, done | asked))
        if not ranges:
            waits = sorted(asked.intersection(days) - done)
            told = f"every day up to {days[-1]} is there" if days else "no day is over yet"
            yield dg.SkipReason(f"{told}, or asked for: {', '.join(waits)}" if waits else told)
        for first, last in ranges:
            yield _request(market.name, first, last, f"{moment:%Y-%m-%d}")

    return nightly


def joined_sensor() -> dg.SensorDefinition:
    """The joined job, asked for the days whose markets have all spoken, or have had the time to."""
    job = joined_job()

    @dg.sensor(
        job=job,
        name="nightly_joined_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Joins a run date once every market has signals, no session, or is hours late; anew when a late one "
        "comes.",
    )
    def joined(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now, instance = datetime.now(UTC), context.instance
        days = recent_days(now)
        heard = {market: _latest(instance, key_of(SIGNALS, market), days) for market in MARKETS}
        written = [_latest(instance, key_of(name), days) for name in JOINED]
        asked = days_asked_for(instance, job.name, key_of("fused_signal"))
        for market in MARKETS:
            asked |= days_asked_for(instance, f"nightly_{market.name}", key_of(SIGNALS, market))
        ranges = list(missing_ranges(days, set(days) - set(days_to_join(days, heard, written, now)) | asked))
        if not ranges:
            yield dg.SkipReason("nothing to join")
        for first, last in ranges:
            humanize = max(day_ids.get(last, 0) for day_ids in heard.values())
            # A run date that failed is asked for again when a market speaks anew, and once a day: never in a loop.
            yield _request("joined", first, last, f"{now:%Y-%m-%d}/{humanize}")

    return joined


def recent_days(moment: datetime) -> list[str]:
    """The last days that are over, as partition keys, oldest first."""
    return list(DAYS.get_partition_keys(current_time=moment)[-CATCH_UP_DAYS:])


def days_asked_for(instance: dg.DagsterInstance, job: str, key: dg.AssetKey) -> set[str]:
    """Days that a run which has not ended will write of an asset, whoever asked for it: as part of a job or by name."""
    days: set[str] = set()
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if (run.job_name == job and run.asset_selection is None) or key in (run.asset_selection or ()):
            days.update(_days_of(run.tags))
    return days


def _days_of(tags: Mapping[str, str]) -> Iterable[str]:
    if FIRST in tags and LAST in tags:
        return days_between(tags[FIRST], tags[LAST])
    return [tags[ONLY]] if ONLY in tags else []


def _latest(instance: dg.DagsterInstance, key: dg.AssetKey, days: list[str]) -> Mapping[str, int]:
    """Number of the last materialization of each day in the event log, which only grows; none where there is none."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    return instance.event_log_storage.get_latest_storage_id_by_partition(key, kind, set(days))


def _request(run_dates: str, first: str, last: str, suffix: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"{first}...{last}@{suffix}", tags={FIRST: first, LAST: last, NIGHTS: run_dates})
