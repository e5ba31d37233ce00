"""
The sealed test bars: no part of any run date. Opening them is a decision of a person, counted for good.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.library.metrics import sealed
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import with_history
from alpha_pipeline.reporting.formatting import plural
from assets.backtests import SHOWN, library_backtests, library_inputs, trial_input
from assets.wiring.partitions import window
from assets.wiring.table_asset import markdown_table, stored
from resources.lake.holdout_access import record_holdout_access
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
        opening = record_holdout_access(
            lake.lake, market, {"run": context.run_id, "run_dates": [d.run_date for d in span.days()]}
        )
        run_dates = [
            library_backtest.measured(trials[trials["run_date"] <= run_date.start])
            for run_date, library_backtest in library_backtests(
                span, market, factor_library, panel, raw_funding, sealed
            )
        ]
        out = pd.concat(run_dates, ignore_index=True).assign(opening=opening)
        place = lake.lake.url(f"{market.name}/{tables.SEALED_TEST.name}")
        context.log.warning(
            f"the sealed bars of {market.name} have now been opened {plural(opening, 'time')}; the numbers are in "
            f"{place}/day=.../part-0.parquet and in the metadata of this materialization"
        )
        leaderboard = markdown_table(run_dates[-1].sort_values("t_stat", ascending=False)[SHOWN])
        return dg.Output(out, metadata={"openings": opening, "leaderboard": leaderboard})

    return [sealed_test]
