"""
Markets: bars, calendar, horizon, portfolio and trading costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.calendars import (
    expected_closes,
    has_session,
    may_close,
    partition_days,
    session_minutes,
    sessions_per_year,
)  # fmt: skip
from alpha_pipeline.market.durations import Clock, duration_bars, duration_time
from alpha_pipeline.settings import (
    FactSettings,
    FileSettings,
    MarketSettings,
    PortfolioSettings,
    Settings,
    SplitSettings,
    place_of,
    project_in_force,
)  # fmt: skip
from alpha_pipeline.settings.market_section import AssetType, complete_market

__all__ = ["CRYPTO", "EQUITIES", "MARKETS", "Market", "configured_markets", "expected_closes", "has_session",
           "market_of_settings", "may_close", "partition_days"]  # fmt: skip

_BAR_LENGTHS = {"1W": pd.Timedelta(days=7), "1M": pd.Timedelta(days=365.25 / 12)}
NOTHING = pd.Timedelta(0)
VENDORS = {"crypto": "bybit"}
UNIVERSE_FILES = (".csv", ".txt", ".parquet")
Files = TypeVar("Files", bound=FileSettings)
DEFAULT_PORTFOLIO, DEFAULT_SPLIT = PortfolioSettings(), SplitSettings()


@dataclass(frozen=True)
class Market:
    """
    One market of the graph.

    Args:
        name: asset-key prefix.
        asset_type: what is traded, named in prompts.
        bar: length of a bar, "1min" to "1M" (a month).
        calendar: "24/7", "24/5" or an `exchange_calendars` code such as "XNYS".
        periods_per_year: bars per year by the calendar; annualises every statistic.
        bars_per_session: bars of a session (of a day on 24/7); below one for weeks and months.
        horizon_bars: bars between a decision and its evaluation.
        rebalance_bars: bars between decisions of a portfolio.
        fee_bps: taker fee per unit of turnover.
        slippage_bps: half spread and slippage per unit of turnover.
        borrow_bps_per_year: cost of holding a short position.
        currency: of prices and costs.
        source: of its bars: "sample", "live" or "files".
        portfolio: how values of a factor become positions.
        split: sample periods.
        history: how far back mining and evaluation look; None for all bars.
        max_forward_fill: age up to which the last close stands in for a missing bar, see `gaps`; 0 carries nothing.
        funding: whether holders pay the stored funding rates.
        impact: market impact in daily standard deviations at a trade of one day's volume.
        capital: quote currency; sizes trades and their impact.
        vendor: of live bars.
        universe: symbols, or one file of them; empty for all of the source.
        files: of bars, where the source is "files"; its path is absolute or an address.
        facts: files of facts by kind.
    """

    name: str
    asset_type: AssetType
    bar: str
    calendar: str
    periods_per_year: float
    bars_per_session: float
    horizon_bars: int
    rebalance_bars: int
    fee_bps: float
    slippage_bps: float
    borrow_bps_per_year: float = 0.0
    currency: str = "USD"
    source: str = "sample"
    portfolio: PortfolioSettings = DEFAULT_PORTFOLIO
    split: SplitSettings = DEFAULT_SPLIT
    history: pd.Timedelta | None = None
    max_forward_fill: pd.Timedelta = NOTHING
    funding: bool = True
    impact: float = 0.0
    capital: float = 100_000.0
    vendor: str = ""
    universe: tuple[str, ...] = ()
    files: FileSettings = field(default_factory=FileSettings, compare=False)
    facts: Mapping[str, FactSettings] = field(default_factory=dict, compare=False)

    @property
    def bar_length(self) -> pd.Timedelta:
        """Length of a bar by the clock; of a month the mean."""
        return bar_length(self.bar)

    @property
    def bars_per_day(self) -> float:
        """Bars of a full day of trading, at least one."""
        return max(1.0, self.bars_per_session)

    @property
    def clock(self) -> Clock:
        """What durations are measured with."""
        return Clock(self.calendar, self.bar, self.bar_length, self.bars_per_session, self.periods_per_year)


def bar_length(bar: str) -> pd.Timedelta:
    """Length of a bar by the clock; of a month the mean."""
    return _BAR_LENGTHS.get(bar) or pd.Timedelta(bar)


def market_of_settings(name: str, settings: MarketSettings) -> Market:
    """
    The market of a section of the settings.

    Raises:
        SettingError: values that do not fit each other; the message begins with the place of the setting.
    """
    clock = market_clock(settings.calendar, settings.bar)
    with _named(name, "horizons"):
        horizon = duration_bars(settings.horizons[0], clock)
    with _named(name, "rebalance"):
        rebalance = duration_bars(settings.rebalance, clock) if settings.rebalance else horizon
    with _named(name, "history"):
        history = duration_time(settings.history) or None
    with _named(name, "max_forward_fill"):
        forward_fill = duration_time(settings.max_forward_fill)
    return Market(
        settings.name or name, settings.asset_type, settings.bar, settings.calendar, clock.periods_per_year,
        clock.bars_per_session, horizon, rebalance, settings.fee_bps, settings.slippage_bps,
        settings.borrow_bps_per_year, settings.currency, settings.source or "sample", settings.portfolio,
        settings.split, history, forward_fill, settings.funding, settings.impact, settings.capital,
        settings.vendor or VENDORS.get(settings.asset_type, "yahoo"), _universe(settings.universe),
        _located(settings.files), {kind: _located(facts) for kind, facts in settings.facts.items()},
    )  # fmt: skip


def _universe(universe: tuple[str, ...]) -> tuple[str, ...]:
    return (absolute_path(universe[0]),) if is_universe_file(universe) else universe


def is_universe_file(universe: tuple[str, ...]) -> bool:
    """Whether a universe is the name of a file of symbols."""
    return len(universe) == 1 and universe[0].lower().endswith(UNIVERSE_FILES)


def _located(files: Files) -> Files:
    return replace(files, path=absolute_path(files.path)) if files.path else files


def absolute_path(path: str) -> str:
    """A path of the project file, which counts from its folder; addresses stay."""
    return path if "://" in path else str((project_in_force().folder / Path(path).expanduser()).absolute())


def market_clock(calendar: str, bar: str) -> Clock:
    """Sessions and bars of a year of a calendar: weeks are 52, months 12, hours of US stocks 7 x 252."""
    length, sessions = bar_length(bar), sessions_per_year(calendar)
    if bar == "1W":
        return Clock(calendar, bar, length, 52 / sessions, 52.0)
    if bar == "1M":
        return Clock(calendar, bar, length, 12 / sessions, 12.0)
    per_session = -(-session_minutes(calendar) // (length / pd.Timedelta(minutes=1)))
    return Clock(calendar, bar, length, per_session, per_session * sessions)


def configured_markets(settings: Settings) -> tuple[Market, ...]:
    """The markets of the graph, in the order of the settings."""
    return tuple(market_of_settings(name, market) for name, market in settings.markets.items())


class _named:  # noqa: N801  # reads as a statement
    """Errors within begin with the place of a setting of a market."""

    def __init__(self, market: str, key: str) -> None:
        self._path = ("markets", market, key)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SettingError):
            raise SettingError(f"{place_of(*self._path)}: {error}") from None


@lru_cache(maxsize=8)
def _embedded(name: str) -> Market:
    return market_of_settings(name, MarketSettings(**complete_market(name, {}, {})))


# The markets of the embedded data with their default values; those in force are `configured_markets`.
CRYPTO, EQUITIES = _embedded("crypto"), _embedded("equities")
MARKETS = (CRYPTO, EQUITIES)
