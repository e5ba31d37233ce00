"""A run date asked in several ways keeps and counts them all; asked the same way again it is the same run date."""

import pandas as pd

from alpha_pipeline.llm.budget import Budget
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.mining.loop import MiningSettings
from alpha_pipeline.mining.proposers import random_grammar
from alpha_pipeline.mining.sessions import mine_session, session_id
from alpha_pipeline.tables import TRIALS

from .scripted import Script, night_of, walk

PANEL = walk(220, 4)


def session_rows(stored: pd.DataFrame, seed: int = 0, fresh: bool = False, source: str = "") -> pd.DataFrame:
    """The run date after being asked once more, through a file as the graph keeps it."""
    settings = MiningSettings(rounds=1, proposals_per_round=3, repairs=0, seed=seed)
    proposer = Script([source]) if source else random_grammar()
    run_date = mine_session(night_of(PANEL), EQUITIES, PANEL, TRIALS.empty(), stored, proposer, settings, fresh=fresh)
    return TRIALS.conform(run_date).to_pandas()


def test_another_seed_adds_to_the_run_date() -> None:
    """The references and what was tried first stay, in their place and to the bit; nothing is tried twice."""
    first = session_rows(TRIALS.empty())
    both = session_rows(first, seed=1)
    pd.testing.assert_frame_equal(both.iloc[: len(first)], first)
    assert len(both) == len(first) + 3
    assert both["session"].nunique() == 2
    assert (both["proposer"] == "reference").sum() == (first["proposer"] == "reference").sum()
    assert both["trial"].tolist() == list(range(len(both)))


def test_what_was_tried_first_counts_for_what_comes_after() -> None:
    """The very formula again is no new trial but a refused one."""
    first = session_rows(TRIALS.empty(), source="ts_zscore(close, 7)")
    again = session_rows(first, seed=1, source="ts_zscore(close, 7)")
    later = again[again["session"] != first["session"].iloc[0]]
    assert (later["verdict"] == "refused").all() and not later["stage"].isin(["significant", "accepted"]).any()


def test_a_replayed_session_changes_nothing() -> None:
    """Neither itself, nor what came after it, in whatever order they are asked again."""
    run_date = session_rows(session_rows(session_rows(TRIALS.empty()), seed=1), seed=2)
    for seed in (0, 1, 2, 0):
        pd.testing.assert_frame_equal(session_rows(run_date, seed=seed), run_date)


def test_a_fresh_session_is_one_of_its_own() -> None:
    """Other answers to the same questions do not replace the old ones."""
    first = session_rows(TRIALS.empty(), source="ts_zscore(close, 7)")
    both = session_rows(first, source="ts_zscore(volume, 9)", fresh=True)
    assert both["session"].unique().tolist()[1] == first["session"].iloc[0] + "#1"
    assert {"ts_zscore(close, 7)", "ts_zscore(volume, 9)"} <= set(both["source"])


def test_what_a_replay_does_not_repeat_is_kept() -> None:
    """Should a model answer otherwise, what it said first was tried all the same."""
    first = session_rows(TRIALS.empty(), source="ts_zscore(close, 7)")
    other = session_rows(first, source="ts_zscore(volume, 9)")
    assert other["session"].nunique() == 1
    assert {"ts_zscore(close, 7)", "ts_zscore(volume, 9)"} <= set(other["source"])
    pd.testing.assert_frame_equal(session_rows(other, source="ts_zscore(volume, 9)"), other)


def test_rows_without_a_session_are_the_first_one() -> None:
    """A ledger stored before there were sessions is replayed, not doubled."""
    first = session_rows(TRIALS.empty())
    pd.testing.assert_frame_equal(session_rows(first.assign(session="")), first)


def test_a_session_is_proposer_and_settings_not_limits() -> None:
    """Seeds, rounds and factor types make another; limits and threads do not."""
    plain = session_id(MiningSettings(), random_grammar())
    assert session_id(MiningSettings(threads=1, budget=Budget(night_calls=3)), random_grammar()) == plain
    others = [MiningSettings(seed=1), MiningSettings(rounds=3), MiningSettings(factor_types=("momentum",))]
    assert len({plain, *(session_id(other, random_grammar()) for other in others)}) == 4
    assert session_id(MiningSettings(), Script(["close"])) != plain
