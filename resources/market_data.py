"""
Which door of market data is opened: the embedded sample, or the live vendors, by one setting.

What a door promises is `door`; each door's own business is in its file.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market import CRYPTO, EQUITIES, Market
from resources.bybit import PUBLIC_URL, BybitDoor
from resources.door import FACTS, MarketData
from resources.sample import SampleDoor
from resources.yahoo import YahooDoor

__all__ = ["FACTS", "DoorSettings", "MarketData", "MarketDataResource", "choose"]

SOURCES = ("sample", "live")


@dataclass(frozen=True)
class DoorSettings:
    """
    What decides the door.

    Args:
        source: "sample" (embedded, offline) or "live" (Bybit for crypto, Yahoo for equities).
        bybit_url: base address of the exchange; empty for the public one.
        yahoo_url: base address standing in for every Yahoo host; empty for the public ones.
        symbols: market name -> symbols that replace the door's own list.
        cache_folder: where the Yahoo client may keep its time-zone cache; empty for a folder of temporary files.
    """

    source: str = "sample"
    bybit_url: str = ""
    yahoo_url: str = ""
    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cache_folder: str = ""


def choose(settings: DoorSettings, market: Market) -> MarketData:
    """
    The door for one market.

    Raises:
        SettingError: the source is unknown, or has no door for the market.
    """
    only = tuple(settings.symbols.get(market.name, ()))
    if settings.source == "sample":
        return SampleDoor(only)
    if settings.source == "live" and market.name == CRYPTO.name:
        return BybitDoor(only, settings.bybit_url or PUBLIC_URL)
    if settings.source == "live" and market.name == EQUITIES.name:
        return YahooDoor(only, settings.yahoo_url, cache_folder=settings.cache_folder)
    if settings.source in SOURCES:
        raise SettingError(f"no live door serves market {market.name!r}; expected crypto or equities")
    raise SettingError(f"ALPHA_PIPELINE_SOURCE is {settings.source!r}; expected one of {', '.join(SOURCES)}")


class MarketDataResource(dg.ConfigurableResource):
    """The door as Dagster configures it; fields as in `DoorSettings`, symbols separated by commas."""

    source: str = "sample"
    bybit_url: str = ""
    yahoo_url: str = ""
    crypto_symbols: str = ""
    equity_symbols: str = ""
    cache_folder: str = ""

    @classmethod
    def from_environment(cls) -> "MarketDataResource":
        """
        Each field from its variable: `ALPHA_PIPELINE_SOURCE`, `ALPHA_PIPELINE_CRYPTO_SYMBOLS` and so on.

        What is not set keeps its default, which works offline.
        """
        given = {name: os.environ.get(f"ALPHA_PIPELINE_{name.upper()}") for name in cls.model_fields}
        return cls(**{name: value for name, value in given.items() if value})

    def door(self, market: Market) -> MarketData:
        """The door for one market; see `choose`."""
        symbols = {CRYPTO.name: _names(self.crypto_symbols), EQUITIES.name: _names(self.equity_symbols)}
        return choose(
            DoorSettings(self.source, self.bybit_url, self.yahoo_url, symbols, self.cache_folder),
            market,
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
