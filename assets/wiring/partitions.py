"""
Daily partitions of the graph, look-back mappings, and the window of a run.

All assets share one partitioning, so any selection and any range fits in one run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pandas as pd

from alpha_pipeline.market.markets import Market, configured_markets, market_of_settings
from alpha_pipeline.settings import MarketSettings, load_settings

# Read once, when the code location loads: partitions and markets are what the graph is made of.
SETTINGS = load_settings()
MARKETS = configured_markets(SETTINGS)
MARKET_SETTINGS = {market.name: part for market, part in zip(MARKETS, SETTINGS.markets.values(), strict=True)}
LIVE, FIRST_DAY = SETTINGS.live, SETTINGS.days.first
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_date=SETTINGS.days.end or None)

_registered: dict[str, Market] = {}

# Dagster tracks staleness over at most 100 upstream partitions per partition; longer histories are read from the lake.
LOOKBACK_DAYS = 98


def register_market(name: str, section: MarketSettings) -> Market:
    """The market of a component, which no settings of the project name; known by its name from now on."""
    market = market_of_settings(name, section)
    MARKET_SETTINGS[market.name] = section
    _registered[market.name] = market
    return market


def all_markets() -> tuple[Market, ...]:
    """The markets of the settings and of components."""
    return (*(market for market in MARKETS if market.name not in _registered), *_registered.values())


def lookback(days: int = LOOKBACK_DAYS) -> dg.TimeWindowPartitionMapping:
    """Mapping to a day and the `days` before it; days before the first partition are no error."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, allow_nonexistent_upstream_partitions=True)


def earlier(days: int = LOOKBACK_DAYS) -> dg.TimeWindowPartitionMapping:
    """Mapping to the `days` before a day, without the day itself: the dependency of an asset on its own past."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, end_offset=-1, allow_nonexistent_upstream_partitions=True)


@dataclass(frozen=True)
class Window:
    """The bars a run has to compute: those that close in (start, end]."""

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
    """The window of a run of one partition or of a range."""
    span = context.partition_time_window
    return Window(pd.Timestamp(span.start).tz_convert("UTC"), pd.Timestamp(span.end).tz_convert("UTC"))
