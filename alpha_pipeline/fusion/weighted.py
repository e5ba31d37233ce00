"""
The seed's confidence-weighted average, with the decision rule made reachable.

Value and confidence are averages over the sources that spoke, never diluted by those that are absent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.fusion.sources import WEIGHTS
from alpha_pipeline.panel import KEY
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
    fused = [_fuse(market, said, rule) for market, said in signals.items() if len(said)]
    return pd.concat(fused, ignore_index=True) if fused else FUSED_SIGNAL.empty()


def _fuse(market: str, said: pd.DataFrame, rule: DecisionRule) -> pd.DataFrame:
    """One market; all bars and symbols at once, 25x faster than a group at a time (0.2 s for 6,000)."""
    weight = said["source"].map(WEIGHTS).astype(float)
    pull = weight * said["confidence"]
    push = pull * said["value"]
    parts = said[KEY].assign(weight=weight, pull=pull, push=push, effort=push.abs(), sources=1)
    sums = parts.groupby(KEY, sort=True).sum()
    agreement = (sums["push"].abs() / sums["effort"]).where(sums["effort"] > 0, 0.0)
    coverage = sums["weight"] / sum(WEIGHTS.values())
    confidence = sums["pull"] / sums["weight"]
    confidence *= 1 - rule.agreement_share * (1 - agreement)
    confidence *= 1 - rule.coverage_share * (1 - coverage)
    fused = pd.DataFrame(
        {
            "market": market,
            "value": (sums["push"] / sums["pull"]).where(sums["pull"] > 0, 0.0).clip(-1, 1),
            "confidence": confidence.clip(0, 1),
            "sources": sums["sources"],
            "coverage": coverage,
        }
    )
    fused["decision"] = [decide(v, c, rule) for v, c in zip(fused["value"], fused["confidence"], strict=True)]
    total = parts.groupby(KEY)["pull"].transform("sum")
    words = _explain(said.assign(share=(push / total).where(total > 0, 0.0)))
    return fused.assign(**words).reset_index()[[column.name for column in FUSED_SIGNAL.columns]]


def _explain(said: pd.DataFrame) -> dict[str, list[str]]:
    """Per bar and symbol, in their order: the three largest contributions in words, and all of them as JSON."""
    ordered = said.assign(size=-said["share"].abs()).sort_values([*KEY, "size", "source"])
    words: dict[str, list[str]] = {"reasons": [], "breakdown": []}
    lines = zip(*(ordered[name].tolist() for name in (*KEY, "source", "share", "reason")), strict=True)
    for _, group in groupby(lines, key=itemgetter(0, 1)):
        shares = [(name, share, why) for _, _, name, share, why in group]
        words["reasons"].append("; ".join(f"{name} {share:+.2f} ({why})" for name, share, why in shares[:3]))
        words["breakdown"].append(json.dumps({name: round(share, 6) for name, share, _ in shares}, sort_keys=True))
    return words


def decide(value: float, confidence: float, rule: DecisionRule) -> str:
    """LONG or SHORT beyond both thresholds, else HOLD; so is NaN."""
    if confidence > rule.confidence and abs(value) > rule.threshold:
        return "LONG" if value > 0 else "SHORT"
    return "HOLD"
