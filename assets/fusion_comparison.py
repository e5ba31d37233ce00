"""
The contest of the fusion methods: what each would have earned out of sample, and whether the one active still wins.

A job of its own, once a week: a run date adds one bar to some hundreds, and the contest takes 22 processor seconds.
"""

import json
from collections.abc import Iterator, Sequence

import dagster as dg
import pandas as pd
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from alpha_pipeline import tables
from alpha_pipeline.fusion.comparison import SIMPLEST, ModelComparison, best_method
from alpha_pipeline.fusion.fuse import MEMORY_DAYS
from alpha_pipeline.fusion.walk_forward import COMPARED_DAYS
from alpha_pipeline.market.markets import MARKETS, Market
from alpha_pipeline.reporting.calibration import calibration_chart
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import line_chart
from assets.signals import FusionConfig, fusion_inputs, past, prices
from assets.wiring.partitions import DAYS, Window, window
from assets.wiring.table_asset import key_of, markdown_table, stored

# A walk begins on the refit before the days compared, at most half a year earlier, and that learned from the memory.
PAST_DAYS = COMPARED_DAYS + 190 + MEMORY_DAYS
CHECK = "method_in_force_wins"
RULE = "The method active is the one the rule names: the simplest, unless another earned clearly more on every market."
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
SHOWN += ["net_return", "sharpe", "value_annual_return", "value_sharpe", "excess_p_value"]
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

    @stored(
        tables.FUSION_COMPARISON,
        "signal",
        description="Fusion methods walked forward over three years, and without each source; as known that run date.",
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
            label_signals = past(market, frames, panel, span, PAST_DAYS)
            ends = _ends(span)
            contest = ModelComparison.of(label_signals, panel, market, ends, rule, {SIMPLEST, method})
            run_dates.append(pd.concat([contest.told(end, method) for end in ends]))
            context.log.info(
                f"{market.name}: {len(label_signals):,} lessons, {int(run_dates[-1]['bars'].max())} bars compared"
            )
            charts[f"equity_{market.name}"] = _equity(contest, market, span.end)
        table = pd.concat(run_dates, ignore_index=True)
        last = table[table["run_date"] == table["run_date"].max()]
        best = best_method(last)
        yield dg.AssetCheckResult(
            check_name=CHECK,
            passed=best == method,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"active: {method}; by the rule: {best}",
        )
        for market in MARKETS:
            charts[f"reliability_{market.name}"] = _reliability(last, market, method)
        words = {"active_factors": dg.MetadataValue.text(method), "by_the_rule": dg.MetadataValue.text(best)}
        tables_of = {"methods": _ranked(last), "sources": _ablation(last)}
        yield dg.Output(table, metadata={**words, **tables_of, **charts})

    return [fusion_comparison]


def comparison_job() -> UnresolvedAssetJobDefinition:
    """The contest alone, of one run date or of a range."""
    return dg.define_asset_job(
        "weekly_comparison",
        selection=dg.AssetSelection.assets(key_of("fusion_comparison")),
        description="Compares the fusion methods out of sample, as known on the run date before.",
    )


def comparison_schedule() -> dg.ScheduleDefinition:
    """Once a week, of the last day that is over; stopped until a person starts it."""

    @dg.schedule(
        job=comparison_job(),
        name="weekly_comparison_schedule",
        cron_schedule="0 3 * * 0",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Compares the fusion methods as known on Saturday run date, when the markets' run dates are done.",
    )
    def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        days: Sequence[str] = DAYS.get_partition_keys(current_time=context.scheduled_execution_time)
        return dg.RunRequest(run_key=days[-1], partition_key=days[-1]) if days else dg.SkipReason("no day is over yet")

    return weekly


def _ends(span: Window) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([day.end for day in span.days()])


def _ranked(last: pd.DataFrame) -> dg.MarkdownMetadataValue:
    """Methods of each market, those whose decisions earned most first, then those that claimed best."""
    whole = last[last["excluded_source"] == ""]
    order = whole.assign(earned=-whole["net_return"].fillna(0.0)).sort_values(["market", "earned", "brier", "method"])
    return markdown_table(order[[*SHOWN, "active_factors", "exclusion_reason"]])


def _ablation(last: pd.DataFrame) -> dg.MarkdownMetadataValue:
    ablated = last[last["excluded_source"] != ""]["method"].unique()
    rows = last[last["method"].isin(ablated)].sort_values(["market", "method", "excluded_source"])
    return markdown_table(rows[ABLATED].replace({"excluded_source": {"": "(none)"}}), 60)


def _equity(contest: ModelComparison, market: Market, end: pd.Timestamp) -> dg.MarkdownMetadataValue:
    lines = contest.equity(end)
    chart = line_chart(
        lines.set_axis(pd.DatetimeIndex(lines.index).tz_localize("UTC")),
        f"Every value held, {market.name}",
        subtitle="out of sample, after costs, no thresholds: what decisions choose from",
        unit="%",
        reference=0.0,
    )
    return dg.MetadataValue.md(markdown_image(chart, f"equity of the methods, {market.name}"))


def _reliability(last: pd.DataFrame, market: Market, method: str) -> dg.MarkdownMetadataValue:
    mine = last[(last["market"] == market.name) & (last["method"] == method) & (last["excluded_source"] == "")]
    buckets = json.loads(mine["reliability"].iloc[0]) if len(mine) else []
    needed = float(mine["break_even"].iloc[0]) if len(mine) else None
    chart = calibration_chart(buckets, f"Reliability of {method}, {market.name}", break_even=needed)
    return dg.MetadataValue.md(markdown_image(chart, f"reliability, {market.name}"))
