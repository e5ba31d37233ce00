"""The history of all trials."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from alpha_pipeline.mining.factor_types import Tally
from alpha_pipeline.mining.judge import Admission, against_all_trials
from alpha_pipeline.mining.ledger import TrialHistory, read_trials
from alpha_pipeline.mining.trial import Trial, TrialMeasures
from alpha_pipeline.tables import TRIALS

from .test_knowledge import ledger, measured


def trial(canonical: str, t: float, **more: object) -> Trial:
    """One trial as it is read from a ledger."""
    return next(read_trials(ledger(measured(canonical, t, **more))))


def test_a_ledger_equals_its_trials_added_one_by_one() -> None:
    """Trials of the current run date count like those of earlier ones."""
    rows = ledger(
        measured("ts_zscore(close, 20)", 3, factor_type="momentum", train_valid_sharpe=1.5),
        measured("cs_rank(volume)", 0.5, factor_type="volume", train_valid_sharpe=-0.5),
        measured("ts_rank(close, 5)", np.nan, factor_type="volume", train_valid_sharpe=np.nan),
    )
    grown = TrialHistory(TRIALS.empty())
    for one_trial in read_trials(rows):
        grown.register(one_trial.identity, one_trial.factor_id)
        grown.add(one_trial)
    for history in (TrialHistory(rows), grown):
        assert history.tallies == {"momentum": Tally(1, 0), "volume": Tally(0, 2)}
        assert history.duplicate_of("cs_rank(volume)") == "cs_rank(volume)" and history.duplicate_of("x") == ""
        assert history.effective_trials("cs_rank(close)") == 3


def test_a_trial_is_judged_among_those_before_it() -> None:
    """On train all trials count, on validation the discoveries of train; as statsmodels adjusts them."""
    rng = np.random.default_rng(1)
    ts, vs = [*rng.normal(size=40), 6.0, -7.0, 5.0], [*rng.normal(size=40), 1.5, -4.0, -2.0]
    history, rule, adjusted = TrialHistory(TRIALS.empty()), Admission(), []
    for number, (t, v) in enumerate(zip(ts, vs, strict=True)):
        measures = against_all_trials(TrialMeasures(train_t_stat=t, valid_t_stat=v), "close", history, rule)
        adjusted.append(measures)
        q_values = {"train_q_value": measures.train_q_value, "valid_q_value": measures.valid_q_value}
        history.add(trial(f"ts_mean(close, {number + 2})", t, valid_t_stat=v, **q_values))
    p = 2 * norm.sf(np.abs(ts))
    for number in (0, 5, 20, 41, 42):
        expected = multipletests(p[: number + 1], method="fdr_by")[1][-1]
        assert adjusted[number].train_q_value == pytest.approx(expected, rel=1e-12)
    one_sided = norm.sf([1.5, 4.0, -2.0])
    for k in range(3):
        expected = multipletests(one_sided[: k + 1], method="fdr_bh")[1][-1]
        assert adjusted[40 + k].valid_q_value == pytest.approx(expected, rel=1e-12)
    assert all(np.isnan(measures.valid_q_value) for measures in adjusted[:40])


def test_formulas_that_differ_in_numbers_are_one_effective_trial() -> None:
    """A tuned window is the same idea; what was not measured was no try."""
    rows = [measured(f"ts_zscore(close, {n})", 1, train_valid_sharpe=0.1) for n in (5, 20, 60)]
    rows += [measured("cs_rank(volume)", 1, train_valid_sharpe=np.nan)]
    history = TrialHistory(ledger(*rows))
    assert history.effective_trials("ts_zscore(close, 240)") == 1
    assert history.effective_trials("cs_rank(volume)") == 2
    assert TrialHistory(TRIALS.empty()).effective_trials("close") == 1


def test_references_count_for_nothing() -> None:
    """They are no trials, no duplicates and no parents."""
    row = measured("ts_zscore(close, 20)", 9, train_valid_sharpe=3.0, proposer="reference")
    history = TrialHistory(ledger(row))
    assert history.references == {"ts_zscore(close, 20)"}
    assert history.effective_trials("cs_rank(volume)") == 1 and history.parent(0) is None
    assert not history.duplicate_of("ts_zscore(close, 20)") and not history.near_duplicates("ts_zscore(close, 20)")
    assert history.train_q_value(4.0) == TrialHistory(TRIALS.empty()).train_q_value(4.0)


@pytest.mark.parametrize(
    ("canonical", "near"),
    [
        ("ts_zscore(close, 20)", True),
        ("ts_zscore(close, 21)", True),
        ("ts_zscore(close, 18)", True),
        ("ts_zscore(close, 25)", False),
        ("ts_zscore(high, 20)", False),
        ("-ts_zscore(close, 20)", False),
        ("ts_rank(close, 20)", False),
    ],
)
def test_a_near_duplicate_is_the_same_formula_with_numbers_within_a_tenth(canonical: str, near: bool) -> None:
    """Shape first, then every number."""
    history = TrialHistory(ledger(measured("ts_zscore(close, 20)", 1)))
    assert history.near_duplicates(canonical) == ["ts_zscore(close, 20)"] * near


def test_parents_are_strong_and_their_lines_end() -> None:
    """Three improvements deep, a line is left alone; weak factors are no parents."""
    rows = [measured("a", 3), measured("b", 4, parent="a"), measured("c", 5, parent="b"), measured("d", 1)]
    steps = {}
    for seed in range(20):
        parent = TrialHistory(ledger(*rows)).parent(seed)
        assert parent is not None
        steps[parent.factor_id] = parent.step
        names = [ancestor.split(" -> rank IC")[0] for ancestor in parent.ancestors]
        assert names == {"a": [], "b": ["a"], "c": ["a", "b"]}[parent.factor_id]
    assert steps == {"a": 1, "b": 2, "c": 3}
    rows.append(measured("e", 9, parent="c"))
    assert {TrialHistory(ledger(*rows)).parent(seed).factor_id for seed in range(20)} == {"a", "b", "c"}  # type: ignore[union-attr]


def test_without_a_strong_factor_there_is_no_parent() -> None:
    """Noise is not refined."""
    assert TrialHistory(ledger(measured("a", 1.9))).parent(0) is None


def test_a_parent_tells_train_numbers_only() -> None:
    """A writer improves on what it may see."""
    parent = TrialHistory(ledger(measured("a", 2.5, valid_sharpe=7.77))).parent(0)
    assert parent is not None and parent.summary == "rank IC +0.025 (t +2.5), net Sharpe +0.10 on train"


def test_unanswered_requests_do_not_count() -> None:
    """Neither for a factor type nor for the number of trials."""
    rows = ledger(measured("", np.nan, verdict="unanswered", factor_type="volume", valid_sharpe=np.nan))
    history = TrialHistory(rows)
    assert history.tallies == {} and history.effective_trials("close") == 1
