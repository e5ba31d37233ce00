"""
What a fusion method would have said on days it had not learned from.

What that was worth is measured by `comparison`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fuse import MEMORY_DAYS, fit_and_calibrate
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.market.panel import utc64
from alpha_pipeline.typing import Array

# Out-of-sample days that methods are compared on; the method of the oldest of them learned from as many before.
COMPARED_DAYS = 1_095
# Months on whose first day methods are refitted, whatever the run. Run dates refit daily, at 90 times the cost.
QUARTERS = (1, 4, 7, 10)
HALVES = (1, 7)


@dataclass(frozen=True)
class OutOfSample:
    """
    What one method said out of sample, beside what came of it; rows in order of time.

    Args:
        lessons: of the days compared.
        value: (rows,) fused values, told by a method fitted on what was known at the last refit.
        confidence: (rows,) calibrated by outcomes known then.
        decision: (rows,) LONG, SHORT or HOLD.
        days: (rows,) bars of decision the calibration rested on.
    """

    label_signals: LabeledSignals
    value: Array
    confidence: Array
    decision: Array
    days: Array

    def __len__(self) -> int:
        return len(self.label_signals)

    def known_by(self, moment: pd.Timestamp) -> "OutOfSample":
        """The rows whose outcome was known by `moment`, decided within the compared days before it."""
        rows = self.label_signals.known_at <= utc64(moment)
        rows &= self.label_signals.decided_at >= utc64(moment - pd.Timedelta(days=COMPARED_DAYS))
        parts = {name: getattr(self, name)[rows] for name in ("value", "confidence", "decision", "days")}
        return replace(self, label_signals=self.label_signals.pick(rows), **parts)


def walk_forward(
    past: LabeledSignals,
    method: Method,
    rule: DecisionRule,
    first: pd.Timestamp,
    silent: Sequence[str] = (),
    months: Collection[int] = QUARTERS,
) -> OutOfSample:
    """
    Refit on the first days of some months on lessons known then, and speak until the next.

    A refit sees what a run date of that day would: lessons whose outcome was known, decided at most `MEMORY_DAYS` before.
    Its rows depend on nothing later, so it does not matter when or in how long a run they are made.

    Args:
        past: lessons of one market, in order of time.
        method: what is walked.
        rule: the thresholds.
        first: days compared begin here, UTC; the refit it falls under lies before.
        silent: sources left out, in the past as in what is told.
        months: of the refits, numbers from 1.

    Returns:
        Rows decided from `first` on. Before there were lessons to learn from, confidence is 0.5 and all is HOLD.
    """
    said = replace(past, said=past.said.without(silent))
    decided = said.decided_at
    if not len(decided) or decided[-1] < utc64(first):
        nothing = np.empty(0)
        return OutOfSample(said.pick(np.arange(0)), nothing, nothing, np.empty(0, dtype=str), nothing)
    last = pd.Timestamp(decided[-1], tz="UTC")
    starts = pd.date_range(first.normalize() - pd.DateOffset(years=1), last, freq="MS")
    refits = starts[starts.month.isin(months)]
    refits = refits[max(int(refits.searchsorted(first, side="right")) - 1, 0) :]
    edges = [utc64(moment) for moment in refits] + [decided[-1] + np.timedelta64(1, "us")]
    compared = np.flatnonzero(decided >= utc64(first))
    value, confidence, days = np.zeros(len(said)), np.full(len(said), 0.5), np.zeros(len(said))
    for moment, start, stop in zip(refits, edges, edges[1:], strict=False):
        # A bar that closes at the very moment is told by the refit before: its run date was fitted then.
        rows = compared[(decided[compared] > start) & (decided[compared] <= stop)]
        if len(rows):
            believed = fit_and_calibrate(said.known_by(moment, MEMORY_DAYS), method, rule)
            combined, _, confidence[rows] = believed.speak(said.said.pick(rows), rule)
            value[rows] = combined.value
            days[rows] = believed.calibration.days
    value, confidence, days = value[compared], confidence[compared], days[compared]
    return OutOfSample(said.pick(compared), value, confidence, decide(value, confidence, rule), days)
