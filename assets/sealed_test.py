"""
The library on the holdout, which no run date uses. Each access is a person's decision and is counted.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.backtests import SHOWN, library_backtests, library_inputs, trial_input
from alpha_pipeline.assets.wiring.partitions import window
from alpha_pipeline.assets.wiring.table_asset import markdown_table, parquet_asset
from alpha_pipeline.library.library_backtests import holdout_segment
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.formatting import plural
from alpha_pipeline.resources.lake.holdout_access import record_holdout_access
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager


def sealed_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`sealed_test` of one market."""

    @parquet_asset(
        tables.SEALED_TEST,
        "sealed",
        market,
        description="Backtest metrics of the library on the holdout, the bars neither writer nor judge has seen. Each "
        "materialization is one holdout access, and accesses are counted, as each makes the test less independent. "
        "No schedule runs it.",
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
        panel = with_history(ohlcv_history, market_panel, market)
        span = window(context)
        access_count = record_holdout_access(
            lake.lake, market, {"run": context.run_id, "run_dates": [d.run_date for d in span.days()]}
        )
        run_dates = [
            library_backtest.metrics(trials[trials["run_date"] <= run_date.start])
            for run_date, library_backtest in library_backtests(
                span, market, factor_library, panel, raw_funding, holdout_segment
            )
        ]
        out = pd.concat(run_dates, ignore_index=True).assign(access_count=access_count)
        folder = lake.lake.url(f"{market.name}/{tables.SEALED_TEST.name}")
        context.log.warning(
            f"{plural(access_count, 'holdout access', 'holdout accesses')} of {market.name} so far; the metrics are in "
            f"{folder}/day=.../part-0.parquet and in the metadata of this materialization"
        )
        leaderboard = markdown_table(run_dates[-1].sort_values("t_stat", ascending=False)[SHOWN])
        return dg.Output(out, metadata={"holdout_accesses": access_count, "leaderboard": leaderboard})

    return [sealed_test]
