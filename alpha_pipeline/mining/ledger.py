"""
History of all trials: duplicates, parents for improvements, and the counts that significance is adjusted for.

Built from the ledger once per run date; grows by one trial at a time.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from alpha_pipeline.mining.factor_types import STRONG, Tally
from alpha_pipeline.mining.formula_search import shape
from alpha_pipeline.mining.task import STEPS, Parent, Proposal
from alpha_pipeline.mining.trial import Trial, TrialMeasures
from alpha_pipeline.statistics.multiple_testing import Tests, one_sided, two_sided
from alpha_pipeline.tables import REFERENCE, UNANSWERED

NEAR = 0.1  # formulas that differ only in numbers, each by at most this share, are near-duplicates
CANDIDATES = 5  # parents an improvement chooses from


@dataclass(frozen=True)
class _Candidate:
    """A measured factor that may be improved."""

    canonical: str
    summary: str
    strength: float
    step: int
    parent: str


class TrialHistory:
    """
    Trials of all earlier run dates and of the current run date so far.

    Args:
        ledger: rows of `tables.TRIALS`. References are measured beside the trials: their identities are in
            `references`, and they count for nothing else.
    """

    def __init__(self, ledger: pd.DataFrame) -> None:
        self.tallies: dict[str, Tally] = {}
        self.references: set[str] = set()
        self._measured: set[str] = set()
        self._errors: list[tuple[float, float]] = []
        self._train_tests = Tests()
        self._discoveries: list[tuple[float, float, float]] = []
        self._identities: dict[str, str] = {}
        self._shapes: dict[str, list[tuple[tuple[float, ...], str]]] = {}
        self._candidates: dict[str, _Candidate] = {}
        self._strongest: list[str] = []
        for trial in read_trials(ledger):
            if trial.proposer == REFERENCE:
                self.add_reference(trial)
                continue
            if trial.identity:
                self.register(trial.identity, trial.factor_id)
            self.add(trial)

    def register(self, identity: str, factor_id: str) -> None:
        """Remember a factor that parsed, by its first factor_id."""
        self._identities.setdefault(identity, factor_id)

    def add_reference(self, trial: Trial) -> None:
        """Remember a reference; of its measures only the errors of the rank IC are used."""
        self.references.add(trial.identity)
        self._add_errors(trial.measures)

    def rank_ic_errors(self) -> tuple[float, float]:
        """Median standard error of the rank ICs measured so far on train and on validation; NaN before any."""
        train, valid = ([pair[side] for pair in self._errors if math.isfinite(pair[side])] for side in (0, 1))
        return median(train) if train else math.nan, median(valid) if valid else math.nan

    def _add_errors(self, m: TrialMeasures) -> None:
        pairs = ((m.train_rank_ic, m.train_t_stat), (m.valid_rank_ic, m.valid_t_stat))
        train, valid = (abs(ic / t) if math.isfinite(t) and t else math.nan for ic, t in pairs)
        self._errors.append((train, valid))

    def add(self, trial: Trial) -> None:
        """Count a finished trial; an unanswered request is not a trial."""
        if trial.verdict == UNANSWERED:
            return
        if trial.canonical and trial.stage != "type_valid":  # it was evaluated, not refused as a duplicate
            text, numbers = shape(trial.canonical)
            self._shapes.setdefault(text, []).append((numbers, trial.factor_id))
        measures = trial.measures
        t, q = measures.train_t_stat, measures.train_q_value
        if trial.factor_type:
            tally = self.tallies.get(trial.factor_type, Tally())
            strong = abs(t) >= STRONG
            self.tallies[trial.factor_type] = Tally(tally.strong + strong, tally.weak + (not strong))
        self._train_tests.add(two_sided(t))
        if q < 1:
            self._discoveries.append((abs(t), q, one_sided(math.copysign(1, t) * measures.valid_t_stat)))
        self._add_errors(measures)
        if math.isfinite(measures.train_valid_sharpe):
            self._measured.add(shape(trial.canonical)[0])
        if math.isfinite(t):
            self._add_candidate(trial)

    def effective_trials(self, canonical: str) -> int:
        """
        Number of measured formulas, this one included, that differ in more than their numbers.

        Formulas of one shape are variants of one idea and count once; references do not count.
        """
        return len(self._measured | {shape(canonical)[0]})

    @property
    def train_tests(self) -> int:
        """Number of trials that were tested on train."""
        return len(self._train_tests)

    def discoveries(self, min_t_stat: float, max_q_value: float) -> int:
        """Number of trials that were discoveries on train by these thresholds."""
        return sum(strength >= min_t_stat and q <= max_q_value for strength, q, _ in self._discoveries)

    def train_q_value(self, t_stat: float) -> float:
        """False discovery rate on train among all trials and this one, under any dependence (Benjamini-Yekutieli)."""
        return self._train_tests.adjusted(two_sided(t_stat))

    def valid_q_value(self, measures: TrialMeasures, min_t_stat: float, max_q_value: float) -> float:
        """
        False discovery rate on validation of a discovery of train, one-sided (Benjamini-Hochberg).

        Args:
            measures: of the discovery.
            min_t_stat, max_q_value: what makes a trial a discovery on train.
        """
        discoveries = Tests()
        for strength, q, p in self._discoveries:
            if strength >= min_t_stat and q <= max_q_value:
                discoveries.add(p)
        p = one_sided(math.copysign(1, measures.train_t_stat) * measures.valid_t_stat)
        return discoveries.adjusted(p, "independent")

    def duplicate_of(self, identity: str) -> str:
        """factor_id of the same factor in an earlier trial; empty if there is none."""
        return self._identities.get(identity, "")

    def near_duplicates(self, canonical: str) -> list[str]:
        """factor_ids of evaluated trials with the same formula, every number within a tenth."""
        text, numbers = shape(canonical)
        return [name for others, name in self._shapes.get(text, ()) if _near(numbers, others)]

    def parent(self, seed: int) -> Parent | None:
        """One of the strongest factors on train with fewer than `STEPS` improvements behind it; None without one."""
        if not self._strongest:
            return None
        name = self._strongest[seed % len(self._strongest)]
        candidate = self._candidates[name]
        ancestors: list[str] = []
        ancestor = self._candidates.get(candidate.parent)
        while ancestor is not None and len(ancestors) < STEPS:
            ancestors.insert(0, f"{ancestor.canonical[:160]} -> {ancestor.summary}")
            ancestor = self._candidates.get(ancestor.parent)
        return Parent(name, candidate.canonical, candidate.summary, candidate.step, tuple(ancestors))

    def _add_candidate(self, trial: Trial) -> None:
        name, parent = trial.factor_id, trial.proposal.parent
        step = self._candidates[parent].step + 1 if parent in self._candidates else 1
        strength = abs(trial.measures.train_t_stat)
        candidate = _Candidate(trial.canonical, trial.measures.train_summary, strength, step, parent)
        if self._candidates.setdefault(name, candidate) is candidate and strength >= STRONG and step <= STEPS:
            ranked = sorted([*self._strongest, name], key=lambda n: (-self._candidates[n].strength, n))
            self._strongest = ranked[:CANDIDATES]


def read_trials(ledger: pd.DataFrame) -> Iterator[Trial]:
    """The trials of a ledger with all that a history counts; other parts are left at their defaults."""
    rows: Iterator[Any] = ledger.itertuples(index=False)  # cells of a table have no static type
    for row in rows:
        yield Trial(
            run_date=row.run_date,
            proposal=Proposal("", "", parent=row.parent),
            proposer=row.proposer,
            factor_type=row.factor_type,
            factor_id=row.factor_id,
            canonical=row.canonical,
            identity=row.identity,
            stage=row.stage,
            verdict=row.verdict,
            measures=TrialMeasures(
                train_rank_ic=row.train_rank_ic,
                train_t_stat=row.train_t_stat,
                train_q_value=row.train_q_value,
                train_sharpe=row.train_sharpe,
                valid_rank_ic=row.valid_rank_ic,
                valid_t_stat=row.valid_t_stat,
                train_valid_sharpe=row.train_valid_sharpe,
            ),
        )


def _near(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(abs(x - y) <= NEAR * max(abs(x), abs(y)) for x, y in zip(a, b, strict=True))
