"""
Decisions taken apart for a person: what each source brought, what is missing, and what there would be without it.

The decisions themselves are `fuse`'s; here a method that was fitted there is only asked again with a source silent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fuse import FittedFusion
from alpha_pipeline.fusion.method import raw_confidence
from alpha_pipeline.market.panel import KEY
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS


@dataclass(frozen=True)
class DecisionExplanation:
    """
    A decision and its reasons.

    Args:
        row: of `tables.FUSED_SIGNAL`.
        sources: `source`, `value`, `confidence`, `weight` (of the weight table), `contribution` to the fused value,
            `reason`; largest contribution first.
        margin: one line: what is missing for a trade, or what the trade has to spare.
        without: source to the decision there would be if it had been silent, where that is another one.
    """

    row: Mapping[str, object]
    sources: pd.DataFrame
    margin: str
    without: dict[str, str]


def explain_decisions(
    fused: pd.DataFrame, signals: pd.DataFrame, believed: FittedFusion, rule: DecisionRule
) -> list[DecisionExplanation]:
    """
    Take decisions of one market apart.

    Args:
        fused: rows of `tables.FUSED_SIGNAL` of the market.
        signals: rows of `tables.SOURCE_SIGNALS` of the market; those of the bars and symbols of `fused` count.
        believed: the method and the calibration of that time.
        rule: the thresholds.

    Returns:
        One for each row of `fused`, in order.

    Raises:
        DataError: a signal is not what it may be.
    """
    mine = signals.merge(fused[KEY], on=KEY)
    said = SignalMatrix.from_table(mine)
    place = pd.MultiIndex.from_frame(said.keys).get_indexer(pd.MultiIndex.from_frame(fused[KEY]))
    others = {
        source: _decisions(said.without([source]), believed, rule)[place] for source in sorted(set(mine["source"]))
    }
    found = []
    for number, record in enumerate(fused.to_dict("records")):
        row = {str(name): value for name, value in record.items()}
        spoke = mine[(mine["symbol"] == row["symbol"]) & (mine["timestamp"] == row["timestamp"])]
        shares = json.loads(str(row["breakdown"]))
        sources = spoke.assign(
            weight=spoke["source"].map(WEIGHTS), contribution=spoke["source"].map(shares).astype(float)
        )
        order = sources["contribution"].abs().sort_values(ascending=False, kind="stable").index
        changes = {source: str(others[source][number]) for source in spoke["source"]}
        found.append(
            DecisionExplanation(
                row,
                sources.loc[order].drop(columns=KEY).reset_index(drop=True),
                margin(str(row["decision"]), float(row["value"]), float(row["confidence"]), rule),
                {source: other for source, other in changes.items() if other != row["decision"]},
            )
        )
    return found


def margin(decision: str, value: float, confidence: float, rule: DecisionRule) -> str:
    """What a HOLD lacks for a trade, or what a trade has to spare, by the rule; says so where the rule was another."""
    if str(decide(np.array([value]), np.array([confidence]), rule)[0]) != decision:
        return "decided by other thresholds than these"
    size = abs(value)
    if decision != "HOLD":
        points = 100 * (confidence - rule.confidence)
        return f"{decision} has {size - rule.threshold:.2f} of value and {points:.1f} points of confidence to spare"
    missing = []
    if not size > rule.threshold:
        missing.append(f"value ({size:.2f}, needs more than {rule.threshold:.2f})")
    if not confidence > rule.confidence:
        missing.append(f"confidence ({confidence:.1%}, needs more than {rule.confidence:.0%})")
    return f"for {'LONG' if value >= 0 else 'SHORT'} it lacks {' and '.join(missing)}"


def _decisions(said: SignalMatrix, believed: FittedFusion, rule: DecisionRule) -> np.ndarray:
    """(rows,) what would be decided; HOLD where nobody spoke."""
    combined = believed.fitted.combine(said)
    raw = raw_confidence(said, combined, rule.agreement_share, rule.coverage_share)
    decided = decide(combined.value, believed.calibration.apply(combined.value, raw), rule)
    return np.where(said.spoke.any(axis=1), decided, "HOLD")
