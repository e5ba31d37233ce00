"""
The judge: a stated rubric over measured metrics, and the one rule of admission.

Numbers come from the backtest alone; what a model expected_performance is never read here.
"""

from collections.abc import Mapping

import numpy as np

from alpha_pipeline.settings import Admission as Admission


def discovered(measures: Mapping[str, float], rule: Admission) -> bool:
    """Whether train alone makes the factor a discovery among everything tried; NaN does not."""
    return bool(abs(measures["train_t_stat"]) >= rule.t_stat and measures["train_q_value"] <= rule.train_q_value)


def refusal(measures: Mapping[str, float], rule: Admission) -> str:
    """
    Why a factor is not admitted: the first condition it misses, short and countable; empty when it is admitted.

    Args:
        measures: columns of `tables.MEASURES`; a NaN misses its condition.
        rule: thresholds.
    """
    if not measures["max_correlation"] < rule.correlation:
        return "too close to a factor active"
    if not abs(measures["train_t_stat"]) >= rule.t_stat:
        return f"train |t| below {rule.t_stat:g}"
    if not measures["train_q_value"] <= rule.train_q_value:
        return f"no discovery among everything tried at {rule.train_q_value:g}"
    if not measures["train_rank_ic"] * measures["valid_rank_ic"] > 0:
        return "sign of the rank IC differs between train and validation"
    if not measures["valid_q_value"] <= rule.valid_q_value:
        return f"not found again on validation at {rule.valid_q_value:g}"
    if not measures["valid_sharpe"] > rule.sharpe:
        return "loses money after costs"
    if not measures["probabilistic_sharpe"] >= rule.probabilistic_sharpe:
        return f"probabilistic Sharpe below {rule.probabilistic_sharpe:g}"
    if not (measures["deflated_sharpe"] >= rule.deflated_sharpe or rule.deflated_sharpe <= 0):
        return f"deflated Sharpe below {rule.deflated_sharpe:g}"
    return ""


def rubric(measures: Mapping[str, float]) -> tuple[float, str]:
    """
    Score from 0 to 7 on validation, and what the ledger says of it; no writer is told.

    Net Sharpe above 1.5 / 1.0 / 0.5 gives 3 / 2 / 1; |rank IC| above 0.05 / 0.02 gives 2 / 1; turnover below 0.3 a day
    and a drawdown above -15 % give 1 each. NaN gives nothing.
    """
    sharpe, ic = measures["valid_sharpe"], abs(measures["valid_rank_ic"])
    score = float(np.sum([sharpe > 0.5, sharpe > 1.0, sharpe > 1.5, ic > 0.02, ic > 0.05]))
    turn = -1.0 if measures["train_rank_ic"] < 0 else 1.0  # all is told in the direction that train found
    found, t_stat = turn * measures["valid_rank_ic"], turn * measures["valid_t_stat"]
    said = [f"net Sharpe {sharpe:.2f}", f"rank IC {found:+.3f} (t {t_stat:+.1f})"]
    if measures["valid_turnover"] < 0.3:
        score += 1
    else:
        said.append(f"turnover {measures['valid_turnover']:.2f} a day eats the return")
    if measures["valid_max_drawdown"] > -0.15:
        score += 1
    else:
        said.append(f"drawdown {measures['valid_max_drawdown']:.0%}")
    return score, f"on validation, in the direction of train: {'; '.join(said)}"
