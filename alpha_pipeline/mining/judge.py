"""
The judge: decides by the admission rule, on measured values alone, whether a factor enters the library.

What a model expects of its factor is never read here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.trial import Stage, TrialMeasures
from alpha_pipeline.settings import Admission as Admission
from alpha_pipeline.statistics import deflated_sharpe, null_variance
from alpha_pipeline.statistics.sharpe import NORMAL


@dataclass(frozen=True)
class Judgement:
    """
    The decision on one measured factor.

    Args:
        stage: last stage passed.
        reason: of the refusal, short and countable; empty if accepted.
        feedback: details.
        score: by the rubric, 0 to 7.
        replaces: the active factor that it replaces; empty if none.
    """

    stage: Stage
    reason: str
    feedback: str
    score: float
    replaces: str = ""


def judge_factor(
    measures: TrialMeasures,
    correlations: Mapping[str, float],
    near_duplicates: Collection[str],
    rule: Admission,
    valid_sharpe_of: Callable[[str], float],
) -> Judgement:
    """
    Decide on one factor.

    Args:
        measures: with the adjustments of `against_all_trials` and the maximum of `correlations`.
        correlations: rank correlation with each active factor, largest first.
        near_duplicates: active factors with nearly the same formula.
        rule: thresholds.
        valid_sharpe_of: annual net Sharpe ratio of an active factor on validation of the run date.
    """
    score, summary = rubric(measures)
    reason = refusal(measures, rule)
    similar = {name for name, value in correlations.items() if value >= rule.correlation} | set(near_duplicates)
    replaced = next(iter(similar), "")
    if len(similar) == 1 and beats(measures, replaced, rule, valid_sharpe_of):
        return Judgement("accepted", "", f"replaces {replaced}, which it clearly beats; {summary}", score, replaced)
    if similar:
        closest = next(iter(correlations), "")
        name = closest if closest in similar else min(similar)
        feedback = f"rank correlation {correlations.get(name, np.nan):.2f} with {name}; {summary}"
        return Judgement("leakage_free", "too correlated with an active factor", feedback, score)
    if reason:
        return Judgement("significant" if discovered(measures, rule) else "leakage_free", reason, summary, score)
    return Judgement("accepted", "", summary, score)


def against_all_trials(
    measures: TrialMeasures, canonical: str, history: TrialHistory, rule: Admission
) -> TrialMeasures:
    """Add the deflated Sharpe ratio and the false discovery rates among all trials so far, this one included."""
    m = measures
    trials = history.effective_trials(canonical)
    deflated = deflated_sharpe(m.sharpe_per_bar, m.bars, m.skewness, m.kurtosis, trials, null_variance(m.bars))
    q_value = history.train_q_value(measures.train_t_stat)
    adjusted = replace(measures, deflated_sharpe=deflated, train_q_value=q_value)
    if not discovered(adjusted, rule):
        return adjusted
    return replace(adjusted, valid_q_value=history.valid_q_value(measures, rule.t_stat, rule.train_q_value))


def discovered(measures: TrialMeasures, rule: Admission) -> bool:
    """Whether the factor is significant on train among all trials; False for NaN."""
    return abs(measures.train_t_stat) >= rule.t_stat and measures.train_q_value <= rule.train_q_value


def thresholds(history: TrialHistory, rule: Admission) -> tuple[float, float]:
    """The t on train and on validation that a trial needs if none before it was more than luck."""
    trials = history.train_tests + 1
    train = rule.train_q_value / (trials * float(np.sum(1 / np.arange(1, trials + 1))))
    valid = rule.valid_q_value / (history.discoveries(rule.t_stat, rule.train_q_value) + 1)
    return max(rule.t_stat, _upper(train / 2)), _upper(valid)


def _upper(p: float) -> float:
    """The t that is exceeded with probability p."""
    return NORMAL.inv_cdf(1 - min(max(p, 1e-15), 0.5))


def refusal(measures: TrialMeasures, rule: Admission) -> str:
    """The first condition that a factor does not meet, short and countable; empty if it meets all. NaN meets none."""
    if not measures.max_correlation < rule.correlation:
        return "too correlated with an active factor"
    if not abs(measures.train_t_stat) >= rule.t_stat:
        return f"train |t| below {rule.t_stat:g}"
    if not measures.train_q_value <= rule.train_q_value:
        return f"train q-value among all trials above {rule.train_q_value:g}"
    if not measures.train_rank_ic * measures.valid_rank_ic > 0:
        return "sign of the rank IC differs between train and validation"
    if not measures.valid_q_value <= rule.valid_q_value:
        return f"validation q-value above {rule.valid_q_value:g}"
    if not measures.valid_sharpe > rule.sharpe:
        return f"validation Sharpe after costs not above {rule.sharpe:g}"
    if not measures.probabilistic_sharpe >= rule.probabilistic_sharpe:
        return f"probabilistic Sharpe below {rule.probabilistic_sharpe:g}"
    if not (measures.deflated_sharpe >= rule.deflated_sharpe or rule.deflated_sharpe <= 0):
        return f"deflated Sharpe below {rule.deflated_sharpe:g}"
    return ""


def beats(measures: TrialMeasures, name: str, rule: Admission, valid_sharpe_of: Callable[[str], float]) -> bool:
    """Whether a factor meets all other conditions and clearly exceeds the active factor it is correlated with."""
    if refusal(replace(measures, max_correlation=0.0), rule):
        return False
    return measures.valid_sharpe >= valid_sharpe_of(name) + rule.clearly_better


def rubric(measures: TrialMeasures) -> tuple[float, str]:
    """
    Score from 0 to 7 on validation, and its summary for the ledger; no writer reads either.

    Net Sharpe above 1.5 / 1.0 / 0.5 gives 3 / 2 / 1; `|rank IC|` above 0.05 / 0.02 gives 2 / 1; turnover below 0.3 a
    day and a drawdown above -15 % give 1 each. NaN gives nothing.
    """
    sharpe, ic = measures.valid_sharpe, abs(measures.valid_rank_ic)
    score = float(np.sum([sharpe > 0.5, sharpe > 1.0, sharpe > 1.5, ic > 0.02, ic > 0.05]))
    direction = -1.0 if measures.train_rank_ic < 0 else 1.0
    signed_ic, signed_t = direction * measures.valid_rank_ic, direction * measures.valid_t_stat
    parts = [f"net Sharpe {sharpe:.2f}", f"rank IC {signed_ic:+.3f} (t {signed_t:+.1f})"]
    if measures.valid_turnover < 0.3:
        score += 1
    else:
        parts.append(f"turnover {measures.valid_turnover:.2f} a day")
    if measures.valid_max_drawdown > -0.15:
        score += 1
    else:
        parts.append(f"drawdown {measures.valid_max_drawdown:.0%}")
    return score, f"on validation, in the direction of train: {'; '.join(parts)}"
