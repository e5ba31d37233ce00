"""
Power of a run date: how likely a factor of a given true rank IC is to be found on its bars.

A market whose power is low admits nothing, whatever is proposed: it needs more symbols or a longer history.
"""

import numpy as np

from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.run_context import RunContext
from alpha_pipeline.settings import Admission
from alpha_pipeline.statistics.sampling_error import rank_ic_error
from alpha_pipeline.statistics.sharpe import NORMAL
from alpha_pipeline.tables import STATED_RANK_IC


def discovery_power(context: RunContext, history: TrialHistory, rank_ic: float = STATED_RANK_IC) -> float:
    """
    Probability that the next proposal, of this true rank IC on every bar, is significant on train and on validation.

    Args:
        context: bars and admission rule; costs and correlations are not part of the answer.
        history: the trials so far, for which the next one is corrected.
        rank_ic: mean rank correlation with the forward return.

    Returns:
        In [0, 1]; NaN where a segment has no bar with enough symbols.
    """
    power = 1.0
    needed = thresholds(history, context.admission)
    for segment, measured, threshold in zip(context.segments, history.rank_ic_errors(), needed, strict=True):
        error = rank_ic_error(segment.forward_ranks, context.market.horizon_bars)
        error = float(np.fmax(error, measured))  # symbols that move together are fewer than they are many
        power *= NORMAL.cdf(rank_ic / error - threshold) if error > 0 else np.nan
    return power


def thresholds(history: TrialHistory, rule: Admission) -> tuple[float, float]:
    """The t on train and on validation that a trial needs if none before it was more than luck."""
    trials = history.train_tests + 1
    train = rule.train_q_value / (trials * float(np.sum(1 / np.arange(1, trials + 1))))
    valid = rule.valid_q_value / (history.discoveries(rule.t_stat, rule.train_q_value) + 1)
    return max(rule.t_stat, _upper(train / 2)), _upper(valid)


def _upper(p: float) -> float:
    """The t that is exceeded with probability p."""
    return NORMAL.inv_cdf(1 - min(max(p, 1e-15), 0.5))
