"""
The sealed test bars: no part of any night. Opening them is a decision of a person, counted for good.
"""

import json

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.backtest.library import sealed
from alpha_pipeline.market import Market
from alpha_pipeline.panel import with_history
from assets.backtests import SHOWN, benches, library_inputs, trial_input
from assets.declare import markdown_table, stored
from assets.partitions import window
from resources.lake import Lake
from resources.parquet_io import ParquetIOManager


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
        opening = _count(lake.lake, market, {"run": context.run_id, "nights": [d.night for d in span.days()]})
        nights = [
            bench.measured(trials[trials["night"] <= night.start])
            for night, bench in benches(span, market, factor_library, panel, raw_funding, sealed)
        ]
        out = pd.concat(nights, ignore_index=True).assign(opening=opening)
        context.log.warning(f"the sealed bars of {market.name} were opened for the {opening}. time")
        leaderboard = markdown_table(nights[-1].sort_values("t_stat", ascending=False)[SHOWN])
        return dg.Output(out, metadata={"openings": opening, "leaderboard": leaderboard})

    return [sealed_test]


def openings(lake: Lake, market: Market) -> int:
    """How often the sealed bars of a market were looked at."""
    path = _ledger(market)
    return len(lake.read_bytes(path).splitlines()) if lake.exists(path) else 0


def _count(lake: Lake, market: Market, opening: dict[str, object]) -> int:
    """Note an opening before anything is measured: a look that fails afterwards was a look."""
    path = _ledger(market)
    before = lake.read_bytes(path) if lake.exists(path) else b""
    lake.atomic_write(path, before + json.dumps(opening).encode() + b"\n")
    return len(before.splitlines()) + 1


def _ledger(market: Market) -> str:
    return f"openings/{market.name}.jsonl"
