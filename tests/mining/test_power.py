"""Power: the stated error and probability against simulated factors, measured as the product measures them."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting.bar_ranks import ranks
from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.mining.judge import thresholds
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.loop import MiningSettings, context_of
from alpha_pipeline.mining.proposers import random_grammar
from alpha_pipeline.mining.run_context import discovery_power
from alpha_pipeline.settings import Admission
from alpha_pipeline.statistics.newey_west import mean_test, overlap_lags
from alpha_pipeline.statistics.sampling_error import power_text, rank_ic_error
from alpha_pipeline.tables import TRIALS

from .scripted import mined, night_of, walk
from .test_knowledge import ledger, measured


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_error_is_that_of_worthless_factors(horizon: int) -> None:
    """The spread of mean rank ICs of persistent factors on labels of a bar and of five, some symbols missing."""
    rng = np.random.default_rng(1)
    bars, symbols = 400, 30
    means = []
    for _ in range(300):
        noise = rng.normal(size=(bars + horizon, symbols))
        label = np.lib.stride_tricks.sliding_window_view(noise, horizon, axis=0)[:bars].sum(axis=-1)
        label[:, : symbols // 3] = np.where(np.arange(bars)[:, None] < 200, np.nan, label[:, : symbols // 3])
        factor = np.repeat(rng.normal(size=(-(-bars // 40), symbols)), 40, axis=0)[:bars]
        means.append(np.nanmean(rank_ic(factor, label)))
    assert rank_ic_error(ranks(label), horizon) == pytest.approx(np.std(means), rel=0.12)


def test_the_power_on_train_is_the_share_that_is_found() -> None:
    """Of factors with a true rank IC, as many pass the t of train as the formula says."""
    rng = np.random.default_rng(2)
    bars, symbols, true = 500, 40, 0.03
    found = 0
    for _ in range(300):
        label = rng.normal(size=(bars, symbols))
        signal = true / np.sqrt(1 - true**2) * (np.pi / 3)  # a rank correlation is 3 / pi of a small linear one
        factor = signal * label + rng.normal(size=(bars, symbols))
        found += mean_test(rank_ic(factor, label), overlap_lags(1)).t_stat >= 3
    stated = NormalDist().cdf(true / rank_ic_error(ranks(label), 1) - 3)
    assert found / 300 == pytest.approx(stated, abs=0.08)


def test_more_trials_symbols_and_bars() -> None:
    """Power falls with the trials so far, and grows with breadth and length; it is stored and reported."""
    settings = MiningSettings(rounds=1, proposals_per_round=1)

    def power(bars: int, symbols: int, history: TrialHistory) -> float:
        panel = walk(bars, symbols)
        return discovery_power(context_of(night_of(panel), EQUITIES, panel, settings, None), history, 0.05)

    none = TrialHistory(TRIALS.empty())
    many = TrialHistory(ledger(*(measured(f"ts_mean(close, {n})", 0.1) for n in range(2, 200))))
    assert 0 < power(300, 20, many) < power(300, 20, none) < power(600, 20, none) < power(600, 60, none) < 1
    trials = mined(random_grammar(), 1)
    assert trials["power"].between(0, 1).all() and trials["power"].nunique() == 1


def test_symbols_that_move_together_count_for_less() -> None:
    """The error that was measured is taken where it is larger than that of independent symbols."""
    panel = walk(300, 20)
    context = context_of(night_of(panel), EQUITIES, panel, MiningSettings(), None)
    rows = [
        measured(f"ts_mean(close, {n})", 0.5, train_rank_ic=0.02, valid_rank_ic=0.02, valid_t_stat=0.5) for n in (5, 9)
    ]
    history = TrialHistory(ledger(*rows))
    assert history.rank_ic_errors() == pytest.approx((0.04, 0.04))
    assert TrialHistory(TRIALS.empty()).rank_ic_errors() == pytest.approx((np.nan, np.nan), nan_ok=True)
    train, valid = thresholds(history, context.admission)
    expected = NormalDist().cdf(0.1 / 0.04 - train) * NormalDist().cdf(0.1 / 0.04 - valid)
    assert discovery_power(context, history, 0.1) == pytest.approx(expected)


def test_thresholds_are_those_of_the_judge() -> None:
    """A trial at the threshold passes the q-values among the trials before it, and one below does not."""
    history = TrialHistory(ledger(*(measured(f"ts_mean(close, {n})", 0.1) for n in range(2, 60))))
    rule = Admission(t_stat=0.0)
    train, valid = thresholds(history, rule)
    assert history.train_q_value(train + 1e-6) <= rule.train_q_value < history.train_q_value(train - 1e-6)
    assert valid == pytest.approx(1.6449, abs=1e-3)
    assert thresholds(history, replace(rule, t_stat=9.0))[0] == 9.0


def test_the_sentence_warns_below_one_half() -> None:
    """With the remedy; without a number nothing is said."""
    assert power_text(0.63) == "power: a true rank IC of 0.02 would be found with probability 0.63 on these bars"
    assert "needs more symbols or a longer history" in power_text(0.2)
    assert power_text(float("nan")) == ""
    assert pd.isna(rank_ic_error(np.full((5, 2), 0.5), 1))
