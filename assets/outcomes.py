"""
Assets `decision_ledger` and `signal_track_record`, over all markets.
"""

from typing import Any

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.wiring.partitions import LOOKBACK_DAYS, MARKETS, Window, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.market.gaps import complete
from alpha_pipeline.market.markets import Market, has_session
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.scores import by_confidence, daily_returns, score
from alpha_pipeline.outcomes.track_record import score_decisions, unpublished, unscored
from alpha_pipeline.reporting.calibration_charts import reliability_chart
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import equity_chart
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake

# Longest time from a decision to its outcome: a weekend, holidays and the horizon.
OUTCOME_DAYS = 7


def outcome_assets() -> list[dg.AssetsDefinition]:
    """`decision_ledger` and `signal_track_record`."""
    return [_decision_ledger(), _track_record()]


def days_of(lake: Lake, table: str, span: Window, before: int, after: int = 0) -> pd.DataFrame:
    """Stored rows of a joined table, from `before` days before the run to `after` days after it."""
    first, last = span.start - pd.Timedelta(days=before), span.end + pd.Timedelta(days=after - 1)
    days = [str(day.date()) for day in pd.date_range(first, last)]
    return lake.read_days(table, days, allow_missing=True)[0]


def _decision_ledger() -> dg.AssetsDefinition:
    @parquet_asset(
        tables.DECISION_LEDGER,
        "outcomes",
        description="Decisions as first published; later changes of fused_signal do not change it. Input of the track "
        "record, the paper ledger and the exports.",
        ins={"fused_signal": dg.AssetIn("fused_signal")},
    )
    def decision_ledger(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[ParquetIOManager], fused_signal: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        earlier = days_of(lake.lake, "decision_ledger", window(context), 0)
        new = unpublished(fused_signal, earlier)
        both = earlier.merge(fused_signal, on=list(tables.DECISION_LEDGER.keys), suffixes=("", "_now"))
        changed = int((both["decision"] != both["decision_now"]).sum())
        context.log.info(f"{len(new)} new decisions, {len(earlier)} published before, {changed} of those differ now")
        return dg.Output(
            new, metadata={"published": len(new), "published_before": len(earlier), "differing_now": changed}
        )

    return decision_ledger


def _track_record() -> dg.AssetsDefinition:
    past = lookback(OUTCOME_DAYS)
    prices = {
        m.name: dg.AssetIn(key_of("market_panel", m), partition_mapping=past, metadata={"allow_missing": True})
        for m in MARKETS
    }

    @parquet_asset(
        tables.TRACK_RECORD,
        "outcomes",
        description="Outcomes of earlier decisions, appended when they become known and never rewritten.",
        code_version="3",
        ins={
            "decision_ledger": dg.AssetIn("decision_ledger", partition_mapping=past, metadata={"allow_missing": True}),
            **prices,
        },
    )
    def signal_track_record(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[ParquetIOManager],
        decision_ledger: pd.DataFrame,
        **panels: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        market_panels = {
            m: complete(Panel.from_table(panels[m.name]), m).until(span.end) for m in MARKETS if len(panels[m.name])
        }
        scored = [
            score_decisions(decision_ledger, panel, m, span.start, span.end, _missing_days(lake.lake, m, span))
            for m, panel in market_panels.items()
        ]
        earlier = days_of(lake.lake, "signal_track_record", span, LOOKBACK_DAYS, OUTCOME_DAYS)
        new = unscored(_joined(scored), earlier)
        record = _joined([earlier[earlier["timestamp"] <= span.end], new])
        scores = score(record[record["timestamp"] > span.start])
        context.log.info(f"{len(new)} new outcomes; {scores.outcomes} of these days, {scores.hits.decisions} trades")
        return dg.Output(new, metadata=_metadata(record, scores.outcomes, scores.hits.decisions, len(new)))

    return signal_track_record


def _missing_days(lake: Lake, market: Market, span: Window) -> set[str]:
    """Session days of the period without a panel: a decision that fills there has no outcome."""
    first = span.start - pd.Timedelta(days=OUTCOME_DAYS)
    days = pd.date_range(first, span.end, inclusive="left").strftime("%Y-%m-%d")
    stored = lake.days(key_of("market_panel", market).to_user_string())
    return {day for day in days if day not in stored and has_session(market, day)}


def _metadata(record: pd.DataFrame, outcomes: int, trades: int, new: int) -> dict[str, Any]:
    """Counts of the run's days; hit rates, calibration and equity of the last weeks, by market."""
    rows = []
    metadata: dict[str, Any] = {"outcomes": outcomes, "trades": trades, "new": new}
    for market, group in record.groupby("market"):
        s = score(group)
        rows.append(
            {
                "market": market,
                "outcomes": s.outcomes,
                "trades": s.hits.decisions,
                "hit rate": s.hits.hit_rate,
                "95 % low": s.hits.low,
                "95 % high": s.hits.high,
                "mean net return": s.net_return,
                "compounded return": s.equity,
                "Brier": s.brier,
                "Brier of the hit rate": s.brier_of_rate,
            }
        )
        curve = equity_chart(daily_returns(group), f"Equity of past decisions, {market}")
        metadata[f"{market}_equity"] = dg.MetadataValue.md(markdown_image(curve, "equity of past decisions"))
        diagram = reliability_chart(by_confidence(group), f"Reliability, {market}")
        metadata[f"{market}_reliability"] = dg.MetadataValue.md(markdown_image(diagram, "confidence and hit rate"))
    if rows:
        metadata[f"last_{LOOKBACK_DAYS}_days"] = markdown_table(pd.DataFrame(rows))
    total = score(record)
    if total.hits.decisions:
        metadata |= {"hit_rate": total.hits.hit_rate, "mean_net_return": total.net_return, "brier": total.brier}
    return metadata


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else tables.TRACK_RECORD.empty()
