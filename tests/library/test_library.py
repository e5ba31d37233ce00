"""Admission of accepted trials to the library of the run date before."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.library.library import admit_factors, shrunk_rank_ic
from alpha_pipeline.tables import LIBRARY, TRIALS

FIRST, SECOND = (pd.Timestamp(day, tz="UTC") for day in ("2019-07-01", "2019-07-02"))


def trials(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows of a run date; by default accepted proposals of a model."""
    plain = {
        "verdict": "accepted",
        "proposer": "model",
        "valid_rank_ic": 0.04,
        "valid_t_stat": 2.0,
        "feedback": "good",
    }
    blank = {c.name: "" if str(c.type) == "string" else np.nan for c in TRIALS.columns}
    rows = tuple({"factor_id": f"{row['identity']}_id", "canonical": "close", **row} for row in rows)
    return pd.DataFrame([blank | plain | row for row in rows], columns=list(blank))


def test_only_admitted_factors_enter() -> None:
    """A refused trial has no row in the library."""
    library = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b", "verdict": "refused"}))
    assert library["identity"].tolist() == ["a"]
    assert LIBRARY.conform(library).num_rows == 1


@pytest.mark.parametrize(
    ("ic", "t_stat", "weight"), [(0.04, 2.0, 0.03), (-0.06, -2.0, -0.045), (0.04, 0.9, 0.0), (0.04, np.nan, 0.0)]
)
def test_the_weight_is_the_rank_ic_shrunk_by_its_error(ic: float, t_stat: float, weight: float) -> None:
    """The sign is that of validation; the rank IC that is expected from now on is its size."""
    row = {"identity": "a", "valid_rank_ic": ic, "valid_t_stat": t_stat, "deflated_sharpe": 0.0}
    library = admit_factors(FIRST, LIBRARY.empty(), trials(row))
    assert library["weight"].tolist() == pytest.approx([weight])
    assert library["expected_rank_ic"].tolist() == pytest.approx([abs(weight)])
    assert library["status"].tolist() == ["accepted"]


def test_shrinking_beats_the_plain_rank_ic() -> None:
    """Of a thousand true rank ICs, most of them small, the shrunk estimates have the smaller squared error."""
    rng = np.random.default_rng(0)
    true, error = rng.normal(0, 0.01, 1_000), 0.02
    seen = pd.Series(true + rng.normal(0, error, 1_000))
    shrunk = shrunk_rank_ic(seen, seen / error)
    assert ((shrunk - true) ** 2).mean() < 0.7 * ((seen - true) ** 2).mean()
    assert (shrunk.abs() <= seen.abs()).all() and (shrunk * seen >= 0).all()


def test_a_reference_that_is_admitted_is_a_factor_like_any_other() -> None:
    """Accepted as a proposal, on the run date on which it was measured as a reference or later."""
    measured = {"identity": "a", "factor_id": "ref", "proposer": "reference"}
    proposed = {"identity": "a", "factor_id": "own"}
    for library in (
        admit_factors(FIRST, LIBRARY.empty(), trials(measured, proposed)),
        admit_factors(SECOND, admit_factors(FIRST, LIBRARY.empty(), trials(measured)), trials(proposed)),
    ):
        assert library[["factor_id", "status"]].values.tolist() == [["own", "accepted"]]
        assert library["weight"].tolist() == pytest.approx([0.03])


def test_a_reference_is_not_traded() -> None:
    """Its weight is 0 for any rank IC."""
    library = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a", "proposer": "reference"}))
    assert (library["status"].tolist(), library["weight"].tolist()) == (["reference"], [0.0])


def test_a_factor_keeps_its_run_date_of_entry() -> None:
    """The row has the new run date; `since` and weight stay."""
    first = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "b"}))
    second = admit_factors(SECOND, first, trials({"identity": "a"})).set_index("identity")
    assert (second["run_date"] == SECOND).all()
    assert second["since"].to_dict() == {"a": SECOND, "b": FIRST}
    assert second.loc["b", "weight"] == first["weight"][0]


def test_the_same_factor_again_replaces_its_row() -> None:
    """One row per identity."""
    first = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}))
    second = admit_factors(SECOND, first, trials({"identity": "a", "valid_rank_ic": 0.1}))
    assert second["weight"].tolist() == pytest.approx([0.075])


def test_a_run_date_without_admissions_changes_only_the_date() -> None:
    """No trial, or none accepted."""
    first = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b"}))
    for rows in (TRIALS.empty(), trials({"identity": "c", "verdict": "refused"})):
        second = admit_factors(SECOND, first, rows)
        pd.testing.assert_frame_equal(second.drop(columns="run_date"), first.drop(columns="run_date"))


def test_an_empty_library_stays_empty() -> None:
    """It has all its columns."""
    library = admit_factors(FIRST, LIBRARY.empty(), TRIALS.empty())
    assert len(library) == 0
    assert list(library.columns) == [c.name for c in LIBRARY.columns]


def test_the_inputs_are_not_changed() -> None:
    """Both tables are the same after the call."""
    first = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}))
    rows = trials({"identity": "b"})
    copies = first.copy(deep=True), rows.copy(deep=True)
    admit_factors(SECOND, first, rows)
    pd.testing.assert_frame_equal(first, copies[0])
    pd.testing.assert_frame_equal(rows, copies[1])


def test_a_replaced_factor_is_retired_with_its_replacement_as_reason() -> None:
    """Its row stays with weight 0; the others are unchanged."""
    first = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b"}))
    second = admit_factors(SECOND, first, trials({"identity": "c", "replaces": "a_id"})).set_index("identity")
    assert second["status"].to_dict() == {"a": "retired", "b": "accepted", "c": "accepted"}
    assert (second.loc["a", "weight"], second.loc["a", "reason"]) == (0.0, "replaced by c_id")
    assert second.loc["b", "weight"] == pytest.approx(0.03)


def test_a_retired_factor_replaces_no_other() -> None:
    """An accepted trial of a retired factor does not enter, so the factor it would replace stays."""
    first = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b"}))
    first = first.assign(status=["retired", "accepted"])
    library = admit_factors(SECOND, first, trials({"identity": "a", "replaces": "b_id"})).set_index("identity")
    assert library["status"].to_dict() == {"a": "retired", "b": "accepted"}


def test_a_factor_may_be_replaced_on_its_run_date_of_entry() -> None:
    """It need not have been in the library before."""
    library = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "c", "replaces": "a_id"}))
    assert library.set_index("identity")["status"].to_dict() == {"a": "retired", "c": "accepted"}
