"""
Outcomes of past decisions, and the selection of decisions still to publish or to score.

A decision made at the close of a bar is filled one bar later and closed `horizon_bars` after the fill.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.realized_returns import outcome_returns
from alpha_pipeline.tables import TRACK_RECORD
from alpha_pipeline.typing import Flags

SIGN = {"LONG": 1.0, "SHORT": -1.0, "HOLD": 0.0}
DECISION = ["market", "symbol", "decided_at"]


def unpublished(fused: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """
    The decisions that may still be published: those of days on which their market has published nothing.

    A market publishes a day once; neither other decisions nor other symbols are added later.

    Args:
        fused: rows of `tables.FUSED_SIGNAL`.
        ledger: rows of `tables.DECISION_LEDGER` that are stored.
    """
    return fused[~_days(fused).isin(_days(ledger))].reset_index(drop=True)


def unscored(record: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Rows of `tables.TRACK_RECORD` whose decision has no stored outcome, at whatever bar it became known."""
    scored = pd.MultiIndex.from_frame(stored[DECISION])
    return record[~pd.MultiIndex.from_frame(record[DECISION]).isin(scored)].reset_index(drop=True)


def _days(decisions: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([partition_days(decisions["timestamp"]), decisions["market"]])


def score_decisions(
    fused: pd.DataFrame,
    panel: Panel,
    market: Market,
    start: pd.Timestamp,
    end: pd.Timestamp,
    missing_days: Collection[str] = (),
) -> pd.DataFrame:
    """
    Outcomes that became known in (start, end].

    Args:
        fused: rows of `tables.FUSED_SIGNAL`, decisions of earlier run dates included.
        panel: closes of the market up to `end`.
        market: gives the horizon and the costs.
        start: exclusive, UTC.
        end: inclusive, UTC.
        missing_days: ISO days of a session whose bars the panel lacks.

    Returns:
        Rows of `tables.TRACK_RECORD`: the return from the close after the decision over the horizon; `net_return` is
        after a round trip of fee and slippage; `hit` is NaN for HOLD. A decision made before the panel begins, without
        a price at its fill or its close, or with a missing day before its outcome, has no row.
    """
    decisions = fused[(fused["market"] == market.name) & fused["symbol"].isin(panel.symbols)]
    forward, known_at = outcome_returns(panel, market, decisions["timestamp"], decisions["symbol"])
    stamps = pd.DatetimeIndex(known_at).tz_localize("UTC")
    rows = np.asarray((stamps > start) & (stamps <= end)) & ~_spans(decisions["timestamp"], stamps, missing_days)
    decisions, forward, stamps = decisions[rows], forward[rows], stamps[rows]
    sign = decisions["decision"].map(SIGN).to_numpy(float)
    cost = 2 * (market.fee_bps + market.slippage_bps) / 10_000
    table = pd.DataFrame(
        {
            "timestamp": stamps,
            "decided_at": decisions["timestamp"].to_numpy(),
            "market": market.name,
            "symbol": decisions["symbol"].to_numpy(),
            "decision": decisions["decision"].to_numpy(),
            "value": decisions["value"].to_numpy(),
            "confidence": decisions["confidence"].to_numpy(),
            "forward_return": forward,
            "hit": np.where(sign == 0, np.nan, (sign * forward > 0).astype(float)),
            "net_return": np.where(sign == 0, 0.0, sign * forward - cost),
        }
    )
    return table if len(table) else TRACK_RECORD.empty()


def _spans(decided_at: pd.Series, known_at: pd.DatetimeIndex, missing_days: Collection[str]) -> Flags:
    """(rows,) whether a missing day lies after the day of the decision and up to that of its outcome."""
    days = np.array(sorted(missing_days), dtype="datetime64[us]")
    before, after = (partition_days(moments).to_numpy() for moments in (decided_at, pd.Series(known_at)))
    return np.searchsorted(days, before, side="right") < np.searchsorted(days, after, side="right")
