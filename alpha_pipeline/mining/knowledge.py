"""
The knowledge base: a view of the ledger's rows before the run date's round.

What worked on train and what failed, under which market, what is taken, what the critic said. A writer never reads
validation numbers: the judge decides on them, and what a writer adapts to no longer judges.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.mining.factor_types import STRONG
from alpha_pipeline.mining.formula_search import Similarity
from alpha_pipeline.mining.ledger import train_summary
from alpha_pipeline.tables import UNANSWERED

SHOWN, FAILURES, TAKEN = 3, 2, 3
# What decides which trials are recalled: the family asked for, the market it was tried in, the formula at hand.
FAMILY, REGIME, FORMULA = 1.0, 0.5, 1.0
REPETITION = 1.5  # what is like a note already chosen adds little
KINDS = ("syntax", "unknown", "type", "leak", "limit")
# Rows searched by the formula: the strongest.
SEARCHED = 2_000


class Knowledge:
    """
    What on the run date may know.

    Args:
        ledger: rows of `tables.TRIALS` so far.
        regime: of the market as train ends, of `backtest.regimes`.
        in_force: factor_ids a new factor must differ from.
    """

    def __init__(self, ledger: pd.DataFrame, regime: str = "", active_factors: Sequence[str] = ()) -> None:
        self.regime = regime
        tried = ledger[ledger["verdict"] != UNANSWERED]
        measured = tried[tried["train_t_stat"].notna()].drop_duplicates("identity")
        measured = measured.assign(strength=measured["train_t_stat"].abs())
        measured = measured.sort_values(["strength", "identity"], ascending=[False, True]).head(SEARCHED)
        self.measured = measured.reset_index(drop=True)
        self.refused = tried[tried["train_t_stat"].isna() & tried["reason"].str.startswith(KINDS)]
        self.taken = [
            str(text) for text in tried.loc[tried["factor_id"].isin(list(active_factors)), "canonical"].unique()
        ]
        self.critiques = ledger.loc[ledger["critique"] != "", "critique"]
        self.formulas = Similarity(self.measured["canonical"].tolist())

    def notes(self, factor_type: str, formula: str = "") -> tuple[str, ...]:
        """
        Lines for a prompt, the most useful first; empty on a clean sheet.

        Args:
            theme: family asked for.
            formula: the factor at hand, if there is one.
        """
        return (
            *self._best(factor_type, formula),
            *self._critic(),
            *self._failed(factor_type),
            *self._families(),
            *self._taken(),
        )

    def near(self, formula: str, count: int = 3) -> tuple[str, ...]:
        """Valid formulas most like a text, which need not be valid itself."""
        if self.measured.empty:
            return ()
        order = np.argsort(-self.formulas.to(formula), kind="stable")[:count]
        return tuple(str(self.measured["canonical"][position])[:200] for position in order)

    def _best(self, factor_type: str, formula: str) -> list[str]:
        """Strong trials: alike in family, market and formula; each unlike those already chosen."""
        rows = self.measured
        if rows.empty:
            return []
        alike = FAMILY * (rows["factor_type"] == factor_type).to_numpy(float)
        alike += REGIME * (rows["regime"] == self.regime).to_numpy(float)
        if formula:
            alike += FORMULA * self.formulas.to(formula)
        worth = alike + np.minimum(rows["strength"].to_numpy(float) / (2 * STRONG), 1.0)
        chosen: list[int] = []
        while len(chosen) < min(SHOWN, len(rows)):
            chosen.append(int(np.argmax(worth)))
            worth -= REPETITION * self.formulas.to(str(rows["canonical"][chosen[-1]]))
            worth[chosen[-1]] = -np.inf
        return [f"{str(rows['canonical'][i])[:120]} -> {train_summary(_row(rows, i))}" for i in chosen]

    def _failed(self, factor_type: str) -> list[str]:
        """Weak trials of the family, then what is most often refused before it can be measured."""
        weak = self.measured[(self.measured["strength"] < 1.0) & (self.measured["factor_type"] == factor_type)].tail(
            FAILURES
        )
        lines = [f"{str(text)[:120]} -> no signal on train" for text in weak["canonical"]]
        return lines + [f"often refused: {reason}" for reason in self.refused["reason"].value_counts().head(2).index]

    def _families(self) -> list[str]:
        """How many trials of each family were strong in the market at hand."""
        here = self.measured[(self.measured["regime"] == self.regime) & (self.measured["factor_type"] != "")]
        if not self.regime or here.empty:
            return []
        strong = (here["strength"] >= STRONG).groupby(here["factor_type"]).agg(["sum", "count"])
        counts = "; ".join(f"{factor_type} {row['sum']} of {row['count']}" for factor_type, row in strong.iterrows())
        return [f"market now: {self.regime}; strong factors in such a market: {counts}"]

    def _taken(self) -> list[str]:
        return [f"taken, write something else: {text[:120]}" for text in self.taken[-TAKEN:]]

    def _critic(self) -> list[str]:
        return [f"critic: {self.critiques.iloc[-1]}"] if len(self.critiques) else []


def _row(rows: pd.DataFrame, position: int) -> dict[str, object]:
    return {str(key): value for key, value in rows.iloc[position].items()}
