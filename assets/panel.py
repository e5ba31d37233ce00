"""
The panel: bars and facts of one market on one grid, point in time at each bar's close.
"""

from collections.abc import Mapping

import dagster as dg
import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.raw import FACTS, Result
from alpha_pipeline.assets.wiring.partitions import lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, parquet_asset
from alpha_pipeline.market.fields import assemble
from alpha_pipeline.market.gaps import carried_bars
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import CARRIED
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
    # The last close before a day is carried into it.
    days_before = int(np.ceil(market.max_forward_fill / pd.Timedelta(days=1)))
    bars = dg.AssetIn(
        key_of("raw_ohlcv", market), partition_mapping=lookback(days_before), metadata={"allow_missing": "earlier"}
    )

    def join(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], until: pd.Timestamp) -> pd.DataFrame:
        return assemble(carried_bars(bars, market, until), facts, pd.Timedelta(days=FACT_AGE_DAYS))

    @parquet_asset(
        tables.MARKET_PANEL,
        "panel",
        market,
        description="One row per bar and symbol, one column per field; every value was available at the bar's close. "
        "In short gaps the last close is carried, see the column `carried`.",
        code_version="2",
        ins={"raw_ohlcv": bars, **facts},
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
        span = window(context)
        panel = join(raw_ohlcv, available, span.end)
        difference = late_arrivals(panel, raw_ohlcv, available, join)
        panel = panel[panel["timestamp"] > span.start].reset_index(drop=True)
        panel = panel.dropna(axis="columns", how="all") if len(panel) else panel
        fields = [name for name in panel.columns if name not in (*tables.MARKET_PANEL.keys, CARRIED)]
        context.log.info(f"{len(panel):,} rows, fields {', '.join(fields)}; absent: {', '.join(absent) or 'none'}")
        units = {name: unit for facts in market.facts.values() for name, unit in facts.units.items()}
        metadata: dict[str, dg.MetadataValue | int | str] = {
            "fields": ", ".join(f"{name} ({units[name]})" if name in units else name for name in fields),
            "field_count": len(fields),
            "absent_sources": ", ".join(absent) or "none",
        }
        if CARRIED in panel:
            metadata["carried_bars"] = int(panel[CARRIED].sum())
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
