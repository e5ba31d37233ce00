"""
Asset `fusion_comparison`: fusion methods out of sample, and a check that the active one is still the best.

A weekly job: a run date adds one bar to some hundreds, and the comparison takes 22 CPU seconds.
"""

import json
from collections.abc import Iterator, Sequence

import dagster as dg
import pandas as pd
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from alpha_pipeline import tables
from alpha_pipeline.assets.signals import fusion_inputs, past, prices
from alpha_pipeline.assets.wiring.config import FusionConfig
from alpha_pipeline.assets.wiring.partitions import DAYS, MARKETS, Window, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.fusion.comparison import ALPHA, SIMPLEST, ModelComparison, best_method
from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS
from alpha_pipeline.fusion.out_of_sample import COMPARED_DAYS
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting.calibration_charts import calibration_chart
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import line_chart

# The first refit is at most half a year before the days compared, and has a full training window.
PAST_DAYS = COMPARED_DAYS + 190 + MEMORY_DAYS
CHECK = "active_method_is_best"
RULE = "The active method is the simplest one, unless another earned significantly more on every market."
SHOWN = [
    "market",
    "method",
    "trade_rate",
    "hit_rate",
    "trade_hit_rate",
    "brier",
    "calibration_error",
    "rank_ic",
    "rank_ic_t_stat",
]
SHOWN += ["annual_return", "sharpe", "value_annual_return", "value_sharpe", "excess_p_value"]
ABLATED = [
    "market",
    "method",
    "excluded_source",
    "hit_rate",
    "brier",
    "rank_ic",
    "rank_ic_t_stat",
    "value_annual_return",
]


def comparison_assets() -> list[dg.AssetsDefinition]:
    """`fusion_comparison`, over all markets."""

    @parquet_asset(
        tables.FUSION_COMPARISON,
        "signal",
        description="Walk-forward comparison of the fusion methods over three years, and without each source.",
        ins={name: asset for m in MARKETS for name, asset in fusion_inputs(m).items()},
        checks={CHECK: RULE},
    )
    def fusion_comparison(
        context: dg.AssetExecutionContext, config: FusionConfig, **frames: pd.DataFrame
    ) -> Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]:
        span, (method, rule) = window(context), config.settings()
        run_dates: list[pd.DataFrame] = []
        charts: dict[str, dg.MetadataValue] = {}
        for market in MARKETS:
            panel = prices(market, frames, span)
            samples = past(market, frames, panel, span, PAST_DAYS)
            ends = _ends(span)
            comparison = ModelComparison.of(samples, panel, market, ends, rule, {SIMPLEST, method})
            run_dates.append(pd.concat([comparison.to_table(end, method) for end in ends]))
            context.log.info(
                f"{market.name}: {len(samples):,} labelled samples, {int(run_dates[-1]['bars'].max())} bars compared"
            )
            charts[f"equity_{market.name}"] = _equity(comparison, market, span.end)
        table = pd.concat(run_dates, ignore_index=True)
        last = table[table["run_date"] == table["run_date"].max()]
        best = best_method(last)
        yield dg.AssetCheckResult(
            check_name=CHECK,
            passed=best == method,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"active: {method}; best by the rule: {best}",
            metadata={"markets": len(MARKETS), "methods": int(last["method"].nunique()), "p_value_threshold": ALPHA},
        )
        for market in MARKETS:
            charts[f"reliability_{market.name}"] = _reliability(last, market, method)
        names = {"active_method": dg.MetadataValue.text(method), "best_method": dg.MetadataValue.text(best)}
        summaries = {"methods": _ranked(last), "sources": _ablation(last)}
        yield dg.Output(table, metadata={**names, **summaries, **charts})

    return [fusion_comparison]


def comparison_job() -> UnresolvedAssetJobDefinition:
    """The comparison alone, for one run date or a range."""
    return dg.define_asset_job(
        "weekly_comparison",
        selection=dg.AssetSelection.assets(key_of("fusion_comparison")),
        description="Compares the fusion methods out of sample, as of the last run date.",
    )


def comparison_schedule() -> dg.ScheduleDefinition:
    """Once a week, for the last complete day; stopped by default."""

    @dg.schedule(
        job=comparison_job(),
        name="weekly_comparison_schedule",
        cron_schedule="0 3 * * 0",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Compares the fusion methods out of sample on Sunday at 03:00 UTC, after the market runs.",
    )
    def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        days: Sequence[str] = DAYS.get_partition_keys(current_time=context.scheduled_execution_time)
        return dg.RunRequest(run_key=days[-1], partition_key=days[-1]) if days else dg.SkipReason("no complete day yet")

    return weekly


def _ends(span: Window) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([day.end for day in span.days()])


def _ranked(last: pd.DataFrame) -> dg.MarkdownMetadataValue:
    """Methods of each market, by annual return of the decisions, then by Brier score."""
    full = last[last["excluded_source"] == ""]
    order = full.assign(loss=-full["annual_return"].fillna(0.0)).sort_values(["market", "loss", "brier", "method"])
    return markdown_table(order[[*SHOWN, "active", "exclusion_reason"]])


def _ablation(last: pd.DataFrame) -> dg.MarkdownMetadataValue:
    ablated = last[last["excluded_source"] != ""]["method"].unique()
    rows = last[last["method"].isin(ablated)].sort_values(["market", "method", "excluded_source"])
    return markdown_table(rows[ABLATED].replace({"excluded_source": {"": "(none)"}}), 60)


def _equity(comparison: ModelComparison, market: Market, end: pd.Timestamp) -> dg.MarkdownMetadataValue:
    lines = comparison.equity(end)
    chart = line_chart(
        lines.set_axis(pd.DatetimeIndex(lines.index).tz_localize("UTC")),
        f"Equity of the methods, {market.name}",
        subtitle="every value held, no thresholds; out of sample, after costs",
        unit="%",
        reference=0.0,
    )
    return dg.MetadataValue.md(markdown_image(chart, f"equity of the methods, {market.name}"))


def _reliability(last: pd.DataFrame, market: Market, method: str) -> dg.MarkdownMetadataValue:
    rows = last[(last["market"] == market.name) & (last["method"] == method) & (last["excluded_source"] == "")]
    buckets = json.loads(rows["reliability"].iloc[0]) if len(rows) else []
    break_even = float(rows["break_even"].iloc[0]) if len(rows) else None
    chart = calibration_chart(buckets, f"Reliability of {method}, {market.name}", break_even=break_even)
    return dg.MetadataValue.md(markdown_image(chart, f"reliability, {market.name}"))
