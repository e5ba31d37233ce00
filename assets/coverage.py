"""
Coverage of each run date by source: rows present, due, carried and missing, age of the newest row, rejected rows.
"""

from collections.abc import Mapping

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.raw import FACTS
from alpha_pipeline.assets.wiring.partitions import Window, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.market.coverage import BARS, PRESENT, daily_presence, daily_share, data_coverage, gap_counts
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.heat_map import share_heat
from alpha_pipeline.resources.ingest.ingestion_gate import rejected_by_day
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.market_data import MarketDataResource

LOOKBACK_DAYS = 30
COLUMNS = ["timestamp", "symbol", "available_at"]


def coverage_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`data_coverage` of one market."""

    @parquet_asset(
        tables.DATA_COVERAGE,
        "raw",
        market,
        description="Per source: rows present and due, bars carried and missing, age of the newest row, number of "
        "rejected rows.",
        code_version="2",
        ins={
            name: dg.AssetIn(
                key_of(name, market),
                partition_mapping=lookback(LOOKBACK_DAYS),
                metadata={"allow_missing": True, "columns": COLUMNS},
            )
            for name in ("raw_ohlcv", *FACTS)
        },
    )
    def coverage(
        context: dg.AssetExecutionContext,
        data: MarketDataResource,
        lake: dg.ResourceParam[ParquetIOManager],
        **raw: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        days = [day.run_date for day in span.days()]
        sources = {name.removeprefix("raw_"): table for name, table in raw.items()}
        rejected = {
            name: rejected_by_day(lake.lake, "/".join(key_of(f"raw_{name}", market).path), days) for name in sources
        }
        reasons = {name: data.missing_reason(market, name) or "" for name in sources if name != BARS}
        symbols = data.bar_source(market).symbols(market)
        parts = []
        for day in span.days():
            rejected_rows = {name: counts[day.run_date] for name, counts in rejected.items()}
            parts.append(data_coverage(day.start, market, sources, symbols, reasons, rejected_rows))
        last = parts[-1]
        context.log.info(", ".join(f"{name} {status}" for name, status in last[["source", "status"]].to_numpy()))
        return dg.Output(
            pd.concat(parts, ignore_index=True), metadata=_metadata(last, sources, market, len(symbols), span)
        )

    return [coverage]


def _metadata(
    last: pd.DataFrame, sources: Mapping[str, pd.DataFrame], market: Market, symbols: int, span: Window
) -> dict[str, dg.MetadataValue | float | int]:
    first = span.end - pd.Timedelta(days=LOOKBACK_DAYS)
    bars = daily_share(sources[BARS], market, first, span.end)
    presence = daily_presence(sources, symbols, pd.date_range(first, periods=LOOKBACK_DAYS))
    carried, missing = gap_counts(sources[BARS], market, symbols, first, span.end)
    title = f"Share of bars due, lowest first; {carried:,} carried, {missing:,} missing"
    by_name = last.set_index("source")
    shares = {f"{name}_share": float(share) for name, share in by_name["share"].dropna().items()}
    return {
        **shares,
        "present": int((last["status"] == PRESENT).sum()),
        "rejected_rows": int(last["rejected_rows"].sum()),
        "carried_bars": int(last["carried"].sum()),
        "missing_bars": int(last["missing"].sum()),
        "bars_by_day": dg.MetadataValue.md(markdown_image(share_heat(bars, title), "share of bars by symbol and day")),
        "sources_by_day": dg.MetadataValue.md(
            markdown_image(share_heat(presence, "Share of symbols with a row"), "share of symbols by source and day")
        ),
        "sources": markdown_table(last.drop(columns="run_date")),
    }
