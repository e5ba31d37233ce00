"""The rubric row by row, and every condition of admission in turn."""

from dataclasses import replace

import numpy as np
import pytest

from alpha_pipeline.mining.judge import Admission, Judgement, judge_factor, refusal, rubric
from alpha_pipeline.mining.trial import TrialMeasures

PASSING = {
    "train_rank_ic": 0.03,
    "train_t_stat": 4.0,
    "train_q_value": 0.01,
    "valid_rank_ic": 0.06,
    "valid_t_stat": 2.5,
    "valid_q_value": 0.01,
    "valid_sharpe": 2.0,
    "valid_turnover": 0.1,
    "valid_max_drawdown": -0.1,
    "probabilistic_sharpe": 0.97,
    "deflated_sharpe": 0.5,
    "max_correlation": 0.2,
}
GOOD = TrialMeasures(**PASSING)


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({}, 7),
        ({"valid_sharpe": 1.5}, 6),
        ({"valid_sharpe": 1.0}, 5),
        ({"valid_sharpe": 0.5}, 4),
        ({"valid_sharpe": -3.0}, 4),
        ({"valid_rank_ic": 0.05}, 6),
        ({"valid_rank_ic": 0.02}, 5),
        ({"valid_rank_ic": -0.06}, 7),
        ({"valid_turnover": 0.3}, 6),
        ({"valid_max_drawdown": -0.15}, 6),
        (dict.fromkeys(PASSING, np.nan), 0),
    ],
)
def test_the_rubric(changes: dict[str, float], score: float) -> None:
    """Sharpe gives up to 3, rank IC up to 2, turnover and drawdown 1 each; limits are exclusive; NaN gives nothing."""
    assert rubric(replace(GOOD, **changes))[0] == score


def test_the_summary_names_what_costs_points() -> None:
    """Turnover and drawdown are named when they lost their point, and only then."""
    assert rubric(GOOD)[1] == "on validation, in the direction of train: net Sharpe 2.00; rank IC +0.060 (t +2.5)"
    summary = rubric(replace(GOOD, **{"valid_turnover": 0.8, "valid_max_drawdown": -0.4}))[1]
    assert "turnover 0.80 a day" in summary and "drawdown -40%" in summary


def test_a_good_factor_is_admitted() -> None:
    """No reason is no refusal; the opposite direction is as good."""
    assert refusal(GOOD, Admission()) == ""
    inverted = replace(GOOD, **{"train_rank_ic": -0.03, "valid_rank_ic": -0.06, "train_t_stat": -4.0})
    assert refusal(inverted, Admission()) == ""


@pytest.mark.parametrize(
    ("name", "limit", "beyond", "reason"),
    [
        ("max_correlation", 0.69, 0.7, "too correlated with an active factor"),
        ("train_rank_ic", 1e-9, 0.0, "sign"),
        ("train_rank_ic", 1e-9, -0.01, "sign"),
        ("valid_rank_ic", 1e-9, -0.01, "sign"),
        ("train_t_stat", 3.0, 2.99, "train |t| below 3"),
        ("train_t_stat", -3.0, -2.99, "train |t| below 3"),
        ("train_q_value", 0.05, 0.0501, "train q-value among all trials above 0.05"),
        ("valid_q_value", 0.05, 0.0501, "validation q-value above 0.05"),
        ("valid_sharpe", 1e-9, 0.0, "validation Sharpe after costs not above 0"),
        ("probabilistic_sharpe", 0.9, 0.8999, "probabilistic Sharpe below 0.9"),
    ],
)
def test_every_condition_refuses_alone(name: str, limit: float, beyond: float, reason: str) -> None:
    """At its limit a factor passes, beyond it the reason names the condition, and so it does for NaN."""
    assert refusal(replace(GOOD, **{name: limit}), Admission()) == ""
    assert refusal(replace(GOOD, **{name: beyond}), Admission()).startswith(reason)
    assert refusal(replace(GOOD, **{name: np.nan}), Admission()).startswith(reason)


def test_all_nan_is_refused() -> None:
    """Nothing measured is nothing shown."""
    assert refusal(TrialMeasures(), Admission())


def test_a_floor_of_the_deflated_sharpe_ratio_is_a_choice() -> None:
    """Zero only reports it; a floor refuses what is below, and what has none."""
    strict = Admission(deflated_sharpe=0.95)
    assert refusal(replace(GOOD, **{"deflated_sharpe": 0.95}), strict) == ""
    for low in (0.9499, np.nan):
        assert refusal(replace(GOOD, **{"deflated_sharpe": low}), strict) == "deflated Sharpe below 0.95"
        assert refusal(replace(GOOD, **{"deflated_sharpe": low}), Admission()) == ""


@pytest.mark.parametrize(
    ("changes", "correlations", "near", "expected"),
    [
        ({}, {"other": 0.3}, (), ("accepted", "", "")),
        ({"train_t_stat": 1.0}, {}, (), ("leakage_free", "train |t| below 3", "")),
        ({"valid_sharpe": -1.0}, {}, (), ("significant", "validation Sharpe after costs not above 0", "")),
        ({}, {"weak": 0.9}, (), ("accepted", "", "weak")),
        ({}, {"strong": 0.9}, (), ("leakage_free", "too correlated with an active factor", "")),
        ({}, {"weak": 0.9, "strong": 0.8}, (), ("leakage_free", "too correlated with an active factor", "")),
        ({}, {"weak": 0.1}, ("weak",), ("accepted", "", "weak")),
        ({"train_t_stat": 1.0}, {"weak": 0.9}, (), ("leakage_free", "too correlated with an active factor", "")),
    ],
)
def test_a_judgement_is_one_decision(
    changes: dict[str, float], correlations: dict[str, float], near: tuple[str, ...], expected: tuple[str, str, str]
) -> None:
    """Stage, reason and the factor replaced: one close factor is replaced when clearly beaten, otherwise it stays."""
    measures = replace(GOOD, max_correlation=next(iter(correlations.values()), 0.0), **changes)
    judgement = judge_factor(measures, correlations, near, Admission(), {"weak": 1.5, "strong": 1.6, "other": 0.0}.get)
    assert isinstance(judgement, Judgement)
    assert (judgement.stage, judgement.reason, judgement.replaces) == expected
