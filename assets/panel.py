"""
The panel: bars and facts of one market on one grid, point in time at each bar's close.
"""

from functools import partial

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.raw import FACTS, Result
from alpha_pipeline.assets.wiring.partitions import lookback
from alpha_pipeline.assets.wiring.table_asset import key_of, parquet_asset
from alpha_pipeline.market.fields import assemble
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import price_chart
from alpha_pipeline.validation.raw.as_of import CUTS, late_arrivals

# A fact older than this at a bar's close counts as absent; the look-back of the inputs follows from it.
FACT_AGE_DAYS = 3


def panel_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`market_panel` of one market."""
    facts = {
        name: dg.AssetIn(
            key_of(name, market), partition_mapping=lookback(FACT_AGE_DAYS), metadata={"allow_missing": True}
        )
        for name in FACTS
    }

    @parquet_asset(
        tables.MARKET_PANEL,
        "panel",
        market,
        description="One row per bar and symbol, one column per field; every value was available at the bar's close.",
        ins={"raw_ohlcv": dg.AssetIn(key_of("raw_ohlcv", market)), **facts},
        blocking={"late_arrivals": "Rebuilt from the rows available at past closes, the panel is the same."},
    )
    def market_panel(
        context: dg.AssetExecutionContext,
        raw_ohlcv: pd.DataFrame,
        raw_adjustments: pd.DataFrame,
        raw_funding: pd.DataFrame,
        raw_derivatives: pd.DataFrame,
        raw_news: pd.DataFrame,
        raw_social: pd.DataFrame,
        raw_onchain: pd.DataFrame,
    ) -> Result:
        available = {
            "adjustments": raw_adjustments,
            "funding": raw_funding,
            "derivatives": raw_derivatives,
            "news": raw_news,
            "social": raw_social,
            "onchain": raw_onchain,
        }
        absent = [name for name, table in available.items() if table.empty]
        available = {name: table for name, table in available.items() if name not in absent}
        join = partial(assemble, max_age=pd.Timedelta(days=FACT_AGE_DAYS))
        panel = join(raw_ohlcv, available)
        difference = late_arrivals(panel, raw_ohlcv, available, join)
        panel = panel.dropna(axis="columns", how="all") if len(panel) else panel
        fields = [name for name in panel.columns if name not in tables.MARKET_PANEL.keys]
        context.log.info(f"{len(panel):,} rows, fields {', '.join(fields)}; absent: {', '.join(absent) or 'none'}")
        metadata: dict[str, dg.MetadataValue | int | str] = {
            "fields": ", ".join(fields),
            "field_count": len(fields),
            "absent_sources": ", ".join(absent) or "none",
        }
        if len(panel):
            closes = panel.pivot(index="timestamp", columns="symbol", values="close")
            metadata["closes"] = dg.MetadataValue.md(markdown_image(price_chart(closes), "closes, first close = 100"))
        check = dg.AssetCheckResult(
            check_name="late_arrivals",
            passed=not difference,
            description=difference or "no difference",
            metadata={
                "rows": len(panel),
                "rebuilt": min(CUTS, panel["timestamp"].nunique()),
                "differing": int(bool(difference)),
            },
        )
        yield check
        yield dg.Output(panel, metadata=metadata)

    return [market_panel]
