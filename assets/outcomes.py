"""
Outcomes: how past decisions did, over all markets.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.fusion import score_decisions
from alpha_pipeline.market import MARKETS
from alpha_pipeline.panel import Panel
from assets.declare import key_of, stored
from assets.partitions import lookback, window

# Days a decision may wait for its outcome: a weekend, holidays and the horizon.
OUTCOME_DAYS = 7


def outcome_assets() -> list[dg.AssetsDefinition]:
    """`signal_track_record`."""
    return [_track_record()]


def _track_record() -> dg.AssetsDefinition:
    past = lookback(OUTCOME_DAYS)
    prices = {
        m.name: dg.AssetIn(key_of("market_panel", m), partition_mapping=past, metadata={"allow_missing": True})
        for m in MARKETS
    }

    @stored(
        tables.TRACK_RECORD,
        "signal",
        description="What earlier decisions came to, a row when the outcome is known; never rewritten by later nights.",
        ins={
            "fused_signal": dg.AssetIn("fused_signal", partition_mapping=past, metadata={"allow_missing": True}),
            **prices,
        },
    )
    def signal_track_record(
        context: dg.AssetExecutionContext, fused_signal: pd.DataFrame, **panels: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        scored = [
            score_decisions(fused_signal, Panel.from_table(panels[m.name]), m, span.start, span.end)
            for m in MARKETS
            if len(panels[m.name])
        ]
        found = [table for table in scored if len(table)]
        record = pd.concat(found, ignore_index=True) if found else tables.TRACK_RECORD.empty()
        acted = record[record["decision"] != "HOLD"]
        metadata: dict[str, int | float] = {"outcomes": len(record), "acted_on": len(acted)}
        if len(acted):
            metadata |= {"hit_rate": float(acted["hit"].mean()), "mean_net_return": float(acted["net_return"].mean())}
        context.log.info(f"{len(record)} outcomes, {len(acted)} of them acted on")
        return dg.Output(record, metadata=metadata)

    return signal_track_record
