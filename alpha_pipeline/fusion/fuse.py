"""
One decision per bar and symbol: fitted on what was known at that bar, combined, calibrated, decided, explained.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.calibration import UNCALIBRATED, Calibration, calibrate
from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Fitted, FusedValues, Method, coverage, raw_confidence
from alpha_pipeline.fusion.methods.registry import DEFAULT_METHOD, method_named
from alpha_pipeline.fusion.reasons import reasons
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.tables import FUSED_SIGNAL
from alpha_pipeline.typing import Array

# Older lessons teach a market that is no more.
MEMORY_DAYS = 1_095
# Share of the past that a method is fitted on before it is tried on the rest, which the confidence is calibrated by.
FITTED_SHARE = 0.6


@dataclass(frozen=True)
class FittedFusion:
    """A method fitted on the past, and how far to believe it."""

    fitted: Fitted
    calibration: Calibration

    def speak(self, now: SignalMatrix, rule: DecisionRule) -> tuple[FusedValues, Array, Array]:
        """What it makes of signals, with (rows,) raw confidences and (rows,) calibrated ones."""
        combined = self.fitted.combine(now)
        raw = raw_confidence(now, combined, rule.agreement_share, rule.coverage_share)
        return combined, raw, self.calibration.apply(combined.value, raw)


def fuse(
    signals: Mapping[str, pd.DataFrame],
    past: Mapping[str, LabeledSignals] | None = None,
    method: str = DEFAULT_METHOD,
    rule: DecisionRule | None = None,
) -> pd.DataFrame:
    """
    One row per bar of decision and symbol.

    Args:
        signals: market name to rows of `tables.SOURCE_SIGNALS`.
        past: market name to lessons; of them each bar uses those whose outcome it could know. A market without any
            learns nothing: its confidence is 0.5 and all is HOLD.
        method: name of a fusion method.
        rule: the thresholds.

    Returns:
        Rows of `tables.FUSED_SIGNAL`. The same whether bars are fused one by one or together.

    Raises:
        DataError: a source that has no weight, or a signal outside its bounds.
        SettingError: an unknown method, or one whose package is not installed.
    """
    rule, chosen = rule or DecisionRule(), method_named(method)
    known = past or {}
    found = [_market(name, table, known.get(name), chosen, rule) for name, table in signals.items() if len(table)]
    return pd.concat(found, ignore_index=True) if found else FUSED_SIGNAL.empty()


def fit_and_calibrate(past: LabeledSignals, method: Method, rule: DecisionRule) -> FittedFusion:
    """
    Fit a method and calibrate it on decisions it did not learn from.

    The method is fitted on the older lessons and tried on the younger ones, which calibrates it; then it is fitted on
    all. Lessons that were known only after the first young decision are left out of the first fit.
    """
    bars = np.unique(past.decided_at)
    if not len(bars):
        return FittedFusion(method.fit(past), UNCALIBRATED)
    cut = bars[min(int(len(bars) * FITTED_SHARE), len(bars) - 1)]
    young = past.pick(past.decided_at >= cut)
    early = method.fit(past.pick(past.known_at <= cut))
    combined = early.combine(young.said)
    raw = raw_confidence(young.said, combined, rule.agreement_share, rule.coverage_share)
    return FittedFusion(method.fit(past), calibrate(combined.value, raw, young.forward, young.decided_at))


def _market(
    market: str, table: pd.DataFrame, past: LabeledSignals | None, method: Method, rule: DecisionRule
) -> pd.DataFrame:
    said = SignalMatrix.from_table(table)
    stamps = said.keys["timestamp"]
    run_dates = [
        _night(market, said.pick(np.flatnonzero(stamps == moment)), table, past, method, rule)
        for moment in stamps.unique()
    ]
    return pd.concat(run_dates, ignore_index=True)


def _night(
    market: str,
    said: SignalMatrix,
    table: pd.DataFrame,
    past: LabeledSignals | None,
    method: Method,
    rule: DecisionRule,
) -> pd.DataFrame:
    moment = said.keys["timestamp"].iloc[0]
    label_signals = LabeledSignals.none() if past is None else past.known_by(moment, MEMORY_DAYS)
    believed = fit_and_calibrate(label_signals, method, rule)
    combined, raw, confidence = believed.speak(said, rule)
    fused = said.keys.assign(
        market=market,
        value=combined.value,
        confidence=confidence,
        raw_confidence=raw,
        decision=decide(combined.value, confidence, rule),
        method=method.name,
        calibration_bars=believed.calibration.days,
        sources=said.spoke.sum(axis=1),
        coverage=coverage(said),
    )
    words = reasons(said, combined, table[table["timestamp"] == moment])
    return fused.assign(**words)[[column.name for column in FUSED_SIGNAL.columns]]
