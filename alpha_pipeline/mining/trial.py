"""
A trial: one proposal, the stage it reached, what it measured and what it cost; a row of the ledger.

The stages a trial passes through are in `stages`, the history of all trials is in `ledger`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from alpha_pipeline.expressions import Node, identity
from alpha_pipeline.factors.definition import factor_id
from alpha_pipeline.llm.budget import Spent
from alpha_pipeline.mining.task import PromptMode, Proposal
from alpha_pipeline.tables import MEASURES, TRIALS

Stage = Literal["proposed", "parsed", "type_valid", "unique", "leakage_free", "significant", "accepted"]
Verdict = Literal["accepted", "refused", "unanswered"]


@dataclass(frozen=True)
class TrialMeasures:
    """
    Measures of a factor on train and validation, as in `tables.MEASURES`; NaN where not measured.

    Args:
        train_valid_sharpe, probabilistic_sharpe: of the net returns of train and validation together.
        sharpe_per_bar, skewness, kurtosis, bars: moments of these returns, for the deflated Sharpe ratio; not stored.
    """

    train_rank_ic: float = math.nan
    train_t_stat: float = math.nan
    train_q_value: float = math.nan
    train_sharpe: float = math.nan
    valid_rank_ic: float = math.nan
    valid_t_stat: float = math.nan
    valid_q_value: float = math.nan
    valid_sharpe: float = math.nan
    valid_max_drawdown: float = math.nan
    valid_turnover: float = math.nan
    train_valid_sharpe: float = math.nan
    probabilistic_sharpe: float = math.nan
    deflated_sharpe: float = math.nan
    max_correlation: float = math.nan
    sharpe_per_bar: float = math.nan
    skewness: float = math.nan
    kurtosis: float = math.nan
    bars: int = 0

    @property
    def train_summary(self) -> str:
        """The measures on train in one line; all that a writer may read."""
        ic, t, sharpe = self.train_rank_ic, self.train_t_stat, self.train_sharpe
        return f"rank IC {ic:+.3f} (t {t:+.1f}), net Sharpe {sharpe:+.2f} on train"


@dataclass(frozen=True)
class Trial:
    """
    One trial of a run date.

    Args:
        run_date: start of the day, UTC.
        proposal: the factor as proposed.
        proposer, model: who proposed it.
        round: of the mining loop, from 0.
        factor_type, prompt_mode: of the task.
        regime: market regime at the end of train.
        factor_id, canonical, identity: of the parsed expression; empty if it did not parse.
        stage: last stage passed.
        verdict, reason, feedback: the judgement; the reason is short and countable, empty if accepted.
        replaces: factor_id of the active factor it replaces.
        score: by the rubric of the judge; NaN if not measured.
        critique: advice of the model after the round, on the last trial of the round.
        usage: of the language model for this trial; `usd` is NaN for a model without a price.
        measures: on train and validation.
    """

    run_date: pd.Timestamp
    proposal: Proposal
    proposer: str
    model: str = ""
    round: int = 0
    factor_type: str = ""
    prompt_mode: PromptMode = "generate"
    regime: str = ""
    factor_id: str = ""
    canonical: str = ""
    identity: str = ""
    stage: Stage = "proposed"
    verdict: Verdict = "refused"
    reason: str = ""
    feedback: str = ""
    replaces: str = ""
    score: float = math.nan
    critique: str = ""
    usage: Spent = field(default_factory=Spent)
    measures: TrialMeasures = field(default_factory=TrialMeasures)

    def with_expression(self, node: Node) -> "Trial":
        """The trial with its parsed expression."""
        digest = identity(node)
        return replace(self, canonical=str(node), identity=digest, factor_id=factor_id(self.proposal.name, digest))

    def refused(self, stage: Stage, reason: str, feedback: str) -> "Trial":
        """The trial refused after a stage."""
        return replace(self, stage=stage, verdict="refused", reason=reason, feedback=feedback)

    def to_row(self) -> dict[str, object]:
        """The row of `tables.TRIALS`, but for the number, the session and the admission rule."""
        return {
            "run_date": self.run_date,
            "round": self.round,
            "factor_type": self.factor_type,
            "prompt_mode": self.prompt_mode,
            "regime": self.regime,
            "factor_id": self.factor_id,
            **vars(self.proposal),
            "proposer": self.proposer,
            "model": self.model,
            "replaces": self.replaces,
            "canonical": self.canonical,
            "identity": self.identity,
            "stage": self.stage,
            "verdict": self.verdict,
            "reason": self.reason,
            "feedback": self.feedback,
            "critique": self.critique,
            "score": self.score,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "calls": self.usage.calls,
            "model_seconds": self.usage.seconds,
            "usd": self.usage.usd,
            **{name: getattr(self.measures, name) for name in MEASURES},
        }


def trials_table(trials: Iterable[Trial], admission_rule: str = "", power: float = math.nan) -> pd.DataFrame:
    """Rows of `tables.TRIALS` of one session, numbered from 0; `session` is left empty."""
    rows = [trial.to_row() for trial in trials]
    if not rows:
        return TRIALS.empty()
    frame = pd.DataFrame(rows).assign(trial=range(len(rows)), session="", admission_rule=admission_rule, power=power)
    table: pd.DataFrame = TRIALS.conform(frame).to_pandas()
    return table
