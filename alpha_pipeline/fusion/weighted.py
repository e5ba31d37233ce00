"""
The seed's confidence-weighted average, with the decision rule made reachable.

Value and confidence are averages over the sources that spoke, never diluted by those that are absent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.fusion.sources import WEIGHTS
from alpha_pipeline.tables import FUSED_SIGNAL


@dataclass(frozen=True)
class DecisionRule:
    """
    When a fused signal is a trade.

    Args:
        threshold: |value| above which a direction is taken.
        confidence: confidence above which it is acted on.
        agreement_share: how much of the confidence disagreement among sources can take away, in [0, 1].
        coverage_share: how much of it absent sources can take away, in [0, 1].
    """

    threshold: float = 0.3
    confidence: float = 0.5
    agreement_share: float = 0.5
    coverage_share: float = 0.2


def fuse(signals: Mapping[str, pd.DataFrame], rule: DecisionRule | None = None) -> pd.DataFrame:
    """
    One row per bar of decision and symbol.

    Args:
        signals: market name to rows of `tables.SOURCE_SIGNALS`.
        rule: thresholds; the defaults are the seed's.

    Returns:
        Rows of `tables.FUSED_SIGNAL`. With base weights w, confidences c and values v of the sources that spoke:
        value = sum(w c v) / sum(w c); confidence = sum(w c) / sum(w), times 1 - a (1 - agreement), times
        1 - b (1 - coverage), where agreement = |sum(w c v)| / sum(w c |v|), coverage is the share of the weight
        table that spoke, and a, b are the rule's shares. Value 0 and confidence 0 where every confidence is 0.

    Raises:
        DataError: a source that has no weight.
    """
    rule = rule or DecisionRule()
    unknown = sorted(set().union(*(set(table["source"]) for table in signals.values())) - set(WEIGHTS))
    if unknown:
        raise DataError(f"signals of {unknown} have no weight; known sources are {sorted(WEIGHTS)}")
    rows = [
        _decide(market, timestamp, symbol, said, rule)
        for market, table in signals.items()
        for (timestamp, symbol), said in table.groupby(["timestamp", "symbol"], sort=True)
    ]
    return pd.DataFrame(rows) if rows else FUSED_SIGNAL.empty()


def _decide(
    market: str, timestamp: object, symbol: object, said: pd.DataFrame, rule: DecisionRule
) -> dict[str, object]:
    weight = said["source"].map(WEIGHTS).to_numpy(float)
    pull = weight * said["confidence"].to_numpy(float)
    push = pull * said["value"].to_numpy(float)
    total, effort = float(pull.sum()), float(abs(push).sum())
    value = float(push.sum()) / total if total > 0 else 0.0
    agreement = abs(float(push.sum())) / effort if effort > 0 else 0.0
    coverage = float(weight.sum()) / sum(WEIGHTS.values())
    confidence = total / float(weight.sum())
    confidence *= 1 - rule.agreement_share * (1 - agreement)
    confidence *= 1 - rule.coverage_share * (1 - coverage)
    shares = push / total if total > 0 else push
    ordered = sorted(zip(shares, said["source"], said["reason"], strict=True), key=lambda item: -abs(item[0]))
    return {
        "timestamp": timestamp,
        "market": market,
        "symbol": symbol,
        "value": value,
        "confidence": confidence,
        "decision": decide(value, confidence, rule),
        "sources": len(said),
        "coverage": coverage,
        "reasons": "; ".join(f"{name} {share:+.2f} ({why})" for share, name, why in ordered[:3]),
        "breakdown": json.dumps({name: round(float(share), 6) for share, name, _ in ordered}, sort_keys=True),
    }


def decide(value: float, confidence: float, rule: DecisionRule) -> str:
    """LONG or SHORT beyond both thresholds, else HOLD; so is NaN."""
    if confidence > rule.confidence and abs(value) > rule.threshold:
        return "LONG" if value > 0 else "SHORT"
    return "HOLD"
