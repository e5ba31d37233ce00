"""
The section of one market: what it is, where its data come from, how it is traded, how it differs from the project.

Values that no part of the program acts on yet are refused, never ignored.
"""

from dataclasses import field
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from alpha_pipeline.settings.sections import FusionSettings, Mining, ModelSettings
from alpha_pipeline.settings.value_types import Day, Duration, Durations, Names, section

AssetType = Literal["stock", "crypto", "forex", "future", "other"]
PortfolioMode = Literal["quantile", "rank", "long_only", "time_series"]
Preset = Literal[
    "auto", "long", "wide", "yahoo", "yfinance", "binance", "bybit", "cryptodatadownload", "stooq", "qlib", "excel",
    "lake",
]  # fmt: skip
BARS = ("1min", "5min", "15min", "30min", "1h", "2h", "4h", "6h", "8h", "12h", "1D", "1W", "1M")
Basis = Annotated[float, Field(ge=0, lt=10_000)]


def _name(text: str) -> str:
    if text and not (text.isascii() and text.islower() and text.isidentifier()):
        raise ValueError("a name of small letters, digits and '_' that begins with a letter")
    return text


@section
class FileSettings:
    """
    Files: where the rows of a market are read, and how.

    Args:
        path: a file, a folder, a glob or an fsspec address of Parquet or CSV; relative to the project file.
        preset: layout; `auto` recognises it.
        columns: our names of columns to those of the file, where they differ: `close = "Adj Close"`.
        symbol: the symbol, where the file names none.
        time_zone: of stamps without a zone.
        date_order: `day_first` or `month_first`, where dates can be read in both ways.
        stamp: whether a time is the `open` or the `close` of its bar, where neither the preset nor its name says.
        decimal: decimal mark of numbers, where they can be read in both ways.
    """

    path: str = ""
    preset: Preset = "auto"
    columns: dict[str, str] = field(default_factory=dict)
    symbol: str = ""
    time_zone: str = "UTC"
    date_order: Literal["", "day_first", "month_first"] = ""
    stamp: Literal["", "open", "close"] = ""
    decimal: Literal["", ".", ","] = ""


@section
class FactSettings(FileSettings):
    """
    Facts from files: any numeric columns with `symbol`, `timestamp` of the event and `available_at`.

    Args:
        units: unit of each column, shown with the fields of the panel.
        lag: how long after its event a fact is known, where the file has no `available_at`.
    """

    units: dict[str, str] = field(default_factory=dict)
    lag: Duration = ""


@section
class PortfolioSettings:
    """
    Portfolio: how values of a factor become positions.

    Args:
        mode: `quantile` (long top, short bottom), `rank`, `long_only`, or `time_series` (each symbol by its own past).
        quantile: share of the symbols in each leg.
        max_weight: maximum size of one weight.
        gross: sum of the sizes of all weights.
    """

    mode: PortfolioMode = "quantile"
    quantile: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    max_weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    gross: Annotated[float, Field(gt=0, lt=100)] = 1.0


@section
class SplitSettings:
    """
    Sample periods: train, validation and holdout (the sealed test), as shares of the bars or by date.

    Args:
        train: share of the bars.
        valid: share of the bars; the rest is the holdout.
        valid_from: first day of the validation period, in place of the shares.
        test_from: first day of the holdout, in place of the shares.
    """

    train: Annotated[float, Field(gt=0, lt=1)] = 0.70
    valid: Annotated[float, Field(gt=0, lt=1)] = 0.15
    valid_from: Day = ""
    test_from: Day = ""

    @model_validator(mode="after")
    def _possible(self) -> "SplitSettings":
        if self.train + self.valid >= 1:
            raise ValueError("train + valid below 1, the rest is the holdout")
        if bool(self.valid_from) != bool(self.test_from) or (self.valid_from and self.valid_from >= self.test_from):
            raise ValueError("both valid_from and test_from, in this order, or neither")
        return self


@section
class MarketSettings:
    """
    Markets: one table per market.

    Args:
        name: prefix of its asset keys; empty for the name of its table.
        asset_type: what is traded; decides the other defaults.
        calendar: `24/7`, `24/5` (Monday to Friday, for forex) or a code of `exchange_calendars` such as `XNYS`.
        bar: length of a bar, from 1min to 1M (a month).
        currency: of prices and costs.
        source: `sample` (embedded), `live` (a vendor) or `files`; empty for the source of the project.
        vendor: of live bars; empty for the one of the asset type.
        universe: symbols, or one file of them; empty for all of the source. A file may say when a symbol belongs
            to it: columns `symbol`, `from` and `to`, days that are empty where there is no limit.
        group: columns of groups such as sector. Not supported yet.
        files: of bars.
        facts: files of facts by kind, such as `fundamentals`.
        horizons: how far ahead a factor is evaluated, one duration; several are not supported yet.
        rebalance: how often a portfolio is decided; empty for the horizon.
        portfolio: how values become positions.
        fee_bps: taker fee per unit of turnover.
        slippage_bps: half spread and slippage per unit of turnover.
        borrow_bps_per_year: cost of holding a short position.
        funding: whether funding rates of perpetuals are collected and charged.
        impact: market impact in daily standard deviations at a trade of one day's volume; 0 for none.
        capital: quote currency; sizes trades and their impact.
        split: sample periods.
        history: how far back mining and evaluation look; empty for all that is stored.
        label: what is predicted; only `raw` returns are supported yet.
        max_forward_fill: age up to which the last close stands in for a missing bar; empty for none.
        mining: where it differs from the project's.
        fusion: where it differs from the project's.
        model: where it differs from the project's.
    """

    asset_type: AssetType
    calendar: str
    bar: Annotated[str, AfterValidator(lambda text: _one_of(text, BARS))]
    name: Annotated[str, AfterValidator(_name)] = ""
    currency: str = "USD"
    source: Literal["", "sample", "live", "files"] = ""
    vendor: Literal["", "bybit", "yahoo"] = ""
    universe: Names = ()
    group: Names = ()
    files: FileSettings = FileSettings()
    facts: dict[str, FactSettings] = field(default_factory=dict)
    horizons: Durations = ("1 session",)
    rebalance: Duration = ""
    portfolio: PortfolioSettings = PortfolioSettings()
    fee_bps: Basis = 0.0
    slippage_bps: Basis = 0.0
    borrow_bps_per_year: Annotated[float, Field(ge=0, lt=1_000_000)] = 0.0
    funding: bool = True
    impact: Annotated[float, Field(ge=0, lt=100)] = 0.0
    capital: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100_000.0
    split: SplitSettings = SplitSettings()
    history: Duration = ""
    label: str = "raw"
    max_forward_fill: Duration = ""
    mining: Mining = Mining()
    fusion: FusionSettings = FusionSettings()
    model: ModelSettings = ModelSettings()

    @model_validator(mode="after")
    def _supported(self) -> "MarketSettings":
        if len(self.horizons) != 1:
            raise ValueError("horizons has exactly one duration: several horizons are not supported yet")
        if self.label != "raw":
            raise ValueError(f"label is {self.label!r}; expected 'raw': other labels are not supported yet")
        if self.group:
            raise ValueError("group is set: groups are not supported yet")
        if self.source == "files" and not self.files.path:
            raise ValueError("source is 'files' and files.path is not set")
        if self.files.path and self.source not in ("", "files"):
            raise ValueError(f"files.path is set and source is {self.source!r}; expected 'files'")
        return self


def _one_of(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"one of {', '.join(choices)}")
    return text


def _defaults(**values: object) -> MappingProxyType[str, Any]:
    return MappingProxyType(values)


# What a market of an asset type has where its table does not say; fee, spread and borrow are typical of liquid symbols.
BY_ASSET_TYPE = MappingProxyType(
    {
        "stock": _defaults(calendar="XNYS", bar="1D", fee_bps=1.0, slippage_bps=5.0, borrow_bps_per_year=50.0),
        "crypto": _defaults(calendar="24/7", bar="1h", currency="USDT", fee_bps=10.0, slippage_bps=5.0),
        "forex": _defaults(calendar="24/5", bar="1h", fee_bps=0.0, slippage_bps=1.0),
        "future": _defaults(calendar="CMES", bar="1D", fee_bps=0.5, slippage_bps=1.0),
        "other": _defaults(),
    }
)
# The two markets of a project without a table of markets; a table of such a name begins with these values.
EMBEDDED_MARKETS = MappingProxyType(
    {
        "crypto": _defaults(asset_type="crypto", history="10000h", **BY_ASSET_TYPE["crypto"]),
        "equities": _defaults(asset_type="stock", **BY_ASSET_TYPE["stock"]),
    }
)
# Exchanges stop for hours and lose no money of their users: a gap of a vendor's bars on 24/7 carries the last close.
VENDOR_FORWARD_FILL = "6h"
# The default horizon is a session, or one bar where that is longer.
ONE_BAR = MappingProxyType({"1W": ("1 week",), "1M": ("1 month",)})


def complete_market(name: str, given: dict[str, Any], project: dict[str, Any]) -> dict[str, Any]:
    """
    The values of a market: its own, the project's where sections of it differ, and the defaults of its asset type.

    Args:
        name: of its table.
        given: its table.
        project: values of the project: `data`, `mining`, `fusion`, `model`.
    """
    base = dict(EMBEDDED_MARKETS.get(name, {}))
    asset_type = given.get("asset_type", base.get("asset_type"))
    values = {**BY_ASSET_TYPE.get(str(asset_type), {}), **base, **given}
    values["source"] = (
        given.get("source")
        or ("files" if _path(given.get("files")) else "")
        or str(_of(project.get("data"), "source") or "sample")
    )
    if values["source"] in ("sample", "live") and values.get("calendar") == "24/7":
        values.setdefault("max_forward_fill", VENDOR_FORWARD_FILL)
    if values.get("bar") in ONE_BAR:
        values.setdefault("horizons", ONE_BAR[values["bar"]])
    for part in ("mining", "fusion", "model"):
        values[part] = merged(project.get(part, {}), given.get(part, {}))
    return values


def merged(base: Any, over: Any) -> Any:
    """Tables united, values of the second first; anything else is the second."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over if over or not base else base
    return {**base, **{name: merged(base[name], value) if name in base else value for name, value in over.items()}}


def _of(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, dict) else getattr(part, name, None)


def _path(files: Any) -> str:
    return str(_of(files, "path") or "") if files else ""
