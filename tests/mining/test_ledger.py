"""The index of everything tried."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from alpha_pipeline.mining.factor_types import Tally
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.tables import TRIALS

from .test_knowledge import ledger, measured


def row(canonical: str, t: float, **more: object) -> dict[str, object]:
    return ledger(measured(canonical, t, **more)).to_dict("records")[0]


def test_a_ledger_and_its_rows_one_by_one_are_the_same() -> None:
    """What a run date adds counts like what earlier run dates left."""
    rows = ledger(
        measured("ts_zscore(close, 20)", 3, factor_type="momentum", train_valid_sharpe=1.5),
        measured("cs_rank(volume)", 0.5, factor_type="volume", train_valid_sharpe=-0.5),
        measured("ts_rank(close, 5)", np.nan, factor_type="volume", train_valid_sharpe=np.nan),
    )
    whole, grown = TrialHistory(rows), TrialHistory(TRIALS.empty())
    for one in rows.to_dict("records"):
        grown.know(one["identity"], one["factor_id"])
        grown.count({str(k): v for k, v in one.items()})
    for tried in (whole, grown):
        assert tried.tallies == {"momentum": Tally(1, 0), "volume": Tally(0, 2)}
        assert (tried.sharpes, tried.twin("cs_rank(volume)"), tried.twin("x")) == (2, "cs_rank(volume)", "")
        assert tried.sharpe_variance(2.0) == pytest.approx(np.var([1.5, -0.5, 2.0], ddof=1), rel=1e-12)


def test_a_trial_is_judged_among_those_before_it() -> None:
    """On train everything tried counts, on validation what train discovered; as statsmodels adjusts them."""
    rng = np.random.default_rng(1)
    ts, vs = [*rng.normal(size=40), 6.0, -7.0, 5.0], [*rng.normal(size=40), 1.5, -4.0, -2.0]
    tried, rule, found = TrialHistory(TRIALS.empty()), Admission(), []
    for number, (t, v) in enumerate(zip(ts, vs, strict=True)):
        q = tried.q_values({"train_t_stat": t, "valid_t_stat": v}, rule)
        found.append(q)
        tried.count(row(f"ts_mean(close, {number + 2})", t, valid_t_stat=v, **q))
    p = 2 * norm.sf(np.abs(ts))
    for number in (0, 5, 20, 41, 42):
        wanted = multipletests(p[: number + 1], method="fdr_by")[1][-1]
        assert found[number]["train_q_value"] == pytest.approx(wanted, rel=1e-12)
    again = norm.sf([1.5, 4.0, -2.0])
    for k in range(3):
        wanted = multipletests(again[: k + 1], method="fdr_bh")[1][-1]
        assert found[40 + k]["valid_q_value"] == pytest.approx(wanted, rel=1e-12)
    assert all(np.isnan(one["valid_q_value"]) for one in found[:40])


def test_the_first_ratio_has_no_variance() -> None:
    """Nothing to compare it with."""
    assert TrialHistory(TRIALS.empty()).sharpe_variance(1.0) == 0.0


@pytest.mark.parametrize(
    ("canonical", "variant"),
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
def test_a_variant_is_the_same_formula_with_numbers_within_a_tenth(canonical: str, variant: bool) -> None:
    """Shape first, then every number."""
    assert (
        TrialHistory(ledger(measured("ts_zscore(close, 20)", 1))).variants(canonical)
        == ["ts_zscore(close, 20)"] * variant
    )


def test_parents_are_strong_and_their_lines_end() -> None:
    """Three improvements deep, a line is left alone; weak factors are no parents."""
    rows = [measured("a", 3), measured("b", 4, parent="a"), measured("c", 5, parent="b"), measured("d", 1)]
    steps = {}
    for seed in range(20):
        parent = TrialHistory(ledger(*rows)).parent(seed)
        assert parent is not None
        steps[parent.factor_id] = parent.step
        names = [line.split(" -> rank IC")[0] for line in parent.line]
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
    assert parent is not None and parent.measured == "rank IC +0.025 (t +2.5), net Sharpe +0.10 on train"


def test_unanswered_questions_do_not_count() -> None:
    """Neither for a family nor for luck."""
    tried = TrialHistory(
        pd.DataFrame([row("", np.nan, verdict="unanswered", factor_type="volume", valid_sharpe=np.nan)])
    )
    assert tried.tallies == {} and tried.sharpes == 0
