"""
Coverage: what data each run date had to work with, so that a late or silent source is seen and not guessed.
"""

from collections.abc import Mapping

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.market.coverage import BARS, PRESENT, daily_presence, daily_share, data_coverage
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.heat_map import share_heat
from assets.raw import FACTS
from assets.wiring.partitions import Window, lookback, window
from assets.wiring.table_asset import key_of, markdown_table, stored
from resources.ingest.ingestion_gate import quarantined
from resources.lake.io_manager import ParquetIOManager
from resources.market_data import MarketDataResource

SEEN_DAYS = 30
WHEN = ["timestamp", "symbol", "available_at"]


def coverage_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`data_coverage` of one market."""

    @stored(
        tables.DATA_COVERAGE,
        "raw",
        market,
        description="Per source: what came, what was due, how old the newest row is, and how much lies in quarantine.",
        ins={
            name: dg.AssetIn(
                key_of(name, market),
                partition_mapping=lookback(SEEN_DAYS),
                metadata={"allow_missing": True, "columns": WHEN},
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
        days = [run_date.run_date for run_date in span.days()]
        known = {name.removeprefix("raw_"): table for name, table in raw.items()}
        aside = {name: quarantined(lake.lake, "/".join(key_of(f"raw_{name}", market).path), days) for name in known}
        reasons = {name: data.missing_reason(market, name) or "" for name in known if name != BARS}
        symbols = data.door(market).symbols(market)
        run_dates = []
        for run_date in span.days():
            rejected = {name: counts[run_date.run_date] for name, counts in aside.items()}
            run_dates.append(data_coverage(run_date.start, market, known, symbols, reasons, rejected))
        last = run_dates[-1]
        context.log.info(", ".join(f"{name} {status}" for name, status in last[["source", "status"]].to_numpy()))
        return dg.Output(
            pd.concat(run_dates, ignore_index=True), metadata=_described(last, known, market, len(symbols), span)
        )

    return [coverage]


def _described(
    last: pd.DataFrame, known: Mapping[str, pd.DataFrame], market: Market, symbols: int, span: Window
) -> dict[str, dg.MetadataValue | float | int]:
    first = span.end - pd.Timedelta(days=SEEN_DAYS)
    bars = daily_share(known[BARS], market, first, span.end)
    presence = daily_presence(known, symbols, pd.date_range(first, periods=SEEN_DAYS))
    by_name = last.set_index("source")
    shares = {f"{name}_share": float(share) for name, share in by_name["share"].dropna().items()}
    return {
        **shares,
        "present": int((last["status"] == PRESENT).sum()),
        "rejected_rows": int(last["rejected_rows"].sum()),
        "bars_by_day": dg.MetadataValue.md(
            markdown_image(share_heat(bars, "Share of the bars due, lowest first"), "share of bars by symbol and day")
        ),
        "sources_by_day": dg.MetadataValue.md(
            markdown_image(
                share_heat(presence, "Share of the symbols with a row"), "share of symbols by source and day"
            )
        ),
        "sources": markdown_table(last.drop(columns="run_date")),
    }
