"""
Families of ideas, and which one is tried next.

A bandit: families that brought strong factors on train are asked for more often, the others never stop being tried.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.tables import UNANSWERED

# |t| of the rank IC on train from which a trial counts as a success of its family; validation is never read here.
STRONG = 2.0


@dataclass(frozen=True)
class Family:
    """
    One family.

    Args:
        idea: for the prompt.
        fields: one of them must be there; none asked for when empty.
    """

    idea: str
    fields: tuple[str, ...] = ()


FAMILIES = {
    "momentum": Family("what rose keeps rising"),
    "mean_reversion": Family("what moved too far comes back"),
    "volatility": Family("risk that is rewarded or avoided"),
    "volume": Family("trading activity that confirms or warns", ("volume",)),
    "breakout": Family("leaving a range for a new one"),
    "carry": Family("what pays, or is paid, to hold", ("funding",)),
    "sentiment": Family("what is said before it is traded", ("news_sentiment", "social_sentiment")),
    "on_chain": Family("coins that move before their price does", ("netflow", "tvl", "active_addresses", "mvrv")),
}


def available(fields: Collection[str]) -> list[str]:
    """The families a market with these fields can be asked for."""
    return [name for name, family in FAMILIES.items() if not family.fields or set(family.fields) & set(fields)]


def choose(ledger: pd.DataFrame, fields: Collection[str], seed: int) -> str:
    """
    The family to ask for next, by Thompson sampling.

    Args:
        ledger: rows of `tables.TRIALS` so far, tonight's included.
        fields: names the panel has.
        seed: the same seed and ledger give the same family.

    Returns:
        The family with the largest draw from Beta(1 + successes, 1 + failures); a trial that was refused before it was
        measured is a failure, a question without an answer is neither.

    Source: Thompson (1933), On the likelihood that one unknown probability exceeds another.
    """
    tried = ledger[ledger["verdict"] != UNANSWERED]
    strong = tried["train_t_stat"].abs() >= STRONG
    rng = np.random.default_rng(seed)
    draws = {}
    for name in available(fields):
        mine = strong[tried["theme"] == name]
        draws[name] = rng.beta(1 + int(mine.sum()), 1 + int((~mine).sum()))
    return max(draws, key=lambda name: draws[name])
