"""
Walk-forward predictions of a fusion method: periodic refits on the past, out-of-sample decisions in between.

`comparison` measures them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS, fit_and_calibrate
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.market.panel import utc64
from alpha_pipeline.typing import Array

# Out-of-sample days that methods are compared on; the oldest of them is predicted from as many days before it.
COMPARED_DAYS = 1_095
# Months on whose first day methods are refitted. Run dates refit daily, at 90 times the cost.
QUARTERS = (1, 4, 7, 10)
HALVES = (1, 7)


@dataclass(frozen=True)
class OutOfSample:
    """
    Out-of-sample predictions of one method beside the outcomes; rows in order of time.

    Args:
        samples: of the days compared.
        value: (rows,) fused values of a method fitted on outcomes known at the last refit.
        confidence: (rows,) calibrated on the same outcomes.
        decision: (rows,) LONG, SHORT or HOLD.
        calibration_bars: (rows,) bars of decision behind the calibration.
    """

    samples: LabeledSignals
    value: Array
    confidence: Array
    decision: Array
    calibration_bars: Array

    def __len__(self) -> int:
        return len(self.samples)

    def known_by(self, moment: pd.Timestamp) -> "OutOfSample":
        """The rows whose outcome was known by `moment`, decided within the compared days before it."""
        rows = self.samples.known_at <= utc64(moment)
        rows &= self.samples.decided_at >= utc64(moment - pd.Timedelta(days=COMPARED_DAYS))
        names = ("value", "confidence", "decision", "calibration_bars")
        return replace(self, samples=self.samples.take(rows), **{name: getattr(self, name)[rows] for name in names})


def walk_forward(
    past: LabeledSignals,
    method: Method,
    rule: DecisionRule,
    first: pd.Timestamp,
    excluded: Sequence[str] = (),
    months: Collection[int] = QUARTERS,
) -> OutOfSample:
    """
    Refit on the first day of some months and predict until the next refit.

    A refit uses what a run date of that day would: samples with a known outcome, decided at most `MEMORY_DAYS` before.
    A row depends on nothing later, so run dates of one run and of several give the same.

    Args:
        past: samples of one market, in order of time.
        method: to refit.
        rule: the thresholds.
        first: first day compared, UTC; its refit lies before.
        excluded: sources left out of training and prediction.
        months: of the refits, numbers from 1.

    Returns:
        Rows decided from `first` on. Before there are samples to fit on, confidence is 0.5 and decisions are HOLD.
    """
    samples = replace(past, signals=past.signals.drop_sources(excluded))
    decided = samples.decided_at
    if not len(decided) or decided[-1] < utc64(first):
        floats = np.empty(0)
        return OutOfSample(samples.take(np.arange(0)), floats, floats, np.empty(0, dtype=str), floats)
    last = pd.Timestamp(decided[-1], tz="UTC")
    starts = pd.date_range(first.normalize() - pd.DateOffset(years=1), last, freq="MS")
    refits = starts[starts.month.isin(months)]
    refits = refits[max(int(refits.searchsorted(first, side="right")) - 1, 0) :]
    edges = [utc64(moment) for moment in refits] + [decided[-1] + np.timedelta64(1, "us")]
    compared = np.flatnonzero(decided >= utc64(first))
    value, confidence, bars = np.zeros(len(samples)), np.full(len(samples), 0.5), np.zeros(len(samples))
    for moment, start, stop in zip(refits, edges, edges[1:], strict=False):
        # A bar that closes at the moment of a refit belongs to the refit before: its run date was fitted then.
        rows = compared[(decided[compared] > start) & (decided[compared] <= stop)]
        if len(rows):
            fusion = fit_and_calibrate(samples.known_by(moment, MEMORY_DAYS), method, rule)
            combined, _, confidence[rows] = fusion.predict(samples.signals.take(rows), rule)
            value[rows] = combined.value
            bars[rows] = fusion.calibration.bars
    value, confidence = value[compared], confidence[compared]
    return OutOfSample(samples.take(compared), value, confidence, decide(value, confidence, rule), bars[compared])
