"""
What the library's factors earned, net of costs, on the validation bars before each night, part by part.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.backtest.library import Bench, validation
from alpha_pipeline.market import Market
from alpha_pipeline.mining.cutoffs import cutoff_of
from alpha_pipeline.panel import with_history
from alpha_pipeline.reporting import ic_bars, markdown_image
from assets.declare import key_of, markdown_table, stored
from assets.factors import ALL_NIGHTS, panel_inputs
from assets.partitions import lookback, window
from assets.raw import Result

SHOWN = [
    "factor_id", "status", "rank_ic", "t_stat", "sharpe", "sharpe_delayed", "sharpe_after_cutoff", "max_drawdown",
    "turnover", "deflated_sharpe", "superior",
]  # fmt: skip
# A factor that earns this much a year, and loses when it acts one bar later, knew something it should not have.
ALARM_SHARPE = 1.0
DELAY = "No traded factor may turn from a net Sharpe ratio above 1 to a loss when it acts one bar later."


def library_inputs(market: Market) -> dict[str, dg.AssetIn]:
    """What measuring the library needs: the library, the bars, and what holders of perpetuals paid."""
    optional = {"allow_missing": True}
    return {
        "factor_library": dg.AssetIn(key_of("factor_library", market)),
        "raw_funding": dg.AssetIn(key_of("raw_funding", market), partition_mapping=lookback(), metadata=optional),
        **panel_inputs(market),
    }


def trial_input(market: Market) -> dg.AssetIn:
    """All trials up to the night: how much luck there was."""
    return dg.AssetIn(
        key_of("factor_definitions", market),
        partition_mapping=lookback(ALL_NIGHTS),
        metadata={"allow_missing": True, "columns": ["night", "seen_sharpe"]},
    )


def backtest_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`backtest_metrics` and `backtest_breakdown` of one market."""
    return [_metrics(market), _breakdown(market)]


def _metrics(market: Market) -> dg.AssetsDefinition:
    @stored(
        tables.METRICS,
        "backtest",
        market,
        code_version="2",
        description="Each factor in force, filled at the next bar, after costs and funding, on the validation bars.",
        ins={"trials": trial_input(market), **library_inputs(market)},
        checks={"survives_delay": DELAY},
    )
    def backtest_metrics(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        trials: pd.DataFrame,
        raw_funding: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> Result:
        panel = with_history(ohlcv_history, market_panel)
        nights = []
        for night in window(context).days():
            library = factor_library[factor_library["night"] == night.start]
            tried = trials[trials["night"] <= night.start]
            known = panel.until(night.end)
            nights.append(Bench.of(library, known, market, validation, raw_funding, cutoff_of).measured(tried))
        last = nights[-1].sort_values("t_stat", ascending=False)
        context.log.info(f"{len(last)} factors measured, {len(trials)} trials counted")
        chart = markdown_image(ic_bars(last), "rank IC of each factor")
        metadata: dict[str, dg.MetadataValue | float] = {
            "rank_ic": dg.MetadataValue.md(chart),
            "leaderboard": markdown_table(last[SHOWN]),
        }
        if len(last):
            metadata |= {"spa_p_value": float(last["spa"].iloc[0]), "overfitting": float(last["pbo"].iloc[0])}
        yield _survives_delay(last)
        yield dg.Output(pd.concat(nights, ignore_index=True), metadata=metadata)

    return backtest_metrics


def _survives_delay(metrics: pd.DataFrame) -> dg.AssetCheckResult:
    traded = metrics[metrics["status"] != "reference"]
    fallen = traded[(traded["sharpe"] > ALARM_SHARPE) & (traded["sharpe_delayed"] < 0)]
    return dg.AssetCheckResult(
        check_name="survives_delay",
        passed=fallen.empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(traded) - len(fallen)} of {len(traded)} traded factors pass",
        metadata={"factors": markdown_table(metrics[["factor_id", "status", "sharpe", "sharpe_delayed"]])},
    )


def _breakdown(market: Market) -> dg.AssetsDefinition:
    @stored(
        tables.BREAKDOWN,
        "backtest",
        market,
        description="Where each factor earns: by year, regime, symbols, before and after its model's cutoff; and how "
        "much of its Sharpe ratio is protocol.",
        ins=library_inputs(market),
    )
    def backtest_breakdown(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        raw_funding: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        panel = with_history(ohlcv_history, market_panel)
        nights = []
        for night in window(context).days():
            library = factor_library[factor_library["night"] == night.start]
            nights.append(Bench.of(library, panel.until(night.end), market, validation, raw_funding, cutoff_of).parts())
        last = nights[-1]
        shown = last[["factor_id", "kind", "slice", "bars", "rank_ic", "t_stat", "sharpe"]]
        return dg.Output(pd.concat(nights, ignore_index=True), metadata={"breakdown": markdown_table(shown, 60)})

    return backtest_breakdown
