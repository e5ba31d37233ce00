"""Yesterday's library and the run date's trials make the run date's."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.library.library import next_library
from alpha_pipeline.tables import LIBRARY, TRIALS

FIRST, SECOND = (pd.Timestamp(day, tz="UTC") for day in ("2019-07-01", "2019-07-02"))


def trials(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows of a run date; accepted proposals of a model unless said otherwise."""
    plain = {
        "verdict": "accepted",
        "proposer": "model",
        "valid_rank_ic": 0.04,
        "deflated_sharpe": 0.5,
        "feedback": "good",
    }
    blank = {c.name: "" if str(c.type) == "string" else np.nan for c in TRIALS.columns}
    rows = tuple({"factor_id": f"{row['identity']}_id", "canonical": "close", **row} for row in rows)
    return pd.DataFrame([blank | plain | row for row in rows], columns=list(blank))


def test_only_admitted_factors_enter() -> None:
    """A refused trial leaves no trace in the library."""
    found = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b", "verdict": "refused"}))
    assert found["identity"].tolist() == ["a"]
    assert LIBRARY.conform(found).num_rows == 1


@pytest.mark.parametrize(("ic", "weight"), [(0.04, 0.02), (-0.06, -0.03)])
def test_a_factor_weighs_its_rank_ic_as_far_as_it_is_believed(ic: float, weight: float) -> None:
    """Signed by validation, shrunk by the deflated Sharpe ratio; nothing where that is not defined."""
    row = {"identity": "a", "valid_rank_ic": ic, "deflated_sharpe": np.nan}
    assert next_library(FIRST, LIBRARY.empty(), trials(row))["weight"].tolist() == [0.0]
    found = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a", "valid_rank_ic": ic}))
    assert found["weight"].tolist() == [weight]
    assert found["status"].tolist() == ["accepted"]


def test_a_reference_is_compared_with_and_not_traded() -> None:
    """Weight 0 whatever it measured."""
    found = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a", "proposer": "reference"}))
    assert (found["status"].tolist(), found["weight"].tolist()) == (["reference"], [0.0])


def test_a_factor_keeps_the_night_it_entered() -> None:
    """The row moves on to on the run date, `since` and weight stay."""
    first = next_library(FIRST, LIBRARY.empty(), trials({"identity": "b"}))
    second = next_library(SECOND, first, trials({"identity": "a"})).set_index("identity")
    assert (second["run_date"] == SECOND).all()
    assert second["since"].to_dict() == {"a": SECOND, "b": FIRST}
    assert second.loc["b", "weight"] == first["weight"][0]


def test_the_same_factor_again_replaces_its_row() -> None:
    """One row an identity."""
    first = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}))
    second = next_library(SECOND, first, trials({"identity": "a", "valid_rank_ic": 0.1}))
    assert second["weight"].tolist() == [0.05]


def test_a_night_without_admissions_changes_nothing_but_the_date() -> None:
    """No trial, or none admitted."""
    first = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b"}))
    for context in (TRIALS.empty(), trials({"identity": "c", "verdict": "refused"})):
        second = next_library(SECOND, first, context)
        pd.testing.assert_frame_equal(second.drop(columns="run_date"), first.drop(columns="run_date"))


def test_nothing_from_nothing() -> None:
    """An empty library has all its columns."""
    found = next_library(FIRST, LIBRARY.empty(), TRIALS.empty())
    assert len(found) == 0
    assert list(found.columns) == [c.name for c in LIBRARY.columns]


def test_the_inputs_are_left_alone() -> None:
    """Tables given are not written to."""
    first = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}))
    context = trials({"identity": "b"})
    copies = first.copy(deep=True), context.copy(deep=True)
    next_library(SECOND, first, context)
    pd.testing.assert_frame_equal(first, copies[0])
    pd.testing.assert_frame_equal(context, copies[1])


def test_a_replaced_factor_is_retired_and_says_by_whom() -> None:
    """Its row stays, its weight is gone; the others are as they were."""
    first = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b"}))
    second = next_library(SECOND, first, trials({"identity": "c", "replaces": "a_id"})).set_index("identity")
    assert second["status"].to_dict() == {"a": "retired", "b": "accepted", "c": "accepted"}
    assert (second.loc["a", "weight"], second.loc["a", "reason"]) == (0.0, "replaced by c_id")
    assert second.loc["b", "weight"] == 0.02


def test_who_is_retired_replaces_nobody() -> None:
    """A trial that names a retired factor again does not enter, so the one it would replace stays."""
    first = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b"}))
    first = first.assign(status=["retired", "accepted"])
    found = next_library(SECOND, first, trials({"identity": "a", "replaces": "b_id"})).set_index("identity")
    assert found["status"].to_dict() == {"a": "retired", "b": "accepted"}


def test_a_factor_may_be_replaced_on_the_night_it_entered() -> None:
    """Whether it was there before does not matter."""
    found = next_library(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "c", "replaces": "a_id"}))
    assert found.set_index("identity")["status"].to_dict() == {"a": "retired", "c": "accepted"}
