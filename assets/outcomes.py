"""
Outcomes: what was decided first, and how it did, over all markets.

What the decisions would have made of capital is `paper`, how they leave the house `export`.
"""

from typing import Any

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.market.markets import MARKETS, Market, has_session
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.scores import by_confidence, daily_returns, score
from alpha_pipeline.outcomes.track_record import score_decisions, unpublished, unscored
from alpha_pipeline.reporting.charts import markdown_image
from alpha_pipeline.reporting.curves import equity_chart
from alpha_pipeline.reporting.reliability import reliability_chart
from assets.wiring.partitions import LOOKBACK_DAYS, Window, lookback, window
from assets.wiring.table_asset import key_of, markdown_table, stored
from resources.lake.io_manager import ParquetIOManager
from resources.lake.lake import Lake

# Days a decision may wait for its outcome: a weekend, holidays and the horizon.
OUTCOME_DAYS = 7


def outcome_assets() -> list[dg.AssetsDefinition]:
    """`decision_ledger` and `signal_track_record`."""
    return [_decision_ledger(), _track_record()]


def days_of(lake: Lake, table: str, span: Window, before: int, after: int = 0) -> pd.DataFrame:
    """What is stored of a joined table from `before` days ahead of the run's days to `after` days behind them."""
    first, last = span.start - pd.Timedelta(days=before), span.end + pd.Timedelta(days=after - 1)
    days = [str(day.date()) for day in pd.date_range(first, last)]
    return lake.read_days(table, days, allow_missing=True)[0]


def _decision_ledger() -> dg.AssetsDefinition:
    @stored(
        tables.DECISION_LEDGER,
        "outcomes",
        description="Decisions as first published: what fused_signal says of a day later on changes nothing here. The "
        "track record, the paper ledger and the exports rest on it.",
        ins={"fused_signal": dg.AssetIn("fused_signal")},
    )
    def decision_ledger(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[ParquetIOManager], fused_signal: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        standing = days_of(lake.lake, "decision_ledger", window(context), 0)
        new = unpublished(fused_signal, standing)
        keys = list(tables.DECISION_LEDGER.keys)
        both = standing.merge(fused_signal, on=keys, suffixes=("", "_now"))
        changed = int((both["decision"] != both["decision_now"]).sum())
        context.log.info(f"{len(new)} decisions published, {len(standing)} stand, {changed} of them would differ now")
        return dg.Output(new, metadata={"published": len(new), "standing": len(standing), "would_differ_now": changed})

    return decision_ledger


def _track_record() -> dg.AssetsDefinition:
    past = lookback(OUTCOME_DAYS)
    prices = {
        m.name: dg.AssetIn(key_of("market_panel", m), partition_mapping=past, metadata={"allow_missing": True})
        for m in MARKETS
    }

    @stored(
        tables.TRACK_RECORD,
        "outcomes",
        description="What earlier decisions came to, a row when the outcome is known; never rewritten by later run dates.",
        code_version="2",
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
        books = {m: Panel.from_table(panels[m.name]).until(span.end) for m in MARKETS if len(panels[m.name])}
        scored = [
            score_decisions(decision_ledger, panel, m, span.start, span.end, _lost(lake.lake, m, span))
            for m, panel in books.items()
        ]
        standing = days_of(lake.lake, "signal_track_record", span, LOOKBACK_DAYS, OUTCOME_DAYS)
        new = unscored(_joined(scored), standing)
        record = _joined([standing[standing["timestamp"] <= span.end], new])
        scores = score(record[record["timestamp"] > span.start])
        context.log.info(f"{len(new)} new outcomes; {scores.outcomes} of these days, {scores.hits.decisions} acted on")
        return dg.Output(new, metadata=_metadata(record, scores.outcomes, scores.hits.decisions, len(new)))

    return signal_track_record


def _lost(lake: Lake, market: Market, span: Window) -> set[str]:
    """Days with a session that the record reads and that have no panel: what fills there fills at no later bar."""
    first = span.start - pd.Timedelta(days=OUTCOME_DAYS)
    read = pd.date_range(first, span.end, inclusive="left").strftime("%Y-%m-%d")
    stored = lake.days(key_of("market_panel", market).to_user_string())
    return {day for day in read if day not in stored and has_session(market, day)}


def _metadata(record: pd.DataFrame, outcomes: int, trade_rate: int, new: int) -> dict[str, Any]:
    """Counts of the run's days; hit rates, calibration and equity of the last weeks, market by market."""
    rows = []
    found: dict[str, Any] = {"outcomes": outcomes, "acted_on": trade_rate, "new": new}
    for market, group in record.groupby("market"):
        s = score(group)
        rows.append(
            {
                "market": market,
                "outcomes": s.outcomes,
                "acted on": s.hits.decisions,
                "hit rate": s.hits.rate,
                "from": s.hits.low,
                "to": s.hits.high,
                "mean net return": s.net_return,
                "equity gained": s.equity,
                "Brier": s.brier,
                "Brier of the hit rate": s.brier_of_rate,
            }
        )
        curve = equity_chart(daily_returns(group), f"Equity of past decisions, {market}")
        found[f"{market}_equity"] = dg.MetadataValue.md(markdown_image(curve, "equity of past decisions"))
        diagram = reliability_chart(by_confidence(group), f"Reliability, {market}")
        found[f"{market}_reliability"] = dg.MetadataValue.md(markdown_image(diagram, "confidence and hit rate"))
    if rows:
        found[f"last_{LOOKBACK_DAYS}_days"] = markdown_table(pd.DataFrame(rows))
    whole = score(record)
    if whole.hits.decisions:
        found |= {"hit_rate": whole.hits.rate, "mean_net_return": whole.net_return, "brier": whole.brier}
    return found


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else tables.TRACK_RECORD.empty()
