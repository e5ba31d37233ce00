"""
Raw tables: what the doors gave, by day, refused when it breaks its contract.

The bulk history before the first day is one unpartitioned table; nothing here interprets a value.
"""

from collections.abc import Iterator

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import DataError
from alpha_pipeline.market import Market, expected_closes
from alpha_pipeline.validation.data_quality import Quality, check_ohlcv
from assets.declare import markdown_table, stored
from assets.partitions import FIRST_DAY, Window, window
from resources.market_data import MarketDataResource

Result = Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]

CONTRACT = "Keys, positive and coherent prices, volumes, stamps and calendar coverage (Great Expectations)."
FACTS = {
    "raw_funding": (tables.RAW_FUNDING, "Funding rates of perpetuals, at their own settlement stamps."),
    "raw_derivatives": (
        tables.RAW_DERIVATIVES,
        "Open interest of perpetuals, and the order book where it was seen live.",
    ),
    "raw_news": (tables.RAW_NEWS, "Headlines with their score, stamped when they could first be read."),
    "raw_social": (tables.RAW_SOCIAL, "Post counts and mood per symbol."),
    "raw_onchain": (tables.RAW_ONCHAIN, "Chain metrics: flows, addresses, supply, value locked."),
}


def raw_assets(market: Market) -> list[dg.AssetsDefinition]:
    """History, daily bars and the kinds of facts of one market."""
    facts = [_facts(market, name, table, text) for name, (table, text) in FACTS.items()]
    return [_history(market), _ohlcv(market), *facts]


def _history(market: Market) -> dg.AssetsDefinition:
    @stored(
        tables.OHLCV_HISTORY,
        "raw",
        market,
        partitioned=False,
        description=f"Every bar before the first day of the graph ({FIRST_DAY}), loaded once.",
        blocking={"history_quality": CONTRACT},
    )
    def ohlcv_history(context: dg.AssetExecutionContext, data: MarketDataResource) -> Result:
        end = pd.Timestamp(FIRST_DAY, tz="UTC")
        table = data.door(market).history(market, end)
        first = table["timestamp"].min() if len(table) else end
        context.log.info(f"{len(table):,} bars of {table['symbol'].nunique()} symbols since {first:%Y-%m-%d}")
        yield from _checked("history_quality", table, market, Window(first - market.bar_length, end))

    return ohlcv_history


def _ohlcv(market: Market) -> dg.AssetsDefinition:
    @stored(
        tables.RAW_OHLCV,
        "raw",
        market,
        description=f"Bars of {market.bar} as the source gave them, stamped at their close.",
        blocking={"data_quality": CONTRACT},
    )
    def raw_ohlcv(context: dg.AssetExecutionContext, data: MarketDataResource) -> Result:
        span = window(context)
        door = data.door(market)
        table = door.fetch_ohlcv(market, None, span.start, span.end)
        context.log.info(f"{len(table):,} bars of {table['symbol'].nunique()} symbols from {door.name}")
        yield from _checked("data_quality", table, market, span)

    return raw_ohlcv


def _checked(check: str, table: pd.DataFrame, market: Market, span: Window) -> Result:
    """Report the suite's outcome, then the table; a table that fails is reported and not stored."""
    if table.empty and len(expected_closes(market, span.start, span.end)) == 0:
        yield dg.AssetCheckResult(check_name=check, passed=True, description="no session on these days")
        yield dg.Output(table, metadata={"note": "no session on these days"})
        return
    quality = check_ohlcv(table, market, span.start, span.end)
    yield dg.AssetCheckResult(
        check_name=check,
        passed=quality.passed,
        description=f"{len(quality.results)} expectations; {quality.failures() or 'all met'}",
        metadata={"expectations": markdown_table(quality.results, 40)},
    )
    if not quality.passed:
        raise DataError(
            f"{market.name} bars in ({span.start}, {span.end}] break their contract and were not stored: "
            f"{quality.failures()}"
        )
    yield dg.Output(table, metadata=_describe(table, quality))


def _describe(table: pd.DataFrame, quality: Quality) -> dict[str, dg.MetadataValue | int | float | str]:
    last = table.sort_values("timestamp").groupby("symbol").tail(1)
    return {
        "symbols": int(table["symbol"].nunique()),
        "first_bar": str(table["timestamp"].min()),
        "last_bar": str(table["timestamp"].max()),
        "missing_bars_per_symbol": round(quality.missing_bars, 2),
        "last_bars": markdown_table(last[["timestamp", "symbol", "close", "volume"]], 8),
    }


def _facts(market: Market, name: str, table: tables.Table, description: str) -> dg.AssetsDefinition:
    @stored(table, "raw", market, description=f"{description} Empty where the source has none, and says so.")
    def raw_facts(context: dg.AssetExecutionContext, data: MarketDataResource) -> dg.Output[pd.DataFrame]:
        span = window(context)
        door = data.door(market)
        source = name.removeprefix("raw_")
        reason = door.missing_reason(source)
        frame = table.empty() if reason else door.fetch_facts(source, market, span.start, span.end)
        context.log.info(f"absent: {reason}" if reason else f"{len(frame):,} rows from {door.name}")
        return dg.Output(frame, metadata={"absent": reason} if reason else {"symbols": frame["symbol"].nunique()})

    return raw_facts
