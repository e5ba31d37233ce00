"""A person at a desk: proposals and improvements, measured on train alone."""

import pytest

from alpha_pipeline.backtesting import split
from alpha_pipeline.errors import SettingError
from alpha_pipeline.expressions import parse
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.mining.research import improve, propose_and_measure, task_for, train_bars
from alpha_pipeline.mining.task import Proposal

from .scripted import BARS, Script, walk

TASK = task_for(EQUITIES, ("close", "edge", "volume"), "momentum", 20, 0)


def test_train_ends_where_a_night_would_cut() -> None:
    """Nothing at the desk sees a bar that validates or is sealed."""
    assert train_bars(walk(), EQUITIES).shape[0] == split(BARS, EQUITIES.horizon_bars).train[1]


def test_a_proposal_is_read_checked_and_measured() -> None:
    """With its canonical form and its worth on train."""
    (attempt,) = propose_and_measure(Script(["zscore(close, 7)"]), TASK, train_bars(walk(), EQUITIES))
    assert attempt.canonical == "ts_zscore(close, 7)" and attempt.measures is not None
    assert "on train" in attempt.summary


def test_a_refusal_tells_why_and_is_repaired_once() -> None:
    """The writer is told; if that does not help, the caret is shown."""
    script = Script(["zscore(clsoe, 7)"], better=lambda proposal: Proposal("better", "zscore(close, 7)"))
    assert propose_and_measure(script, TASK, None)[0].canonical == "ts_zscore(close, 7)"
    (attempt,) = propose_and_measure(Script(["zscore(clsoe, 7)"]), TASK, None)
    assert "clsoe" in attempt.refused and "^" in attempt.refused and not attempt.canonical


def test_values_that_fail_a_check_are_not_measured() -> None:
    """A constant earns nothing, and says so."""
    (attempt,) = propose_and_measure(Script(["ts_count(close > 0, 5)"]), TASK, train_bars(walk(), EQUITIES))
    assert attempt.refused.startswith("variation check") and attempt.summary == "not measured"


def test_improvements_start_from_the_best_so_far() -> None:
    """Each is told the parent, its measures and what the earlier steps earned."""
    train = train_bars(walk(edge=1.0, bars=400), EQUITIES)
    script = Script(["ts_mean(edge, 2)", "ts_zscore(volume, 9)", "edge"])
    attempt = list(improve(script, TASK, parse("ts_rank(volume, 5)"), train))
    assert [one.step for one in attempt] == [0, 1, 2, 3]
    parents = [task.parent.expression for task in script.tasks if task.parent]
    assert parents == ["ts_rank(volume, 5)", "ts_mean(edge, 2)", "ts_mean(edge, 2)"]
    assert [task.parent.step for task in script.tasks if task.parent] == [1, 2, 3]
    assert [len(task.notes) for task in script.tasks] == [0, 1, 2]
    assert "ts_mean(edge, 2) -> rank IC" in script.tasks[1].notes[0]


def test_an_unknown_factor_type_names_the_known_ones() -> None:
    """In the words of the prompt."""
    with pytest.raises(SettingError, match="mean_reversion"):
        task_for(EQUITIES, ("close",), "luck", 20, 0)
