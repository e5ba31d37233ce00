"""
Days: the one partitioning of the graph, look-back windows and what a run has to produce.

Every asset shares it, so any selection fits in one run and any range is one run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pandas as pd

from alpha_pipeline.market.run_dates import end_day, first_day, is_live

LIVE = is_live()
FIRST_DAY, END_DAY = first_day(), end_day()
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_date=END_DAY)

# Dagster stops tracking staleness beyond 100 upstream partitions per partition; longer memory comes from the history.
LOOKBACK_DAYS = 98


def lookback(days: int = LOOKBACK_DAYS) -> dg.TimeWindowPartitionMapping:
    """Today and the `days` before it; days before the first partition do not exist and are no error."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, allow_nonexistent_upstream_partitions=True)


def earlier(days: int = LOOKBACK_DAYS) -> dg.TimeWindowPartitionMapping:
    """The `days` before today, today excluded: how an asset depends on its own past."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, end_offset=-1, allow_nonexistent_upstream_partitions=True)


@dataclass(frozen=True)
class Window:
    """What a run has to produce: the bars that close in (start, end], day by day."""

    start: pd.Timestamp
    end: pd.Timestamp

    def days(self) -> Iterator["Window"]:
        """One window per day, in order."""
        for day in pd.date_range(self.start, self.end, freq="D", inclusive="left"):
            yield Window(day, day + pd.Timedelta(days=1))

    @property
    def run_date(self) -> str:
        """ISO day of a one-day window."""
        return str(self.start.date())


def window(context: dg.AssetExecutionContext) -> Window:
    """The run's window, for one partition and for a range alike."""
    span = context.partition_time_window
    return Window(pd.Timestamp(span.start).tz_convert("UTC"), pd.Timestamp(span.end).tz_convert("UTC"))
