"""
The noise floor: results of the run date's formulas on the same bars in shuffled order, beside those on the real bars.
"""

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from alpha_pipeline import tables
from alpha_pipeline.assets.mining import funding_input, panel_inputs
from alpha_pipeline.assets.raw import Result
from alpha_pipeline.assets.wiring.partitions import window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.mining.loop import MiningSettings
from alpha_pipeline.mining.shuffled_bars import measure_noise_floor
from alpha_pipeline.reporting.charts import bar_chart, markdown_image
from alpha_pipeline.reporting.funnel import floors
from alpha_pipeline.resources.configuration import RunConfig


class NoiseConfig(RunConfig):
    """Measurement of the noise floor."""

    replays: int = Field(default=5, ge=0, description="Shuffled panels that each run date is compared with.")


def noise_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`noise_floor` of one market."""
    silence = "The rule of admission lets nothing of the run date in on shuffled bars."

    @parquet_asset(
        tables.NOISE_FLOOR,
        "mining",
        market,
        description="Best results of the run date's formulas on the real bars and on shuffled bars.",
        code_version="2",
        ins={
            "factor_definitions": dg.AssetIn(key_of("factor_definitions", market)),
            **funding_input(market),
            **panel_inputs(market),
        },
        checks={"nothing_admitted": silence},
    )
    def noise_floor_table(
        context: dg.AssetExecutionContext,
        config: NoiseConfig,
        factor_definitions: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
        raw_funding: pd.DataFrame,
    ) -> Result:
        panel = with_history(ohlcv_history, market_panel, market)
        settings = MiningSettings(threads=1)
        run_dates = []
        for run_date in window(context).days():
            trials = factor_definitions[factor_definitions["run_date"] == run_date.start]
            known = panel.until(run_date.end)
            paid = raw_funding[raw_funding["available_at"] <= run_date.end]
            run_dates.append(measure_noise_floor(run_date.start, market, known, trials, settings, config.replays, paid))
        out = pd.concat(run_dates, ignore_index=True)
        admitted = int(out.loc[out["shuffle"] > 0, "accepted"].sum())
        shuffled = int((out["shuffle"] > 0).sum())
        check = dg.AssetCheckResult(
            check_name="nothing_admitted",
            passed=admitted == 0,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{admitted} factors admitted on {shuffled} shuffled panels",
            metadata={"admitted": admitted, "admitted_threshold": 0, "shuffled_panels": shuffled},
        )
        yield check
        yield dg.Output(out, metadata=_described(run_dates[-1]))

    return [noise_floor_table]


def _described(run_date: pd.DataFrame) -> dict[str, dg.MetadataValue | float]:
    """The real bars beside the shuffled ones, drawn; the real best and the best of luck as numbers for the plots."""
    told: dict[str, dg.MetadataValue | float] = {"floor": markdown_table(run_date)}
    for name, real, luck in floors(run_date):
        if np.isfinite(real) and len(luck):
            told |= {name: real, f"{name}_by_luck": float(luck[-1])}
    labels = ["real bars" if replay == 0 else f"shuffled {replay}" for replay in run_date["shuffle"]]
    title = "Largest |t| on train: real bars and shuffled ones"
    styles = ["f-long" if replay == 0 else "f-hold" for replay in run_date["shuffle"]]
    chart = bar_chart(labels, run_date["best_train_t"].to_numpy(float), title, spec=".1f", styles=styles)
    return told | {"luck": dg.MetadataValue.md(markdown_image(chart, title))}
