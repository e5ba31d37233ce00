"""Counting the run date's proposals."""

import pandas as pd

from alpha_pipeline.reporting.funnel import STAGES, funnel_table, refusals
from alpha_pipeline.tables import TRIALS

TRIED = pd.DataFrame(
    [
        ("model", "m1", "accepted", "accepted", ""),
        ("model", "m1", "parsed", "refused", "type"),
        ("model", "m1", "proposed", "refused", "syntax"),
        ("random_grammar", "", "leakage_free", "refused", "type"),
        ("reference", "", "accepted", "accepted", ""),
        ("reference", "", "leakage_free", "refused", "weak"),
    ],
    columns=["proposer", "model", "stage", "verdict", "reason"],
)


def test_a_trial_counts_at_every_stage_up_to_its_last():
    """Counts never rise along the funnel, per proposer; references are no proposals."""
    counts = funnel_table(TRIED)
    assert counts.loc["model m1"].tolist() == [3, 2, 1, 1, 1, 1, 1]
    assert counts.loc["random grammar (control, no model)"].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert list(counts.index)[-1].startswith("random")


def test_refusals_are_ranked_and_leave_out_references():
    """Commonest first, ties by name."""
    assert refusals(TRIED) == [("type", 2), ("syntax", 1)]
    assert refusals(TRIED, most=1) == [("type", 2)]


def test_a_night_without_proposals():
    """Nothing proposed gives no rows, not an error."""
    assert funnel_table(TRIALS.empty()).shape == (0, len(STAGES))
    assert refusals(TRIALS.empty()) == []
