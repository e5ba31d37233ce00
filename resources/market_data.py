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
from resources.door import FACTS, MarketData
from resources.sample import SampleDoor

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
    raise SettingError(f"ALPHA_PIPELINE_SOURCE is {settings.source!r}; expected one of {', '.join(SOURCES)}")


class MarketDataResource(dg.ConfigurableResource):
    """The door as Dagster configures it; fields as in `DoorSettings`."""

    source: str = "sample"
    bybit_url: str = ""
    yahoo_url: str = ""
    crypto_symbols: list[str] = []
    equity_symbols: list[str] = []
    cache_folder: str = ""

    @classmethod
    def from_environment(cls) -> "MarketDataResource":
        """
        Read `ALPHA_PIPELINE_SOURCE`, `..._BYBIT_URL`, `..._YAHOO_URL`, `..._CRYPTO_SYMBOLS`, `..._EQUITY_SYMBOLS`, `..._CACHE`.

        Symbols are separated by commas. What is not set keeps its default, which works offline.
        """
        read = os.environ.get
        return cls(
            source=read("ALPHA_PIPELINE_SOURCE", "sample"),
            bybit_url=read("ALPHA_PIPELINE_BYBIT_URL", ""),
            yahoo_url=read("ALPHA_PIPELINE_YAHOO_URL", ""),
            crypto_symbols=_names(read("ALPHA_PIPELINE_CRYPTO_SYMBOLS", "")),
            equity_symbols=_names(read("ALPHA_PIPELINE_EQUITY_SYMBOLS", "")),
            cache_folder=read("ALPHA_PIPELINE_CACHE", ""),
        )

    def door(self, market: Market) -> MarketData:
        """The door for one market; see `choose`."""
        symbols = {CRYPTO.name: tuple(self.crypto_symbols), EQUITIES.name: tuple(self.equity_symbols)}
        return choose(
            DoorSettings(self.source, self.bybit_url, self.yahoo_url, symbols, self.cache_folder),
            market,
        )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
