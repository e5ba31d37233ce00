"""
Description of a user's file: layout, names of columns, stamps; and the presets of vendors and programs.

Recognition of a layout is in `layout`, reading in `file_tables`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from alpha_pipeline.errors import SettingError

PresetName = Literal[
    "auto", "long", "wide", "yahoo", "yfinance", "binance", "bybit", "cryptodatadownload", "stooq", "qlib", "excel",
    "lake",
]  # fmt: skip
PRESETS: tuple[str, ...] = get_args(PresetName)
Stamp = Literal["", "open", "close"]
DateOrder = Literal["", "day_first", "month_first"]
PRICES = ("open", "high", "low", "close")
BAR_FIELDS = (*PRICES, "volume")


@dataclass(frozen=True)
class FileFormat:
    """
    Where a file is, and what it does not say itself.

    Args:
        path: a file, a folder, a glob, a hive folder, any URL that fsspec opens; Parquet or CSV, plain or compressed.
        preset: layout of a vendor or program; "auto" recognizes it.
        columns: our name -> name in the file, for columns whose names are not recognized.
        symbol: of every row, where the file has no column of symbols.
        time_zone: IANA name of times without an offset.
        date_order: of dates such as 01/02/2022; "" reads them only where one reading is possible.
        stamp: whether a time is the open or the close of its bar; "" as the preset or the name of the column says, else
            the close.
        decimal: decimal mark of numbers as text; "" reads them only where one reading is possible.
        kind: "bars", or a name of facts such as "fundamentals".
        units: field -> unit, for facts.
    """

    path: str
    preset: PresetName = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    symbol: str = ""
    time_zone: str = "UTC"
    date_order: DateOrder = ""
    stamp: Stamp = ""
    decimal: Literal["", ".", ","] = ""
    kind: str = "bars"
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choices: dict[str, tuple[str, tuple[str, ...]]] = {
            "preset": (self.preset, PRESETS), "date_order": (self.date_order, get_args(DateOrder)),
            "stamp": (self.stamp, get_args(Stamp)), "decimal": (self.decimal, ("", ".", ",")),
        }  # fmt: skip
        for name, (value, allowed) in choices.items():
            if value not in allowed:
                raise SettingError(f"{name} is {value!r}; expected one of {', '.join(repr(a) for a in allowed)}")
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, KeyError):
            raise SettingError(
                f"time_zone is {self.time_zone!r}; expected an IANA name such as America/New_York"
            ) from None


@dataclass(frozen=True)
class Preset:
    """
    A layout of files that is known from its vendor or program.

    Args:
        marks: folded names of columns that together tell the layout.
        names: of the columns of files without a header line, by their number; empty where there always is one.
        stamp: whether a time is the open or the close of a bar; "" when only dates come or the file decides.
        asset_type: of what the vendor sells; "" for several.
        symbol_pattern: finds the symbol in the name of a file; "" where names do not have it.
        ignored: folded names of columns without meaning.
    """

    marks: tuple[frozenset[str], ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    stamp: Stamp = ""
    asset_type: str = ""
    symbol_pattern: str = ""
    ignored: tuple[str, ...] = ()


BINANCE_NAMES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
BYBIT_NAMES = ("start_time", "open", "high", "low", "close", "volume", "turnover")
BYBIT_FILE_NAMES = ("start_time", "open", "high", "low", "close", "volume")
METATRADER_NAMES = ("open_date", "open_time", "open", "high", "low", "close", "volume")
_EXCHANGE_FILE = r"(?<![A-Z0-9])([A-Z0-9]{5,})[-_](?:\d+[smhdwM]?|D|W|M)(?=[-_.]|$)"
# The layouts that are recognized, the most specific first.
VENDORS: dict[str, Preset] = {
    "binance": Preset(
        (frozenset({"open_time", "close_time", "taker_buy_volume"}), frozenset({"open_time", "taker_buy_base_volume"}),
         frozenset({"open_time", "close_time", "quote_asset_volume"})),
        (BINANCE_NAMES,), "open", "crypto", _EXCHANGE_FILE, ("ignore",),
    ),
    "bybit": Preset(
        (frozenset({"starttime", "openprice", "closeprice"}), frozenset({"start_time", "open", "close", "turnover"}),
         frozenset({"start_at", "open", "close", "turnover"})),
        (BYBIT_NAMES, BYBIT_FILE_NAMES), "open", "crypto", _EXCHANGE_FILE,
    ),
    "cryptodatadownload": Preset(
        (frozenset({"unix", "date", "symbol", "close"}), frozenset({"unix_timestamp", "date", "symbol", "close"})),
        (), "open", "crypto",
    ),
    "stooq": Preset((frozenset({"ticker", "per", "date", "time", "close"}),), ignored=("per", "openint")),
    "yahoo": Preset((frozenset({"date", "close", "adj_close"}), frozenset({"date", "close", "stock_splits"}),
                     frozenset({"datetime", "close", "stock_splits"})), stamp="open"),
    "yfinance": Preset(stamp="open"),
    "qlib": Preset((frozenset({"datetime", "instrument"}),)),
}  # fmt: skip

TIME_NAMES = (
    "timestamp", "datetime", "date_time", "unix", "unix_timestamp", "open_time", "opentime", "start_time", "starttime",
    "start_at", "date", "trade_date", "tradingdate", "trading_date", "time", "epoch", "ts", "index", "index_level_0",
    "close_time", "closetime", "end_time", "endtime", "report_date", "period_end", "period",
)  # fmt: skip
OPEN_TIMES = {"open_time", "opentime", "start_time", "starttime", "start_at"}
SYMBOL_NAMES = (
    "symbol", "ticker", "instrument", "code", "ts_code", "stock_code", "secid", "asset", "pair", "coin", "sym", "tic",
    "security", "order_book_id", "instrument_id", "permno",
)  # fmt: skip
AVAILABLE_NAMES = ("available_at", "availableat", "known_at", "published_at", "filing_date", "filed", "ann_date")
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "open": ("open", "open_price", "openprice", "opening_price"),
    "high": ("high", "high_price", "highprice", "highest_price"),
    "low": ("low", "low_price", "lowprice", "lowest_price"),
    "close": ("close", "close_price", "closeprice", "closing_price", "last_price", "price"),
    "volume": ("volume", "vol", "base_volume", "basevolume"),
    "adjusted_close": ("adj_close", "adjclose", "adjusted_close", "adjustedclose"),
    "dividend": ("dividend", "dividends", "div_cash"),
    "split": ("split", "splits", "stock_splits", "stock_split", "split_ratio", "split_factor"),
}
SHORT_NAMES = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "t": "timestamp"}


def fold(name: str) -> str:
    """A column's name for comparison: `$close`, `<CLOSE>`, `Close` are "close"; `Adj Close` is "adj_close"."""
    return re.sub(r"\W+", "_", str(name).replace("\ufeff", "").strip().lower()).strip("_")


def field_of(name: str) -> str:
    """Our name of a bar's field; "" for any other column."""
    folded = fold(name)
    return next((ours for ours, names in FIELD_NAMES.items() if folded in names), "")
