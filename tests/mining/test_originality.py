"""Nothing is tried twice, and nothing enters that is active under another name, unless it is clearly better."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.factors.references import REFERENCES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.task import Proposal
from alpha_pipeline.tables import MEASURES

from .scripted import Script, mined, proposed, walk


def test_a_duplicate_within_a_run_date_is_not_measured_twice() -> None:
    """Whatever the spelling, the second is refused as duplicate of an earlier trial and names the first."""
    rows = proposed(mined(Script(["ts_zscore(close, 7)"]), 2))
    assert rows["reason"][1] == "duplicate of an earlier trial"
    assert rows["feedback"][1] == f"the same as {rows['factor_id'][0]}"
    assert rows.loc[1, list(MEASURES)].isna().all()
    assert rows["stage"][1] == "type_valid"


@pytest.mark.parametrize(
    ("tried", "again"),
    [
        ("ts_zscore(close, 7)", "zscore(close, 7)"),
        ("cs_rank(volume) * ts_rank(close, 9) + 1", "1 + ts_rank(close, 9) * cs_rank(volume)"),
        ("close > ts_mean(close, 5)", "ts_mean(close, 5) < close"),
    ],
)
def test_a_duplicate_of_an_earlier_run_date_is_not_measured(first: pd.DataFrame, tried: str, again: str) -> None:
    """The ledger of every earlier run date counts, and spelling does not."""
    rows = mined(Script([again]), 1, ledger=pd.concat([first, mined(Script([tried]), 1, ledger=first)]))
    assert rows["reason"].tolist() == ["duplicate of an earlier trial"]
    assert rows[list(MEASURES)].isna().all(axis=None)


def test_a_reference_may_be_proposed(first: pd.DataFrame) -> None:
    """It is judged like any other formula, and is a duplicate only of a proposal."""
    trials = mined(Script([REFERENCES[5].source]), 1, ledger=first)
    assert trials["reason"].tolist() == ["train |t| below 3"] and np.isfinite(trials["train_t_stat"]).all()
    again = mined(Script([REFERENCES[5].source]), 1, ledger=pd.concat([first, trials], ignore_index=True))
    assert again["reason"].tolist() == ["duplicate of an earlier trial"]


def test_a_duplicate_of_an_active_factor_is_refused_by_name(planted: tuple[Panel, pd.DataFrame]) -> None:
    """As good as the first, but nothing new: the feedback says whom it resembles."""
    found, twin = proposed(planted[1]).itertuples()
    assert twin.reason == "too correlated with an active factor"
    assert found.factor_id in twin.feedback
    assert twin.max_correlation > 0.9


def test_a_correlated_factor_is_refused_on_later_run_dates_too(planted: tuple[Panel, pd.DataFrame]) -> None:
    """Factors active are read from the ledger."""
    panel, ledger = planted
    row = mined(Script(["edge - ts_mean(edge, 30) / 50"]), 1, panel, ledger).iloc[0]
    assert row["reason"] == "too correlated with an active factor"


def test_the_opposite_of_a_factor_is_correlated_with_it(planted: tuple[Panel, pd.DataFrame]) -> None:
    """Turned round, it trades the same."""
    panel, ledger = planted
    assert mined(Script(["-edge"]), 1, panel, ledger)["reason"].tolist() == ["too correlated with an active factor"]


def test_a_twin_that_is_clearly_better_replaces_the_factor_in_force() -> None:
    """The ledger names the replaced one; a third like both is compared with the new one only."""
    panel = walk(edge=1.0, bars=400)
    proposals = [
        Proposal("blurred", "edge + 0.8 * delay(edge, 1)"),
        Proposal("sharp", "edge"),
        Proposal("again", "edge * 1.01 + 1"),
    ]
    rows = proposed(mined(Script(proposals), 3, panel)).set_index("name")
    assert rows.loc["blurred", "verdict"] == "accepted"
    assert rows.loc["sharp", "replaces"] == rows.loc["blurred", "factor_id"]
    assert rows.loc["sharp", "verdict"] == "accepted" and rows.loc["sharp", "max_correlation"] >= 0.7
    assert rows.loc["again", "verdict"] == "refused" and rows.loc["sharp", "factor_id"] in rows.loc["again", "feedback"]


def test_a_near_duplicate_of_a_trial_is_refused_by_name(first: pd.DataFrame) -> None:
    """Numbers within a tenth cost no backtest; farther ones are another factor."""
    rows = mined(Script(["ts_zscore(close, 40)", "ts_zscore(close, 43)", "ts_zscore(close, 50)"]), 3, ledger=first)
    assert rows["reason"][1] == "near-duplicate of an earlier trial" and rows["factor_id"][0] in rows["feedback"][1]
    assert rows["valid_t_stat"].notna().tolist() == [True, False, True]


def test_a_near_duplicate_of_an_active_factor_is_measured() -> None:
    """It might beat it."""
    script = Script(["edge + ts_mean(edge, 20) / 100", "edge + ts_mean(edge, 21) / 100"])
    found, variant = proposed(mined(script, 2, walk(edge=1.0, bars=400))).itertuples()
    assert found.verdict == "accepted" and np.isfinite(variant.valid_t_stat)
    assert variant.reason == "too correlated with an active factor" and found.factor_id in variant.feedback


def test_a_reference_refuses_nobody(first: pd.DataFrame) -> None:
    """A formula that ranks as a reference does is compared with admitted factors alone."""
    twin = mined(Script([f"({REFERENCES[5].source}) * 2"]), 1, ledger=first).iloc[0]
    assert twin["max_correlation"] == 0 and twin["reason"] == "train |t| below 3"
