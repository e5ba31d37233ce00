"""
Nights: one schedule per market, catching up what was missed.

Stopped until a person starts them: a fresh clone must not begin to spend tokens.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from alpha_pipeline.market import Market
from assets.declare import key_of
from assets.partitions import DAYS

CATCH_UP_DAYS = 14
# Half an hour after the day is over; equity sessions end Monday to Friday, hence nights from Tuesday to Saturday.
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


def nightly_job(market: Market) -> UnresolvedAssetJobDefinition:
    """Everything a night of one market materializes: its own chain and the tables joined over markets."""
    joined = dg.AssetSelection.assets(*JOINED)
    apart = dg.AssetSelection.assets(key_of("ohlcv_history", market), key_of("sealed_test", market))
    return dg.define_asset_job(
        f"nightly_{market.name}",
        selection=(dg.AssetSelection.key_prefixes(market.name) - apart) | joined,
        description=f"One night of {market.name}, or a range of nights, in one run.",
    )


def nightly_schedule(market: Market) -> dg.ScheduleDefinition:
    """The nightly job, asked for every day of the last two weeks that has no signal yet."""
    job = nightly_job(market)

    @dg.schedule(
        job=job,
        name=f"nightly_{market.name}_schedule",
        cron_schedule=CRON.get(market.calendar, SESSION_CRON),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Materializes the missing days among the last {CATCH_UP_DAYS}, oldest first.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        days = DAYS.get_partition_keys(current_time=context.scheduled_execution_time)[-CATCH_UP_DAYS:]
        done = context.instance.get_materialized_partitions(key_of("source_signals", market))
        ranges = list(missing_ranges(days, done))
        if not ranges:
            yield dg.SkipReason(f"every day up to {days[-1]} has its signal" if days else "no day is over yet")
        for first, last in ranges:
            yield dg.RunRequest(
                run_key=f"{first}...{last}@{context.scheduled_execution_time:%Y-%m-%d}",
                tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            )

    return nightly


def missing_ranges(days: Sequence[str], done: set[str]) -> Iterator[tuple[str, str]]:
    """The runs of consecutive `days` that are not `done`, as (first, last), in order."""
    first = last = None
    for day in days:
        if day in done:
            if first and last:
                yield first, last
            first = last = None
        else:
            first, last = first or day, day
    if first and last:
        yield first, last
