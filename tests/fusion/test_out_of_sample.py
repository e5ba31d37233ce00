"""Walk-forward predictions are causal and do not depend on the start of the walk."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.fusion.out_of_sample import HALVES, walk_forward
from alpha_pipeline.market.panel import utc64
from tests.fusion.past import FIRST, taught

RULE = DecisionRule()
BEGIN = FIRST + pd.Timedelta(days=120)
PAST = taught(hits=0.7, days=500, symbols=3)


@dataclass
class Watched:
    """`weighted` that records its training data."""

    seen: list[LabeledSignals]
    name: str = "watched"
    meaning: str = "a witness"

    def fit(self, past: LabeledSignals):  # type: ignore[no-untyped-def]  # as of Weighted
        self.seen.append(past)
        return METHODS["weighted"].fit(past)


def test_refits_are_on_the_first_day_of_the_given_months() -> None:
    """From May 2018: every refit uses outcomes known on the first of a quarter, or of a half year."""
    for months, expected in (((1, 4, 7, 10), ["2018-07", "2018-10", "2019-01", "2019-04", "2019-07"]), (HALVES, None)):
        method = Watched([])
        walk_forward(PAST, method, RULE, BEGIN, months=months)
        last = [str(past.known_at.max().astype("datetime64[D]")) for past in method.seen if len(past)]
        months_known = sorted({day[:7] for day in last if day.endswith("-01")})
        assert months_known == (expected or ["2018-07", "2019-01", "2019-07"])


@pytest.mark.parametrize("name", [name for name in METHODS if name != "cross_attention"])
def test_later_outcomes_change_nothing(name: str) -> None:
    """With later outcomes negated, values, confidences and decisions up to that day are bit-identical."""
    turn = utc64(FIRST + pd.Timedelta(days=300))
    lied = replace(PAST, forward=np.where(PAST.known_at > turn, -PAST.forward, PAST.forward))
    honest, other = (walk_forward(past, METHODS[name], RULE, BEGIN) for past in (PAST, lied))
    before = honest.samples.decided_at <= turn
    for part in ("value", "confidence", "decision"):
        np.testing.assert_array_equal(getattr(honest, part)[before], getattr(other, part)[before])
    assert not np.array_equal(honest.confidence, other.confidence)


def test_the_start_of_the_walk_changes_nothing() -> None:
    """A start one month later gives the same predictions for the common days."""
    early = walk_forward(PAST, METHODS["ridge"], RULE, BEGIN)
    late = walk_forward(PAST, METHODS["ridge"], RULE, BEGIN + pd.Timedelta(days=31))
    np.testing.assert_array_equal(early.value[-len(late) :], late.value)
    np.testing.assert_array_equal(early.confidence[-len(late) :], late.confidence)


def test_a_later_run_date_only_adds_days() -> None:
    """The predictions of a run date are those of a later one, cut at the outcomes known."""
    run_date = FIRST + pd.Timedelta(days=400)
    alone = walk_forward(PAST.known_by(run_date), METHODS["ridge"], RULE, BEGIN)
    shared = walk_forward(PAST, METHODS["ridge"], RULE, BEGIN).known_by(run_date)
    np.testing.assert_array_equal(alone.value, shared.value)
    np.testing.assert_array_equal(alone.decision, shared.decision)


def test_an_excluded_source_is_excluded_from_training() -> None:
    """It is inactive in training and prediction."""
    method = Watched([])
    walk = walk_forward(PAST, method, RULE, BEGIN, ["funding"])
    column = walk.samples.signals.sources.index("funding")
    assert not walk.samples.signals.active[:, column].any()
    assert not any(past.signals.active[:, column].any() for past in method.seen)


@pytest.mark.parametrize("past", [LabeledSignals.empty(), PAST.take(np.arange(30))])
def test_no_days_to_compare(past: LabeledSignals) -> None:
    """Without samples in the compared period there are no rows."""
    method: Method = METHODS["weighted"]
    assert len(walk_forward(past, method, RULE, BEGIN)) == 0
