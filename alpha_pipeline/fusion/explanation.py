"""
Explanations of decisions: contribution of each source, margin to the thresholds, leave-one-source-out decisions.

The fitted method is evaluated again with one source inactive; it is not refitted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fused_signal import FittedFusion
from alpha_pipeline.market.panel import KEY
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS
from alpha_pipeline.typing import Array


@dataclass(frozen=True)
class DecisionExplanation:
    """
    A decision and its reasons.

    Args:
        row: of `tables.FUSED_SIGNAL`.
        sources: `source`, `value`, `confidence`, `weight` (of the weight table), `contribution` to the fused value,
            `reason`; largest contribution first.
        margin: one line: which threshold a HOLD misses, or by how much a trade exceeds them.
        without: source to the decision with that source inactive, where it differs.
    """

    row: Mapping[str, object]
    sources: pd.DataFrame
    margin: str
    without: dict[str, str]


def explain_decisions(
    fused: pd.DataFrame, signals: pd.DataFrame, fusion: FittedFusion, rule: DecisionRule
) -> list[DecisionExplanation]:
    """
    Explain decisions of one market.

    Args:
        fused: rows of `tables.FUSED_SIGNAL` of the market.
        signals: rows of `tables.SOURCE_SIGNALS` of the market; those of the bars and symbols of `fused` are used.
        fusion: the method and the calibration at that bar.
        rule: the thresholds.

    Returns:
        One per row of `fused`, in order.

    Raises:
        DataError: a signal is out of bounds.
    """
    signals = signals.merge(fused[KEY], on=KEY)
    matrix = SignalMatrix.from_table(signals)
    position = pd.MultiIndex.from_frame(matrix.keys).get_indexer(pd.MultiIndex.from_frame(fused[KEY]))
    without = {
        source: _decisions(matrix.drop_sources([source]), fusion, rule)[position]
        for source in sorted(set(signals["source"]))
    }
    explanations = []
    for number, record in enumerate(fused.to_dict("records")):
        row = {str(name): value for name, value in record.items()}
        active = signals[(signals["symbol"] == row["symbol"]) & (signals["timestamp"] == row["timestamp"])]
        shares = json.loads(str(row["breakdown"]))
        sources = active.assign(
            weight=active["source"].map(WEIGHTS), contribution=active["source"].map(shares).astype(float)
        )
        order = sources["contribution"].abs().sort_values(ascending=False, kind="stable").index
        decisions = {source: str(without[source][number]) for source in active["source"]}
        explanations.append(
            DecisionExplanation(
                row,
                sources.loc[order].drop(columns=KEY).reset_index(drop=True),
                margin(str(row["decision"]), float(row["value"]), float(row["confidence"]), rule),
                {source: decision for source, decision in decisions.items() if decision != row["decision"]},
            )
        )
    return explanations


def margin(decision: str, value: float, confidence: float, rule: DecisionRule) -> str:
    """Distance of a decision to the thresholds; a note where the decision was made by other thresholds."""
    if str(decide(np.array([value]), np.array([confidence]), rule)[0]) != decision:
        return "decided by other thresholds"
    size = abs(value)
    if decision != "HOLD":
        points = 100 * (confidence - rule.confidence)
        return f"{decision} by {size - rule.threshold:.2f} of value and {points:.1f} points of confidence"
    missing = []
    if not size > rule.threshold:
        missing.append(f"value above {rule.threshold:.2f} (is {size:.2f})")
    if not confidence > rule.confidence:
        missing.append(f"confidence above {rule.confidence:.0%} (is {confidence:.1%})")
    return f"{'LONG' if value >= 0 else 'SHORT'} requires {' and '.join(missing)}"


def _decisions(signals: SignalMatrix, fusion: FittedFusion, rule: DecisionRule) -> Array:
    """(rows,) decisions; HOLD without an active source."""
    combined, _, confidence = fusion.predict(signals, rule)
    return np.where(signals.active.any(axis=1), decide(combined.value, confidence, rule), "HOLD")
