"""
The library on the holdout, which no run date uses. Each access is a person's decision with a reason, and is counted.

Without a reason the step is skipped before anything is read, so that "Materialize all" does not open the sealed bars.
"""

from collections.abc import Iterator

import dagster as dg
import pandas as pd
from pydantic import Field

from alpha_pipeline import tables
from alpha_pipeline.assets.backtests import SHOWN, library_backtests, library_inputs, trial_input
from alpha_pipeline.assets.wiring.partitions import DAYS, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.library.library_backtests import holdout_segment
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.formatting import plural
from alpha_pipeline.resources.configuration import RunConfig
from alpha_pipeline.resources.lake.holdout_access import record_holdout_access
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake


class SealedTestConfig(RunConfig):
    """The decision to open the sealed bars."""

    reason: str = Field(
        default="",
        description="Why the sealed bars are opened, one sentence; stored with the holdout access. While it is empty, "
        "the step is skipped: nothing is read and nothing is counted.",
    )


def sealed_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`sealed_test` of one market."""
    read = {"trials": trial_input(market), **library_inputs(market)}

    @parquet_asset(
        tables.SEALED_TEST,
        "sealed",
        market,
        description="Backtest metrics of the library on the holdout, the bars neither writer nor judge has seen. Each "
        "materialization is one holdout access, and accesses are counted, as each makes the test less independent. "
        "Skipped unless its configuration has a reason; no schedule runs it.",
        deps=[
            dg.AssetDep(asset.key, partition_mapping=asset.partition_mapping) for asset in read.values() if asset.key
        ],
        skippable=True,
    )
    def sealed_test(
        context: dg.AssetExecutionContext, config: SealedTestConfig, lake: dg.ResourceParam[ParquetIOManager]
    ) -> Iterator[dg.Output[pd.DataFrame]]:
        reason = config.reason.strip()
        if not reason:
            context.log.warning(_skipped(market))
            return
        span, frames = window(context), _frames(lake.lake, market, context.partition_keys)
        access = {"run": context.run_id, "run_dates": [day.run_date for day in span.days()], "reason": reason}
        access_count = record_holdout_access(lake.lake, market, access)
        panel = with_history(frames["ohlcv_history"], frames["market_panel"], market)
        trials = frames["factor_definitions"]
        run_dates = [
            library_backtest.metrics(trials[trials["run_date"] <= run_date.start])
            for run_date, library_backtest in library_backtests(
                span, market, frames["factor_library"], panel, frames["raw_funding"], holdout_segment
            )
        ]
        out = pd.concat(run_dates, ignore_index=True).assign(access_count=access_count)
        folder = lake.lake.url(f"{market.name}/{tables.SEALED_TEST.name}")
        context.log.warning(
            f"{plural(access_count, 'holdout access', 'holdout accesses')} of {market.name} so far; the metrics are in "
            f"{folder}/day=.../part-0.parquet and in the metadata of this materialization"
        )
        leaderboard = markdown_table(run_dates[-1].sort_values("t_stat", ascending=False)[SHOWN])
        yield dg.Output(out, metadata={"holdout_accesses": access_count, "reason": reason, "leaderboard": leaderboard})

    return [sealed_test]


def _skipped(market: Market) -> str:
    """Why nothing was done, and the configuration that opens the sealed bars."""
    config = f'{{"ops": {{"{market.name}__sealed_test": {{"config": {{"reason": "..."}}}}}}}}'
    return (
        f"skipped: `reason` is empty, so the sealed bars of {market.name} stay closed; nothing was read or counted. "
        f"To open them, give a reason: --config-json '{config}'"
    )


def _frames(lake: Lake, market: Market, days: list[str]) -> dict[str, pd.DataFrame]:
    """The library of the run dates, and all bars, funding and trials up to the last of them."""
    past = [day for day in DAYS.get_partition_keys() if day <= days[-1]]

    def table(
        name: str, wanted: list[str], allow_missing: bool = False, columns: list[str] | None = None
    ) -> pd.DataFrame:
        return lake.read_days(key_of(name, market).to_user_string(), wanted, columns, allow_missing)[0]

    return {
        "ohlcv_history": lake.read(key_of("ohlcv_history", market).to_user_string()),
        "market_panel": table("market_panel", past),
        "factor_library": table("factor_library", days),
        "factor_definitions": table("factor_definitions", past, True, ["run_date", "factor_id", "deflated_sharpe"]),
        "raw_funding": table("raw_funding", past, True),
    }
