"""
The knowledge base: what prompts say about earlier trials.

Factors that worked on train, failures, the market regime, active factors and the last critique. A writer never reads
measures on validation, since it could adapt to them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.mining.factor_types import STRONG
from alpha_pipeline.mining.formula_search import FormulaIndex
from alpha_pipeline.mining.trial import TrialMeasures
from alpha_pipeline.tables import UNANSWERED

SHOWN, FAILURES, ACTIVE = 3, 2, 3  # lines per kind of note
# Weights of what makes an earlier trial relevant: its factor type, the regime it was measured in, its formula.
FACTOR_TYPE, REGIME, FORMULA = 1.0, 0.5, 1.0
REPETITION = 1.5  # penalty for similarity to a trial already chosen
KINDS = ("syntax", "unknown", "type", "leak", "limit")
SEARCHED = 2_000  # trials searched by formula, the strongest


class Knowledge:
    """
    Notes from a ledger.

    Args:
        ledger: rows of `tables.TRIALS` so far.
        regime: market regime at the end of train, of `backtesting.regimes`.
        active_factors: factor_ids a new factor must differ from.
    """

    def __init__(self, ledger: pd.DataFrame, regime: str = "", active_factors: Sequence[str] = ()) -> None:
        self.regime = regime
        trials = ledger[ledger["verdict"] != UNANSWERED]
        measured = trials[trials["train_t_stat"].notna()].drop_duplicates("identity")
        measured = measured.assign(strength=measured["train_t_stat"].abs())
        measured = measured.sort_values(["strength", "identity"], ascending=[False, True]).head(SEARCHED)
        self.measured = measured.reset_index(drop=True)
        self.refused = trials[trials["train_t_stat"].isna() & trials["reason"].str.startswith(KINDS)]
        active = trials["factor_id"].isin(list(active_factors))
        self.active = [str(text) for text in trials.loc[active, "canonical"].unique()]
        self.critiques = ledger.loc[ledger["critique"] != "", "critique"]
        self.formulas = FormulaIndex(self.measured["canonical"].tolist())

    def notes(self, factor_type: str, formula: str = "") -> tuple[str, ...]:
        """
        Lines for a prompt, the most useful first; empty without trials.

        Args:
            factor_type: of the task.
            formula: the factor to improve, if any.
        """
        return (
            *self._strongest(factor_type, formula),
            *self._critique(),
            *self._failures(factor_type),
            *self._factor_types(),
            *self._active(),
        )

    def similar_formulas(self, formula: str, count: int = 3) -> tuple[str, ...]:
        """Valid formulas most similar to a text, which itself need not be valid."""
        if self.measured.empty:
            return ()
        order = np.argsort(-self.formulas.similarity_to(formula), kind="stable")[:count]
        return tuple(str(self.measured["canonical"][position])[:200] for position in order)

    def _strongest(self, factor_type: str, formula: str) -> list[str]:
        """Strong trials of similar factor type, regime and formula, each different from those already chosen."""
        rows = self.measured
        if rows.empty:
            return []
        relevance = FACTOR_TYPE * (rows["factor_type"] == factor_type).to_numpy(float)
        relevance += REGIME * (rows["regime"] == self.regime).to_numpy(float)
        if formula:
            relevance += FORMULA * self.formulas.similarity_to(formula)
        relevance += np.minimum(rows["strength"].to_numpy(float) / (2 * STRONG), 1.0)
        chosen: list[int] = []
        while len(chosen) < min(SHOWN, len(rows)):
            chosen.append(int(np.argmax(relevance)))
            relevance -= REPETITION * self.formulas.similarity_to(str(rows["canonical"][chosen[-1]]))
            relevance[chosen[-1]] = -np.inf
        columns = ["canonical", "train_rank_ic", "train_t_stat", "train_sharpe"]
        return [
            f"{canonical[:120]} -> {TrialMeasures(ic, t, train_sharpe=sharpe).train_summary}"
            for canonical, ic, t, sharpe in rows.loc[chosen, columns].itertuples(index=False)
        ]

    def _failures(self, factor_type: str) -> list[str]:
        """Weak trials of the factor type, then the most frequent refusals before measurement."""
        weak = self.measured[(self.measured["strength"] < 1.0) & (self.measured["factor_type"] == factor_type)]
        lines = [f"{str(text)[:120]} -> no signal on train" for text in weak["canonical"].tail(FAILURES)]
        return lines + [f"often refused: {reason}" for reason in self.refused["reason"].value_counts().head(2).index]

    def _factor_types(self) -> list[str]:
        """Counts of strong trials by factor type in the present regime."""
        same = self.measured[(self.measured["regime"] == self.regime) & (self.measured["factor_type"] != "")]
        if not self.regime or same.empty:
            return []
        strong = (same["strength"] >= STRONG).groupby(same["factor_type"]).agg(["sum", "count"])
        counts = "; ".join(f"{factor_type} {row['sum']} of {row['count']}" for factor_type, row in strong.iterrows())
        return [f"market now: {self.regime}; strong factors in such a market: {counts}"]

    def _active(self) -> list[str]:
        return [f"taken, write something else: {text[:120]}" for text in self.active[-ACTIVE:]]

    def _critique(self) -> list[str]:
        return [f"critic: {self.critiques.iloc[-1]}"] if len(self.critiques) else []
