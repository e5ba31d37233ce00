"""How a run date asks: its ways, its rounds, its critic."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import split
from alpha_pipeline.errors import SettingError
from alpha_pipeline.factors.references import REFERENCES
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.loop import MiningSettings
from alpha_pipeline.mining.proposers import ModelWriter
from alpha_pipeline.mining.task import PromptMode
from alpha_pipeline.tables import MEASURES

from .scripted import BARS, Script, ScriptedChat, altered, mined, proposed, walk


def test_a_round_is_told_what_was_measured_before_it(first: pd.DataFrame) -> None:
    """Of earlier run dates and of earlier rounds, never of its own."""
    script = Script(["ts_mean(edge, 2)", "ts_zscore(close, 40)"])
    mined(script, 1, walk(edge=1.0, bars=400), rounds=2)
    before, after = (" ".join(task.notes) for task in script.tasks)
    assert "net Sharpe" in before and "ts_mean(edge, 2)" not in before
    assert "ts_mean(edge, 2) -> rank IC" in after


BEYOND = ("funding", "whale_balance", "netflow", "social_sentiment", "tvl", "stablecoin_supply")


def test_what_lies_beyond_prices_is_referred_to_and_asked_for() -> None:
    """Where a market has funding, chain data and talk, the five factors that live on them are measured, too."""
    panel = walk(bars=500)
    rng = np.random.default_rng(9)
    more = {name: np.exp(np.cumsum(rng.normal(0, 0.02, panel.shape), axis=0)) for name in BEYOND}
    script = Script(["ts_zscore(funding, 20) * cs_rank(volume)"])
    rows = mined(
        script, 4, Panel(panel.timestamps, panel.symbols, {**panel.fields, **more}), prompt_modes=("multimodal",)
    )
    shipped = rows[rows["proposer"] == "reference"]
    assert len(shipped) == len(REFERENCES) and shipped["train_t_stat"].notna().all()
    assert {task.prompt_mode for task in script.tasks} == {"multimodal"}
    assert {task.factor_type for task in script.tasks} <= {"carry", "sentiment", "on_chain"}


def test_without_them_the_plain_way_is_taken() -> None:
    """Nothing to join, nothing to improve: a fresh idea."""
    script = Script(["ts_zscore(close, 7)"])
    mined(script, 2, prompt_modes=("multimodal", "optimize"), panel=Panel(*_bare()))
    assert [task.prompt_mode for task in script.tasks] == ["generate", "generate"]


def _bare() -> tuple[np.ndarray, tuple[str, ...], dict[str, np.ndarray]]:
    panel = walk(seed=3)
    return panel.timestamps, panel.symbols, {"close": panel["close"]}


@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (2, 1), (5, 2), (40, 2)])
def test_how_many_are_measured_together_changes_no_number(batch: int, threads: int) -> None:
    """Neither threads nor the size of a question move a digit of what the same formulas earn."""
    sources = [f"ts_zscore(close, {w})" for w in (6, 9, 14, 22, 35)] + [f"ts_rank(volume, {w})" for w in (6, 9, 14, 22)]
    columns = ["canonical", *MEASURES, "verdict", "reason", "score"]
    plain = mined(Script(sources), 9, batch=1, threads=1)[columns]
    pd.testing.assert_frame_equal(mined(Script(sources), 9, batch=batch, threads=threads)[columns], plain)


@pytest.mark.parametrize(
    "wrong",
    [{"prompt_modes": ("guess",)}, {"prompt_modes": ()}, {"factor_types": ("luck",)}, {"batch": 0}, {"rounds": -1}],
)
def test_knobs_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    """With what was found."""
    with pytest.raises(SettingError):
        MiningSettings(**wrong)  # type: ignore[arg-type]


def test_factor_types_without_their_fields_are_refused() -> None:
    """A run date never asks for something else in silence."""
    with pytest.raises(SettingError, match="equities lacks the fields of the factor types carry"):
        mined(Script(["ts_rank(volume, 6)"]), 1, factor_types=("carry",))


def test_the_critic_sees_train_and_is_heard_in_the_next_round(first: pd.DataFrame) -> None:
    """The advice stands on the round's last row and in the next round's notes."""
    script = Script(["ts_zscore(close, 40)", "ts_zscore(clsoe, 9)", "ts_rank(volume, 9)"], advice="try volume")
    rows = mined(script, 3, ledger=first, rounds=2)
    assert rows["critique"].tolist() == ["", "", "try volume"] * 2
    assert "critic: try volume" in script.tasks[3].notes and "critic: try volume" not in script.tasks[0].notes
    shown = script.shown[0]
    assert len(shown) == 3 and shown[-1] == "ts_zscore(clsoe, 9) -> refused: " + rows["reason"][1]
    assert all("on train" in line for line in shown[:2])


def test_no_word_to_the_model_depends_on_validation() -> None:
    """Writer and critic are asked the same whatever the bars that judge hold, as long as nothing is admitted."""
    formulas = ["ts_zscore(close, 40)", "ts_zscore(clsoe, 9)", "ts_rank(volume, 9)", "-ts_return(close, 3)"]
    texts = [f'{{"factors": [{{"expression": "{a}"}}, {{"expression": "{b}"}}]}}' for a, b in pairwise(formulas)]
    asked = []
    for panel in (walk(), altered(walk(), split(BARS, EQUITIES.horizon_bars).valid[0])):
        chat = ScriptedChat([*texts, '{"critique": "try volume"}', "ts_zscore(close, 60)", *texts[::-1]])
        rows = mined(
            ModelWriter(chat, "schema"), 6, panel, rounds=3, batch=2, repairs=1, prompt_modes=get_args(PromptMode)
        )
        assert not (proposed(rows)["verdict"] == "accepted").any()
        asked.append([(message.role, message.text) for request in chat.asked for message in request.messages])
    assert len(asked[0]) > 20 and asked[0] == asked[1]


def test_a_factor_without_a_train_measure_takes_no_verdict_to_the_critic() -> None:
    """Its windows leave train too few bars; what validation says of it stays with the judge."""
    shown = []
    panel = walk(edge=0.2, bars=400)
    for bars in (panel, altered(panel, split(400, EQUITIES.horizon_bars).valid[0])):
        script = Script(["-ts_mean(edge, 275)", "ts_zscore(close, 275)"])
        rows = proposed(mined(script, 2, bars))
        assert rows["train_t_stat"].isna().all()
        shown.append(script.shown)
    assert shown[0] == shown[1] and any("too few bars on train" in line for line in shown[0][0])
