"""
The factor library: active factors, their live performance and status changes.

Dagster refuses cycles, so the library computes the live measures itself instead of reading `backtest_metrics`.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.mining import funding_input, panel_inputs
from alpha_pipeline.assets.wiring.partitions import earlier, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.library.lifecycle import library_as_of, live_rank_ic_history, status_changes
from alpha_pipeline.library.live_performance import WINDOW_DAYS
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import line_chart

SHOWN = ["factor_id", "status", "expression", "weight", "reason"]
LIFECYCLE = [
    "factor_id", "status", "since", "status_since", "live_bars", "live_rank_ic", "live_t_stat", "expected_rank_ic",
    "live_turnover", "expected_turnover", "live_break_even_bps", "half_life_days", "live_half_life_days",
]  # fmt: skip
STATUSES = ("accepted", "probation", "retired", "reference")


def library_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`factor_library` of one market."""

    @parquet_asset(
        tables.LIBRARY,
        "mining",
        market,
        code_version="2",
        kinds=("parquet", "numba"),
        description="References, accepted factors, and those on probation or retired by live performance since entry.",
        ins={
            "factor_definitions": dg.AssetIn(key_of("factor_definitions", market)),
            "earlier_library": dg.AssetIn(
                key_of("factor_library", market), partition_mapping=earlier(), metadata={"allow_missing": True}
            ),
            **panel_inputs(market),
            **funding_input(market),
        },
    )
    def factor_library(
        context: dg.AssetExecutionContext,
        factor_definitions: pd.DataFrame,
        earlier_library: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
        raw_funding: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        panel = with_history(ohlcv_history, market_panel, market)
        past = tables.LIBRARY.complete(earlier_library[earlier_library["run_date"] < span.start])
        library = past[past["run_date"] == past["run_date"].max()]
        run_dates = [library]
        for run_date in span.days():
            trials = factor_definitions[factor_definitions["run_date"] == run_date.start]
            run_dates.append(library_as_of(run_date.start, market, panel, run_dates[-1], trials, raw_funding))
        library, changed = run_dates[-1], status_changes(pd.concat(run_dates, ignore_index=True))
        chart = line_chart(
            live_rank_ic_history(pd.concat([past, *run_dates[1:]], ignore_index=True), market),
            "Live rank IC",
            subtitle=f"mean over the bars since entry, the last {WINDOW_DAYS} days at most",
            reference=0.0,
        )
        counts = library["status"].value_counts()
        context.log.info("active: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
        for change in changed.itertuples():
            move = f"{change.factor_id} from {change.previous} to {change.status}"
            context.log.info(f"{change.run_date:%Y-%m-%d}: {move}: {change.reason}")
        return dg.Output(
            pd.concat(run_dates[1:], ignore_index=True),
            metadata={
                **{f"{status}_factors": int(counts.get(status, 0)) for status in STATUSES},
                "changed_factors": len(changed),
                "status_changes": markdown_table(changed, 30),
                "live_rank_ic": dg.MetadataValue.md(markdown_image(chart, "live rank IC")),
                "lifecycle": markdown_table(library[LIFECYCLE], 30),
                "library": markdown_table(library[SHOWN], 30),
            },
        )

    return [factor_library]
