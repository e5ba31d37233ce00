"""Admission of accepted trials to the library of the run date before."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.library.library import admit_factors
from alpha_pipeline.tables import LIBRARY, TRIALS

FIRST, SECOND = (pd.Timestamp(day, tz="UTC") for day in ("2019-07-01", "2019-07-02"))


def trials(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows of a run date; by default accepted proposals of a model."""
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
    """A refused trial has no row in the library."""
    library = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a"}, {"identity": "b", "verdict": "refused"}))
    assert library["identity"].tolist() == ["a"]
    assert LIBRARY.conform(library).num_rows == 1


@pytest.mark.parametrize(("ic", "weight"), [(0.04, 0.02), (-0.06, -0.03)])
def test_the_weight_is_the_rank_ic_shrunk_by_the_deflated_sharpe_ratio(ic: float, weight: float) -> None:
    """The sign is that of validation; the weight is 0 where the deflated Sharpe ratio is undefined."""
    row = {"identity": "a", "valid_rank_ic": ic, "deflated_sharpe": np.nan}
    assert admit_factors(FIRST, LIBRARY.empty(), trials(row))["weight"].tolist() == [0.0]
    library = admit_factors(FIRST, LIBRARY.empty(), trials({"identity": "a", "valid_rank_ic": ic}))
    assert library["weight"].tolist() == [weight]
    assert library["status"].tolist() == ["accepted"]


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
    assert second["weight"].tolist() == [0.05]


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
    assert second.loc["b", "weight"] == 0.02


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
