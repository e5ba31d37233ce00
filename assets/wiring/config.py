"""
Knobs of a run date of mining, as the launchpad and `--config` offer them; what they mean is said where they act.
"""

from dataclasses import fields
from pathlib import Path

import dagster as dg
from pydantic import Field

from alpha_pipeline.llm.budget import Budget, read_prices
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.loop import MiningSettings


class AdmissionConfig(dg.Config):
    """The rule of admission, as in `mining.judge.Admission`."""

    t_stat: float = Admission.t_stat
    train_q_value: float = Admission.train_q_value
    valid_q_value: float = Admission.valid_q_value
    sharpe: float = Admission.sharpe
    probabilistic_sharpe: float = Admission.probabilistic_sharpe
    deflated_sharpe: float = Admission.deflated_sharpe
    correlation: float = Admission.correlation
    clearly_better: float = Admission.clearly_better

    def rule(self) -> Admission:
        """What the judge is told."""
        return Admission(**{part.name: getattr(self, part.name) for part in fields(Admission)})


class MiningConfig(dg.Config):
    """
    Knobs of one run date of mining, as in `mining.MiningSettings`.

    Besides: `proposer` in place of the configured one; `fresh` asks every question anew, `retry` those that went
    unanswered, where otherwise stored answers count.
    """

    rounds: int = MiningSettings.rounds
    proposals_per_round: int = MiningSettings.proposals_per_round
    batch: int = MiningSettings.batch
    prompt_modes: list[str] = Field(default=list(MiningSettings.prompt_modes))
    factor_types: list[str] = Field(default=[])
    context: str = ""
    repairs: int = MiningSettings.repairs
    seed: int = 0
    proposer: str = ""
    fresh: bool = False
    retry: bool = False
    night_calls: int = Budget.night_calls
    night_tokens: int = Budget.night_tokens
    night_seconds: float = Budget.night_seconds
    night_usd: float = Budget.night_usd
    month_tokens: int = Budget.month_tokens
    month_usd: float = Budget.month_usd
    admission: AdmissionConfig = AdmissionConfig()

    def settings(self, prices: Path) -> MiningSettings:
        """What the mining loop is told."""
        limits = {limit.name: getattr(self, limit.name) for limit in fields(Budget)}
        same = ("rounds", "proposals_per_round", "batch", "context", "repairs", "seed")
        return MiningSettings(
            **{name: getattr(self, name) for name in same},
            prompt_modes=tuple(self.prompt_modes),  # type: ignore[arg-type]  # MiningSettings refuses others by name
            factor_types=tuple(self.factor_types),
            budget=Budget(**limits),
            prices=read_prices(prices),
            admission=self.admission.rule(),
        )
