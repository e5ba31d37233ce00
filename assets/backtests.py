"""
What the library's factors earned, net of costs, on the bars before each night that no writer and no judge has seen.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.backtest.library import library_metrics
from alpha_pipeline.market import Market
from alpha_pipeline.panel import with_history
from alpha_pipeline.reporting import ic_bars, markdown_image
from assets.declare import key_of, markdown_table, stored
from assets.factors import ALL_NIGHTS, panel_inputs
from assets.partitions import lookback, window

SHOWN = ["factor_id", "status", "rank_ic", "t_stat", "sharpe", "max_drawdown", "turnover", "deflated_sharpe"]


def backtest_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`backtest_metrics` of one market."""
    trials = dg.AssetIn(
        key_of("factor_definitions", market),
        partition_mapping=lookback(ALL_NIGHTS),
        metadata={"allow_missing": True, "columns": ["night", "valid_sharpe"]},
    )

    @stored(
        tables.METRICS,
        "backtest",
        market,
        description="Each factor in force, long-short, filled at the next bar, after costs, on the sealed bars.",
        ins={"factor_library": dg.AssetIn(key_of("factor_library", market)), "trials": trials, **panel_inputs(market)},
    )
    def backtest_metrics(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        trials: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        panel = with_history(ohlcv_history, market_panel)
        nights = []
        for night in window(context).days():
            library = factor_library[factor_library["night"] == night.start]
            tried = trials[trials["night"] <= night.start]
            nights.append(library_metrics(library, tried, panel.until(night.end), market))
        metrics = pd.concat(nights, ignore_index=True)
        last = nights[-1].sort_values("t_stat", ascending=False)
        context.log.info(f"{len(last)} factors measured, {len(trials)} trials counted")
        chart = markdown_image(ic_bars(last), "rank IC of each factor")
        return dg.Output(
            metrics,
            metadata={"rank_ic": dg.MetadataValue.md(chart), "leaderboard": markdown_table(last[SHOWN])},
        )

    return [backtest_metrics]
