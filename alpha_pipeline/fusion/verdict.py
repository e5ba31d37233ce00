"""
One decision taken apart for a person: what each source brought to it, and what would change it.

The decision itself is `weighted`'s; nothing is weighed here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.fusion.sources import WEIGHTS
from alpha_pipeline.fusion.weighted import DecisionRule, fuse
from alpha_pipeline.panel import KEY

Fuse = Callable[[Mapping[str, pd.DataFrame]], pd.DataFrame]


@dataclass(frozen=True)
class Verdict:
    """
    A decision and its reasons.

    Args:
        market: name of the market.
        symbol: of the market.
        timestamp: close of the bar it was decided at, UTC.
        decision: LONG, SHORT or HOLD.
        value: fused, in [-1, 1].
        confidence: fused, in [0, 1].
        coverage: share of the weight table that spoke.
        sources: `source`, `value`, `confidence`, `weight` (before absent sources are spread), `contribution` to the
            value, `reason`; largest contribution first.
        margin: one line: what is missing for a trade, or how much the trade has to spare.
        without: source to the decision there would be without it, where it is another one.
    """

    market: str
    symbol: str
    timestamp: pd.Timestamp
    decision: str
    value: float
    confidence: float
    coverage: float
    sources: pd.DataFrame
    margin: str
    without: dict[str, str]


def verdict(row: Mapping[str, object], said: pd.DataFrame, rule: DecisionRule, refuse: Fuse = fuse) -> Verdict:
    """
    Take one decision apart.

    Args:
        row: of `tables.FUSED_SIGNAL`.
        said: rows of `tables.SOURCE_SIGNALS` of its market; those of its bar and symbol count.
        rule: the thresholds it was decided by.
        refuse: fuses again what is left without a source.
    """
    market, symbol, when = str(row["market"]), str(row["symbol"]), pd.Timestamp(str(row["timestamp"]))
    mine = said[(said["symbol"] == symbol) & (said["timestamp"] == when)]
    shares = json.loads(str(row["breakdown"]))
    sources = mine.assign(weight=mine["source"].map(WEIGHTS), contribution=mine["source"].map(shares).astype(float))
    order = sources["contribution"].abs().sort_values(ascending=False, kind="stable").index
    value, confidence = float(str(row["value"])), float(str(row["confidence"]))
    return Verdict(
        market,
        symbol,
        when,
        str(row["decision"]),
        value,
        confidence,
        float(str(row["coverage"])),
        sources.loc[order].drop(columns=KEY).reset_index(drop=True),
        _margin(str(row["decision"]), value, confidence, rule),
        _without(market, mine, str(row["decision"]), refuse),
    )


def _without(market: str, mine: pd.DataFrame, decision: str, refuse: Fuse) -> dict[str, str]:
    found = {}
    for source in mine["source"]:
        left = refuse({market: mine[mine["source"] != source]})
        other = str(left["decision"].iloc[0]) if len(left) else "HOLD"
        if other != decision:
            found[str(source)] = other
    return found


def _margin(decision: str, value: float, confidence: float, rule: DecisionRule) -> str:
    size, sure = abs(value), f"{confidence:.0%} against {rule.confidence:.0%}"
    if decision != "HOLD":
        spare = (
            f"{size - rule.threshold:.2f} of value and {100 * (confidence - rule.confidence):.0f} points of confidence"
        )
        return f"{decision} has {spare} to spare"
    missing = []
    if not size > rule.threshold:
        missing.append(f"a value beyond {rule.threshold:.2f} ({size:.2f} now)")
    if not confidence > rule.confidence:
        missing.append(f"confidence ({sure})")
    return f"for {'LONG' if value >= 0 else 'SHORT'} it lacks {' and '.join(missing) or 'a defined value'}"
