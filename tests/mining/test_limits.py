"""What a run date may cost, and what happens when the model does not answer."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import ModelError
from alpha_pipeline.llm.budget import Budget, Price
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import ModelWriter

from .scripted import ScriptedChat, mined, night_of, walk, writer


def test_the_bill_of_a_repair_holds_both_calls(first: pd.DataFrame) -> None:
    """Tokens of the refused answer are paid for too."""
    row = mined(writer("ts_zscore(clsoe, 9)", "ts_zscore(close, 9)"), 1, ledger=first, repairs=1).iloc[0]
    assert (row["prompt_tokens"], row["completion_tokens"]) == (20, 10)
    assert row["source"] == "ts_zscore(close, 9)"


@pytest.mark.parametrize(
    ("budget", "calls", "said"),
    [
        (Budget(night_calls=3), 3, "3 calls a run date"),
        (Budget(night_calls=0), 0, "0 calls a run date"),
        (Budget(night_usd=0.00335), 2, "0.00335 USD a run date"),
        (Budget(month_usd=0.0), 0, "0 USD a month"),
        (Budget(night_tokens=1), 0, "1 tokens a run date"),
        (Budget(night_seconds=5.0), 2, "5 model seconds a run date"),
    ],
)
def test_the_night_stops_before_a_limit_and_keeps_what_it_has(
    first: pd.DataFrame, budget: Budget, calls: int, said: str
) -> None:
    """A call is made only if the most it could cost still fits; what was measured before stays."""
    told: list[str] = []
    replies = [f"ts_zscore(close, {window})" for window in (30, 35, 40, 45, 50, 56)]
    settings = MiningSettings(2, 3, repairs=0, budget=budget, prices={"scripted": Price(0.0, 20.0)})
    panel = walk()
    rows = mine(
        night_of(panel), EQUITIES, panel, first, writer(*replies), settings, lambda progress: told.append(progress.text)
    )
    assert len(rows) == calls and told[-1].startswith("stopped") and said in told[-1]
    assert rows["calls"].tolist() == [1] * calls and rows["valid_t_stat"].notna().all()
    np.testing.assert_allclose(rows["usd"], 5 * 20.0 / 1e6)  # five tokens written; the limit fears all 160


def test_what_earlier_nights_of_the_month_used_counts(first: pd.DataFrame) -> None:
    """The ledger says it; the month before does not."""
    panel = walk()
    run_date = night_of(panel)
    used = first.assign(run_date=run_date - pd.Timedelta(1, "D"), prompt_tokens=10_000)
    budget = Budget(month_tokens=10_000 * len(first))
    assert len(mined(writer("ts_zscore(close, 31)"), 1, ledger=used, budget=budget)) == 0
    last_month = used.assign(run_date=run_date - pd.Timedelta(40, "D"))
    assert len(mined(writer("ts_zscore(close, 31)"), 1, ledger=last_month, budget=budget)) == 1


def test_a_silent_model_does_not_end_the_night(first: pd.DataFrame) -> None:
    """An answer that does not come is a row but no trial; after three in a row nothing more is asked."""
    chat = ScriptedChat(["ts_zscore(close, 31)", ModelError("busy"), "ts_zscore(close, 40)", *[ModelError("gone")] * 9])
    rows = mined(ModelWriter(chat, "pattern"), 12, ledger=first)
    assert rows["verdict"].tolist() == ["refused", "unanswered", "refused", *["unanswered"] * 3]
    assert rows["reason"][1] == "no answer: busy" and len(chat.asked) == 6
    assert rows["valid_sharpe"].notna().sum() == 2 and rows["calls"].tolist() == [1] * 6


def test_a_repair_that_is_not_answered_leaves_the_refusal(first: pd.DataFrame) -> None:
    """The first proposal is answer enough."""
    chat = ScriptedChat(["ts_zscore(clsoe, 31)", ModelError("busy")])
    (row,) = mined(ModelWriter(chat, "pattern"), 1, ledger=first, repairs=1).to_dict("records")
    assert row["verdict"] == "refused" and "clsoe" in row["reason"] and row["calls"] == 2


def test_a_model_without_a_price_costs_an_unknown_amount(first: pd.DataFrame) -> None:
    """Tokens are counted; the cost is NaN, not zero."""
    rows = mined(writer("ts_zscore(close, 31)"), 1, ledger=first)
    assert rows["usd"].isna().all() and (rows["prompt_tokens"] == 10).all()


def test_a_question_may_take_all_its_attempts(first: pd.DataFrame) -> None:
    """What a busy server may cost in requests has to fit, and what it cost is counted."""
    chat = ScriptedChat(["ts_zscore(close, 31)"], attempts=3)
    assert len(mined(ModelWriter(chat, "pattern"), 1, ledger=first, budget=Budget(night_calls=2))) == 0
    failing = ScriptedChat([ModelError("busy", tries=3, prompt_tokens=7, completion_tokens=2)], attempts=3)
    (row,) = mined(ModelWriter(failing, "pattern"), 1, ledger=first).to_dict("records")
    assert (row["calls"], row["prompt_tokens"], row["completion_tokens"]) == (3, 7, 2)


def test_a_server_that_sends_no_bill_is_not_free(first: pd.DataFrame) -> None:
    """Its tokens are estimated from the texts, so that the limits hold."""
    chat = ScriptedChat(["ts_zscore(close, 31)"], bill=(0, 0))
    (row,) = mined(ModelWriter(chat, "pattern"), 1, ledger=first).to_dict("records")
    asked = sum(len(message.text) for message in chat.asked[0].messages)
    assert asked / 4 < row["prompt_tokens"] <= asked and row["completion_tokens"] > 0
