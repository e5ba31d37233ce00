"""Formulas of the user and of published sets: the gates of every proposal, counted once."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.factors.published import published_set
from alpha_pipeline.factors.submitted_factors import SubmittedFactor
from alpha_pipeline.factors.values import factor_values
from alpha_pipeline.library.library import admit_factors
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.loop import MiningSettings, Retired
from alpha_pipeline.mining.progress_report import Progress
from alpha_pipeline.mining.sessions import mine_session, published_candidates, try_candidates
from alpha_pipeline.tables import LIBRARY, TRIALS

from .scripted import Script, night_of, proposed, walk

PANEL = walk(edge=1.0, bars=400)
EDGE = SubmittedFactor("edge", "my edge", "It leads.")
WEAK = SubmittedFactor("-ts_zscore(volume, 20)")
NOTHING = TRIALS.empty()


def tried(
    factors: Sequence[SubmittedFactor],
    stored: pd.DataFrame = NOTHING,
    ledger: pd.DataFrame = NOTHING,
    panel: Panel = PANEL,
    retired: Retired = frozenset,
    log: list[str] | None = None,
) -> pd.DataFrame:
    """The run date after these were submitted, through a file as the graph keeps it."""

    def report(progress: Progress) -> None:
        if log is not None:
            log.append(progress.text)

    rows = try_candidates(
        night_of(panel), EQUITIES, panel, ledger, stored, {"user": factors}, MiningSettings(), report, retired=retired
    )  # fmt: skip
    return TRIALS.conform(rows).to_pandas()


def mined_too(stored: pd.DataFrame) -> pd.DataFrame:
    """The run date after a proposer was asked as well."""
    settings = MiningSettings(rounds=1, proposals_per_round=1, repairs=0)
    script = Script(["ts_zscore(close, 7)"])
    rows = mine_session(night_of(PANEL), EQUITIES, PANEL, NOTHING, stored, script, settings)
    return TRIALS.conform(rows).to_pandas()


@pytest.fixture(scope="module")
def first() -> pd.DataFrame:
    """A strong and a weak formula, submitted to an empty ledger."""
    return tried([EDGE, WEAK])


def test_a_submitted_formula_is_a_counted_trial(first: pd.DataFrame) -> None:
    """Admitted or refused by the judge; its name is its formula if it has none; it counts in the ledger."""
    rows = proposed(first)
    assert rows["proposer"].tolist() == ["user", "user"] and rows["session"].unique().tolist() == ["user#0"]
    assert rows["verdict"].tolist() == ["accepted", "refused"]
    assert rows["stage"].tolist() == ["accepted", "leakage_free"] and rows["reason"][1] == "train |t| below 3"
    assert rows["name"].tolist() == ["my edge", "-ts_zscore(volume, 20)"] and rows["rationale"][0] == "It leads."
    assert np.isfinite(rows["train_q_value"]).all() and TrialHistory(first).effective_trials("x") == 3


def test_an_admitted_formula_is_in_the_library_and_has_values(first: pd.DataFrame) -> None:
    """From its run date on; a refused one is in neither."""
    run_date = night_of(PANEL)
    library = admit_factors(run_date, LIBRARY.empty(), first)
    assert library.loc[library["proposer"] == "user", ["name", "status"]].values.tolist() == [["my edge", "accepted"]]
    values = factor_values(library, PANEL, EQUITIES, run_date, run_date + pd.Timedelta(days=1))
    column = next(name for name in values if name.startswith("my_edge_"))
    np.testing.assert_array_equal(values[column], PANEL.fields["edge"][-1])


def test_the_same_formula_again_is_no_trial(first: pd.DataFrame) -> None:
    """In whatever spelling, by whomever, on this run date or on a later one: the run date keeps its bytes."""
    spelled = ["-(-edge)", "-((volume - mean(volume, 20)) / std(volume, 20))"]
    again = [EDGE, WEAK, *map(SubmittedFactor, spelled)]
    pd.testing.assert_frame_equal(tried(again, first), first)
    pd.testing.assert_frame_equal(tried(again, ledger=first.assign(run_date=night_of(PANEL, 1))), NOTHING)
    pd.testing.assert_frame_equal(tried([SubmittedFactor("factor('my edge')")], first), first)


def test_no_trial_of_the_run_date_is_lost(first: pd.DataFrame) -> None:
    """A second submission follows the first; sessions of a proposer come between and can be replayed."""
    both = mined_too(first)
    assert both["session"].nunique() == 2
    last = tried([SubmittedFactor("ts_std(close, 9)")], both)
    pd.testing.assert_frame_equal(last.iloc[:-1], both)
    assert last["session"].iloc[-1] == "user#1" and last["trial"].tolist() == list(range(len(last)))
    pd.testing.assert_frame_equal(mined_too(last), last)


def test_a_proposer_meets_what_was_submitted_before(first: pd.DataFrame) -> None:
    """A copy of an admitted formula is refused as a duplicate."""
    settings = MiningSettings(rounds=1, proposals_per_round=1, repairs=0)
    rows = mine_session(night_of(PANEL), EQUITIES, PANEL, NOTHING, first, Script(["factor('my edge')"]), settings)
    assert rows["reason"].iloc[-1] == "duplicate of an earlier trial" and rows["canonical"].iloc[-1] == "edge"


def test_an_admitted_factor_is_an_input_of_new_ones(first: pd.DataFrame) -> None:
    """By name and by factor_id, for the user and for a proposer."""
    identifier = first.loc[first["name"] == "my edge", "factor_id"].item()
    formulas = [f'ts_mean(factor("my edge"), 3) + factor("{identifier}")', 'factor("my_edge") + 1']
    log: list[str] = []
    rows = proposed(tried([SubmittedFactor(text) for text in formulas], first, log=log))
    assert rows["canonical"].iloc[-1] == "ts_mean(edge, 3) + edge" and len(rows) == 3
    assert "no factor 'my_edge' in the library; did you mean my edge" in log[0]


def test_a_retired_factor_is_no_input(first: pd.DataFrame) -> None:
    """Nor one that is refused: neither is in the library."""
    retired = set(first.loc[first["name"] == "my edge", "factor_id"])
    log: list[str] = []
    texts = ['ts_mean(factor("my edge"), 3)', 'ts_mean(factor("-ts_zscore(volume, 20)"), 3)']
    rows = tried([SubmittedFactor(text) for text in texts], first, retired=lambda: retired, log=log)
    pd.testing.assert_frame_equal(rows, first)
    assert "2 not tried" in log[0]


def test_what_the_panel_has_no_field_for_waits() -> None:
    """It is reported with its place, is no trial, and is tried once the field is there."""
    log: list[str] = []
    factor = SubmittedFactor("ts_mean(edge, 3)", place="factors.toml, line 1, factor 1")
    without = tried([factor, SubmittedFactor("2 + 3")], panel=walk(bars=400), log=log)
    assert without.empty
    assert "factors.toml, line 1, factor 1: unknown field 'edge'" in log[0] and "uses no field" in log[0]
    assert tried([factor])["canonical"].iloc[-1] == "ts_mean(edge, 3)"


def test_a_published_set_is_tried_once() -> None:
    """Every formula whose fields the market has, under its own name and proposer."""
    panel = walk(220, 6)
    rows = try_candidates(
        night_of(panel), EQUITIES, panel, NOTHING, NOTHING, published_candidates(["alpha101"]), MiningSettings()
    )  # fmt: skip
    own = proposed(rows)
    assert set(own["proposer"]) == {"alpha101"} and set(own["name"]) <= {f.name for f in published_set("alpha101")}
    assert len(own) == own["identity"].nunique() > 10
    again = try_candidates(
        night_of(panel), EQUITIES, panel, NOTHING, rows, published_candidates(["alpha101"]), MiningSettings()
    )  # fmt: skip
    pd.testing.assert_frame_equal(again, TRIALS.complete(rows))


def test_a_ledger_without_sessions_keeps_its_replay() -> None:
    """Rows stored before there were sessions belong to the proposer, not to the user."""
    old = mined_too(NOTHING).assign(session="")
    both = tried([WEAK], old)
    replayed = mined_too(both)
    assert len(replayed) == len(both) and "" not in set(replayed["session"])
    pd.testing.assert_frame_equal(replayed.drop(columns="session"), both.drop(columns="session"))
