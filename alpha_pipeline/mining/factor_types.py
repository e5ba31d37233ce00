"""
Families of ideas, and which one is tried next.

A bandit: factor types that brought strong factors on train are asked for more often, the others never stop being tried.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

# |t| of the rank IC on train from which a trial counts as a success of its family; validation is never read here.
STRONG = 2.0

# What lies beyond prices, by where it comes from.
SOURCES = {
    "funding": ("funding", "open_interest"),
    "news": ("news_sentiment", "news_count"),
    "social": ("social_sentiment", "posts"),
    "on-chain": ("netflow", "whale_balance", "tvl", "stablecoin_supply", "active_addresses", "mvrv"),
}


@dataclass(frozen=True)
class FactorType:
    """
    One family.

    Args:
        idea: for the prompt.
        fields: one of them must be there; none asked for when empty.
    """

    idea: str
    fields: tuple[str, ...] = ()

    @property
    def beyond_prices(self) -> bool:
        """Whether it lives on what other sources bring."""
        return bool(self.fields) and self.fields != ("volume",)


FACTOR_TYPES = {
    "momentum": FactorType("what rose keeps rising"),
    "mean_reversion": FactorType("what moved too far comes back"),
    "volatility": FactorType("risk that is rewarded or avoided"),
    "volume": FactorType("trading activity that confirms or warns", ("volume",)),
    "breakout": FactorType("leaving a range for a new one"),
    "carry": FactorType("what pays, or is paid, to hold", SOURCES["funding"]),
    "sentiment": FactorType("what is said before it is traded", SOURCES["news"] + SOURCES["social"]),
    "on_chain": FactorType("coins that move before their price does", SOURCES["on-chain"]),
}


@dataclass(frozen=True)
class Tally:
    """Trials of a family so far: strong on train, and the others; refused before it was measured is one of those."""

    strong: int = 0
    weak: int = 0


def available(fields: Collection[str]) -> list[str]:
    """The factor types a market with these fields can be asked for."""
    return [
        name
        for name, factor_type in FACTOR_TYPES.items()
        if not factor_type.fields or set(factor_type.fields) & set(fields)
    ]


def choose(tallies: Mapping[str, Tally], factor_types: Collection[str], seed: int) -> str:
    """
    The family to ask for next, by Thompson sampling.

    Args:
        tallies: of the factor types so far; a family without one was never tried.
        factor types: those to choose from.
        seed: the same seed and tallies give the same family.

    Returns:
        The family with the largest draw from Beta(1 + strong, 1 + weak).

    Source: Thompson (1933), On the likelihood that one unknown probability exceeds another.
    """
    rng = np.random.default_rng(seed)
    tried = {name: tallies.get(name, Tally()) for name in FACTOR_TYPES if name in factor_types}
    draws = {name: rng.beta(1 + tally.strong, 1 + tally.weak) for name, tally in tried.items()}
    return max(draws, key=lambda name: draws[name])
