"""
Backtest metrics and subsample breakdown of the active factors on the validation bars of each run date.
"""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg
import pandas as pd
from pydantic import Field

from alpha_pipeline import tables
from alpha_pipeline.assets.mining import ALL_NIGHTS, funding_input, panel_inputs
from alpha_pipeline.assets.raw import Result
from alpha_pipeline.assets.wiring.partitions import Window, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.backtesting.splits import Segment, Split
from alpha_pipeline.library.library_backtests import LibraryBacktest, validation_segment
from alpha_pipeline.llm.training_cutoffs import cutoff_of
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.market.universe import survivorship_warning
from alpha_pipeline.reporting.charts import ic_bars, markdown_image
from alpha_pipeline.resources.configuration import RunConfig

SHOWN = [
    "factor_id", "status", "rank_ic", "t_stat", "sharpe", "sharpe_delayed", "sharpe_after_cutoff", "max_drawdown",
    "turnover", "deflated_sharpe", "stepm_significant",
]  # fmt: skip
LISTED = ("run_date", "symbol", "delisted_at")
# A Sharpe ratio above this that turns negative with one more bar of delay indicates look-ahead.
ALARM_SHARPE = 1.0
DELAY = "No traded factor with a net Sharpe ratio above 1 may have a negative one when executed one bar later."


class BreakdownConfig(RunConfig):
    """Optional parts of the breakdown."""

    combinations: bool = Field(
        default=False, description="Measure the paths of combinatorial purged cross-validation, too."
    )


def library_inputs(market: Market) -> dict[str, dg.AssetIn]:
    """Inputs of a library backtest: the library, the bars, and funding."""
    return {
        "factor_library": dg.AssetIn(key_of("factor_library", market)),
        **funding_input(market),
        **panel_inputs(market),
    }


def listing_input(market: Market) -> dict[str, dg.AssetIn]:
    """Listings, for the survivorship warning."""
    return {
        "raw_instruments": dg.AssetIn(
            key_of("raw_instruments", market), metadata={"allow_missing": True, "columns": list(LISTED)}
        )
    }


def trial_input(
    market: Market, columns: Sequence[str] | None = ("run_date", "factor_id", "deflated_sharpe")
) -> dg.AssetIn:
    """All trials up to the run date; by default their deflated Sharpe ratios, all columns with None."""
    selection = {} if columns is None else {"columns": list(columns)}
    return dg.AssetIn(
        key_of("factor_definitions", market),
        partition_mapping=lookback(ALL_NIGHTS),
        metadata={"allow_missing": True, **selection},
    )


def library_backtests(
    span: Window,
    market: Market,
    library: pd.DataFrame,
    panel: Panel,
    funding: pd.DataFrame,
    segment: Callable[[Split], Segment] = validation_segment,
) -> Iterator[tuple[Window, LibraryBacktest]]:
    """The backtest of each run date in a window, with the library and the data as of that date."""
    for run_date in span.days():
        active = library[library["run_date"] == run_date.start]
        yield run_date, LibraryBacktest.of(active, panel.until(run_date.end), market, segment, funding, cutoff_of)


def backtest_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`backtest_metrics` and `backtest_breakdown` of one market."""
    return [_metrics(market), _breakdown(market)]


def _metrics(market: Market) -> dg.AssetsDefinition:
    @parquet_asset(
        tables.METRICS,
        "backtest",
        market,
        code_version="3",
        description="Each active factor on the validation bars: executed at the next bar, after costs and funding.",
        ins={"trials": trial_input(market), **library_inputs(market), **listing_input(market)},
        checks={"survives_delay": DELAY},
    )
    def backtest_metrics(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        trials: pd.DataFrame,
        raw_funding: pd.DataFrame,
        raw_instruments: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> Result:
        panel = with_history(ohlcv_history, market_panel, market)
        run_dates = [
            library_backtest.metrics(trials[trials["run_date"] <= run_date.start])
            for run_date, library_backtest in library_backtests(
                window(context), market, factor_library, panel, raw_funding
            )
        ]
        last = run_dates[-1].sort_values("t_stat", ascending=False)
        context.log.info(f"{len(last)} factors measured, {len(trials)} trials counted")
        chart = markdown_image(ic_bars(last), "rank IC of each factor")
        metadata: dict[str, dg.MetadataValue | float | str] = {
            "universe": survivorship_warning(raw_instruments, panel.symbols) or "point in time, with delisted symbols",
            "rank_ic": dg.MetadataValue.md(chart),
            "leaderboard": markdown_table(last[SHOWN]),
        }
        traded = last[last["status"] != "reference"]
        if len(traded):
            metadata |= {"best_traded_sharpe": float(traded["sharpe"].max()), "traded_factors": float(len(traded))}
        if len(last):
            metadata |= {"best_rank_ic": float(last["rank_ic"].max()), "median_sharpe": float(last["sharpe"].median())}
            metadata |= {"spa_p_value": float(last["spa_p_value"].iloc[0]), "overfitting": float(last["pbo"].iloc[0])}
        yield _survives_delay(last)
        yield dg.Output(pd.concat(run_dates, ignore_index=True), metadata=metadata)

    return backtest_metrics


def _survives_delay(metrics: pd.DataFrame) -> dg.AssetCheckResult:
    traded = metrics[metrics["status"] != "reference"]
    failed = traded[(traded["sharpe"] > ALARM_SHARPE) & (traded["sharpe_delayed"] < 0)]
    return dg.AssetCheckResult(
        check_name="survives_delay",
        passed=failed.empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(traded) - len(failed)} of {len(traded)} traded factors pass",
        metadata={
            "failed": len(failed),
            "traded": len(traded),
            "sharpe_threshold": ALARM_SHARPE,
            "factors": markdown_table(metrics[["factor_id", "status", "sharpe", "sharpe_delayed"]]),
        },
    )


def _breakdown(market: Market) -> dg.AssetsDefinition:
    @parquet_asset(
        tables.BREAKDOWN,
        "backtest",
        market,
        code_version="3",
        description="Each active factor by year, regime, symbols, cutoff, horizon and quantile, walk-forward; and "
        "the sensitivity of its Sharpe ratio to backtest assumptions.",
        ins=library_inputs(market),
    )
    def backtest_breakdown(
        context: dg.AssetExecutionContext,
        config: BreakdownConfig,
        factor_library: pd.DataFrame,
        raw_funding: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        panel = with_history(ohlcv_history, market_panel, market)
        run_dates = [
            library_backtest.breakdown(config.combinations)
            for _, library_backtest in library_backtests(window(context), market, factor_library, panel, raw_funding)
        ]
        last = run_dates[-1]
        shown = last[["factor_id", "kind", "subsample", "bars", "rank_ic", "t_stat", "sharpe", "mean_return"]]
        return dg.Output(pd.concat(run_dates, ignore_index=True), metadata={"breakdown": markdown_table(shown, 60)})

    return backtest_breakdown
