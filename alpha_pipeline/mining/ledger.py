"""
Everything tried so far, kept by what the loop asks: is this new, what may be improved, how much luck was there.

Built from the ledger once a run date; grows by one trial at a time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.mining.factor_types import STRONG, Tally
from alpha_pipeline.mining.formula_search import shape
from alpha_pipeline.mining.judge import Admission, discovered
from alpha_pipeline.mining.task import STEPS, Parent
from alpha_pipeline.statistics.multiple_testing import Tests, one_sided, two_sided
from alpha_pipeline.tables import UNANSWERED

# The same formula with every number this near to the other's is the same idea.
VARIANT = 0.1
CANDIDATES = 5  # parents an improvement chooses from
READ = [
    "identity", "factor_id", "canonical", "parent", "factor_type", "stage", "verdict",
    "train_rank_ic", "train_t_stat", "train_q_value", "train_sharpe", "valid_t_stat", "valid_sharpe", "train_valid_sharpe",
]  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """A measured factor as one may go on from it."""

    canonical: str
    measured: str
    strength: float
    step: int
    parent: str


class TrialHistory:
    """
    The trials of all earlier run dates and of on the run date so far.

    Args:
        ledger: rows of `tables.TRIALS`.
    """

    def __init__(self, ledger: pd.DataFrame) -> None:
        self.tallies: dict[str, Tally] = {}
        self.sharpes, self._mean, self._squares = 0, 0.0, 0.0
        self._trains = Tests()
        self._discoveries: list[tuple[float, float, float]] = []
        self._identities: dict[str, str] = {}
        self._shapes: dict[str, list[tuple[tuple[float, ...], str]]] = {}
        self._lines: dict[str, _Line] = {}
        self._best: list[str] = []
        for row in ledger[READ].to_dict("records"):
            if row["identity"]:
                self.know(str(row["identity"]), str(row["factor_id"]))
            self.count({str(key): value for key, value in row.items()})

    def know(self, identity: str, factor_id: str) -> None:
        """A factor that parsed; the first of a kind gives the name."""
        self._identities.setdefault(identity, factor_id)

    def count(self, row: Mapping[str, object]) -> None:
        """A finished trial, a row of `tables.TRIALS`; an unanswered question is none."""
        if row["verdict"] == UNANSWERED:
            return
        if row["canonical"] and row["stage"] != "type_valid":  # it was computed, not refused as a repetition
            text, numbers = shape(str(row["canonical"]))
            self._shapes.setdefault(text, []).append((numbers, str(row["factor_id"])))
        t = float(row["train_t_stat"])  # type: ignore[arg-type]  # a cell of the ledger
        if factor_type := str(row["factor_type"]):
            tally = self.tallies.get(factor_type, Tally())
            strong = abs(t) >= STRONG
            self.tallies[factor_type] = Tally(tally.strong + strong, tally.weak + (not strong))
        self._trains.add(two_sided(t))
        q, valid_t = float(row["train_q_value"]), float(row["valid_t_stat"])  # type: ignore[arg-type]
        if q < 1:
            self._discoveries.append((abs(t), q, one_sided(math.copysign(1, t) * valid_t)))
        sharpe = float(row["train_valid_sharpe"])  # type: ignore[arg-type]
        if math.isfinite(sharpe):
            self.sharpes += 1
            off = sharpe - self._mean
            self._mean += off / self.sharpes
            self._squares += off * (sharpe - self._mean)
        if math.isfinite(t):
            above = self._lines.get(str(row["parent"]))
            step = above.step + 1 if above else 1
            line = _Line(str(row["canonical"]), train_summary(row), abs(t), step, str(row["parent"]))
            name = str(row["factor_id"])
            if self._lines.setdefault(name, line) is line and line.strength >= STRONG and line.step <= STEPS:
                best = sorted([*self._best, name], key=lambda one: (-self._lines[one].strength, one))
                self._best = best[:CANDIDATES]

    def sharpe_variance(self, another: float) -> float:
        """Variance of all measured annual Sharpe ratios and one more; 0 for the first."""
        n = self.sharpes + 1
        return (self._squares + (another - self._mean) ** 2 * self.sharpes / n) / (n - 1) if n > 1 else 0.0

    def q_values(self, measures: Mapping[str, float], rule: Admission) -> dict[str, float]:
        """
        False discovery rates at which a trial would be a discovery.

        Returns:
            `train_q_value`, among everything tried before and itself, however they depend on each other; and
            `valid_q_value`, among the discoveries of train, NaN for what is none.
        """
        t = measures["train_t_stat"]
        found = {"train_q_value": self._trains.adjusted(two_sided(t)), "valid_q_value": math.nan}
        if discovered({**measures, **found}, rule):
            rivals = Tests()
            for strength, q, p in self._discoveries:
                if strength >= rule.t_stat and q <= rule.train_q_value:
                    rivals.add(p)
            p = one_sided(math.copysign(1, t) * measures["valid_t_stat"])
            found["valid_q_value"] = rivals.adjusted(p, "independent")
        return found

    def twin(self, identity: str) -> str:
        """factor_id of the same factor tried before; empty when it is new."""
        return self._identities.get(identity, "")

    def variants(self, canonical: str) -> list[str]:
        """factor_ids of the same formula, computed before, with every number within a tenth of this one's."""
        text, numbers = shape(canonical)
        return [name for others, name in self._shapes.get(text, ()) if _close(numbers, others)]

    def parent(self, seed: int) -> Parent | None:
        """One of the strongest factors on train whose line is not at its end; None without a strong one."""
        if not self._best:
            return None
        name = self._best[seed % len(self._best)]
        line = self._lines[name]
        ancestors: list[str] = []
        above = self._lines.get(line.parent)
        while above is not None and len(ancestors) < STEPS:
            ancestors.insert(0, f"{above.canonical[:160]} -> {above.measured}")
            above = self._lines.get(above.parent)
        return Parent(name, line.canonical, line.measured, line.step, tuple(ancestors))


def train_summary(row: Mapping[str, object]) -> str:
    """The measures a writer may read, in words."""
    ic, t, sharpe = (float(row[key]) for key in ("train_rank_ic", "train_t_stat", "train_sharpe"))  # type: ignore[arg-type]
    return f"rank IC {ic:+.3f} (t {t:+.1f}), net Sharpe {sharpe:+.2f} on train"


def _close(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(abs(x - y) <= VARIANT * max(abs(x), abs(y)) for x, y in zip(a, b, strict=True))
