"""
The sealed test bars: no part of any night. Opening them is a decision of a person, counted for good.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.library.metrics import sealed
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import with_history
from alpha_pipeline.reporting.formatting import plural
from assets.backtests import SHOWN, benches, library_inputs, trial_input
from assets.wiring.partitions import window
from assets.wiring.table_asset import markdown_table, stored
from resources.lake.holdout_access import count_opening
from resources.lake.io_manager import ParquetIOManager


def sealed_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`sealed_test` of one market."""

    @stored(
        tables.SEALED_TEST,
        "sealed",
        market,
        description="The library on the bars no writer and no judge has seen. Every materialization is an opening, and "
        "every opening wears them out: it is counted, never undone. No schedule runs it.",
        ins={"trials": trial_input(market), **library_inputs(market)},
    )
    def sealed_test(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[ParquetIOManager],
        factor_library: pd.DataFrame,
        trials: pd.DataFrame,
        raw_funding: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        panel = with_history(ohlcv_history, market_panel)
        span = window(context)
        opening = count_opening(lake.lake, market, {"run": context.run_id, "nights": [d.night for d in span.days()]})
        nights = [
            bench.measured(trials[trials["night"] <= night.start])
            for night, bench in benches(span, market, factor_library, panel, raw_funding, sealed)
        ]
        out = pd.concat(nights, ignore_index=True).assign(opening=opening)
        place = lake.lake.url(f"{market.name}/{tables.SEALED_TEST.name}")
        context.log.warning(
            f"the sealed bars of {market.name} have now been opened {plural(opening, 'time')}; the numbers are in "
            f"{place}/day=.../part-0.parquet and in the metadata of this materialization"
        )
        leaderboard = markdown_table(nights[-1].sort_values("t_stat", ascending=False)[SHOWN])
        return dg.Output(out, metadata={"openings": opening, "leaderboard": leaderboard})

    return [sealed_test]
