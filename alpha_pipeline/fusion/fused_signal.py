"""
Rows of `fused_signal`: a method is fitted on the past of each bar, combined, calibrated and turned into a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.calibration import UNCALIBRATED, Calibration, calibrate
from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Fitted, FusedValues, Method, coverage, raw_confidence
from alpha_pipeline.fusion.methods.method_table import DEFAULT_METHOD, method_named
from alpha_pipeline.fusion.reasons import contribution_reasons
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.tables import FUSED_SIGNAL
from alpha_pipeline.typing import Array

# Length of the training window: older samples come from another market regime.
MEMORY_DAYS = 1_095
# Share of the bars in the first fit; the rest is out of sample and calibrates the confidence.
FITTED_SHARE = 0.6


@dataclass(frozen=True)
class FittedFusion:
    """A fitted method and its calibration."""

    fitted: Fitted
    calibration: Calibration

    def predict(self, now: SignalMatrix, rule: DecisionRule) -> tuple[FusedValues, Array, Array]:
        """Fused values, (rows,) raw confidences and (rows,) calibrated confidences."""
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
        past: market name to labelled samples; each bar uses those whose outcome was known then. Without any, the
            confidence is 0.5 and every decision is HOLD.
        method: name of a fusion method.
        rule: the thresholds.

    Returns:
        Rows of `tables.FUSED_SIGNAL`. The same whether bars are fused one by one or together.

    Raises:
        DataError: a source without a weight, or a signal out of bounds.
        SettingError: an unknown method, or one whose package is not installed.
    """
    rule, chosen = rule or DecisionRule(), method_named(method)
    samples = past or {}
    tables = [
        _fuse_market(name, table, samples.get(name), chosen, rule) for name, table in signals.items() if len(table)
    ]
    return pd.concat(tables, ignore_index=True) if tables else FUSED_SIGNAL.empty()


def fit_and_calibrate(past: LabeledSignals, method: Method, rule: DecisionRule) -> FittedFusion:
    """
    Fit a method and calibrate it on decisions out of sample.

    The method is fitted on the older samples and calibrated on its predictions for the younger ones; then it is fitted
    on all. Samples whose outcome was not known at the first young decision are left out of the first fit.
    """
    bars = np.unique(past.decided_at)
    if not len(bars):
        return FittedFusion(method.fit(past), UNCALIBRATED)
    cut = bars[min(int(len(bars) * FITTED_SHARE), len(bars) - 1)]
    young = past.take(past.decided_at >= cut)
    first_fit = FittedFusion(method.fit(past.take(past.known_at <= cut)), UNCALIBRATED)
    combined, raw, _ = first_fit.predict(young.signals, rule)
    return FittedFusion(method.fit(past), calibrate(combined.value, raw, young.forward, young.decided_at))


def _fuse_market(
    market: str, table: pd.DataFrame, past: LabeledSignals | None, method: Method, rule: DecisionRule
) -> pd.DataFrame:
    matrix = SignalMatrix.from_table(table)
    stamps = matrix.keys["timestamp"]
    bars = [
        _fuse_bar(market, matrix.take(np.flatnonzero(stamps == moment)), table, past, method, rule)
        for moment in stamps.unique()
    ]
    return pd.concat(bars, ignore_index=True)


def _fuse_bar(
    market: str,
    matrix: SignalMatrix,
    table: pd.DataFrame,
    past: LabeledSignals | None,
    method: Method,
    rule: DecisionRule,
) -> pd.DataFrame:
    moment = matrix.keys["timestamp"].iloc[0]
    samples = LabeledSignals.empty() if past is None else past.known_by(moment, MEMORY_DAYS)
    fusion = fit_and_calibrate(samples, method, rule)
    combined, raw, confidence = fusion.predict(matrix, rule)
    fused = matrix.keys.assign(
        market=market,
        value=combined.value,
        confidence=confidence,
        raw_confidence=raw,
        decision=decide(combined.value, confidence, rule),
        method=method.name,
        calibration_bars=fusion.calibration.bars,
        active_sources=matrix.active.sum(axis=1),
        coverage=coverage(matrix),
    )
    texts = contribution_reasons(matrix, combined, table[table["timestamp"] == moment])
    return fused.assign(**texts)[[column.name for column in FUSED_SIGNAL.columns]]
