"""
Factor types, and the choice of the next one by a bandit.

Factor types with more strong factors on train are chosen more often; every type keeps being explored.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

# |t| of the rank IC on train from which a trial is strong; validation is never read here.
STRONG = 2.0

# Fields beyond prices, by source.
SOURCES = {
    "funding": ("funding", "open_interest"),
    "news": ("news_sentiment", "news_count"),
    "social": ("social_sentiment", "posts"),
    "on-chain": ("netflow", "whale_balance", "tvl", "stablecoin_supply", "active_addresses", "mvrv"),
}


@dataclass(frozen=True)
class FactorType:
    """
    One type of factor.

    Args:
        idea: for the prompt.
        fields: the market must have at least one of them; no condition if empty.
    """

    idea: str
    fields: tuple[str, ...] = ()

    @property
    def beyond_prices(self) -> bool:
        """Whether it uses other sources than prices and volume."""
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
    """Counts of trials of a factor type: strong on train, and all others, refused ones included."""

    strong: int = 0
    weak: int = 0


def available(fields: Collection[str]) -> list[str]:
    """Factor types that a market with these fields allows."""
    return [
        name
        for name, factor_type in FACTOR_TYPES.items()
        if not factor_type.fields or set(factor_type.fields) & set(fields)
    ]


def choose(tallies: Mapping[str, Tally], factor_types: Collection[str], seed: int) -> str:
    """
    The next factor type, by Thompson sampling.

    Args:
        tallies: by factor type; one without a tally was never tried.
        factor_types: to choose from.
        seed: of the draws.

    Returns:
        The factor type with the largest draw from Beta(1 + strong, 1 + weak).

    Source: Thompson (1933), On the likelihood that one unknown probability exceeds another.
    """
    rng = np.random.default_rng(seed)
    counts = {name: tallies.get(name, Tally()) for name in FACTOR_TYPES if name in factor_types}
    draws = {name: rng.beta(1 + tally.strong, 1 + tally.weak) for name, tally in counts.items()}
    return max(draws, key=lambda name: draws[name])
