"""
The knowledge base: a view of the ledger's rows before tonight.

What worked on train, what failed and why, what is taken. A writer never reads validation numbers: the judge decides on
them, and what a writer adapts to no longer judges.
"""

from dataclasses import dataclass

import pandas as pd

SHOWN = 3


@dataclass(frozen=True)
class Knowledge:
    """
    What tonight may know.

    Args:
        taken: identities of every factor ever parsed.
        notes: lines for a prompt, best first.
        measured_sharpe: validation Sharpe ratios of all measured trials, annual.
    """

    taken: frozenset[str]
    notes: tuple[str, ...]
    measured_sharpe: tuple[float, ...]


def knowledge(ledger: pd.DataFrame, theme: str = "") -> Knowledge:
    """
    Read the ledger.

    Args:
        ledger: rows of `tables.TRIALS` before tonight.
        theme: rows of this family are shown first.
    """
    parsed = ledger[ledger["identity"] != ""]
    measured = ledger[ledger["valid_t_stat"].notna()]
    near = measured["theme"] == theme
    ranked = measured.assign(near=near, strength=measured["train_t_stat"].abs()).sort_values(
        ["near", "strength", "identity"], ascending=[False, False, True]
    )
    best = [
        f"{str(row.canonical)[:120]} -> rank IC {row.train_rank_ic:+.3f}, net Sharpe {row.train_sharpe:+.2f}"
        for row in ranked.head(SHOWN).itertuples()
    ]
    failed = ledger.loc[(ledger["verdict"] == "refused") & (ledger["reason"] != ""), "reason"]
    causes = [f"often refused: {reason}" for reason in failed.value_counts().head(2).index]
    return Knowledge(frozenset(parsed["identity"]), (*best, *causes), tuple(ledger["valid_sharpe"].dropna()))
