"""Which family of ideas is asked for next."""

from collections import Counter

import pandas as pd

from alpha_pipeline.mining.families import available, choose
from alpha_pipeline.tables import TRIALS

PRICES = ["close", "high", "low", "open", "volume"]


def ledger(**strong: tuple[int, int]) -> pd.DataFrame:
    """Trials by family: how many were strong on train, of how many."""
    rows = [
        {"theme": theme, "verdict": "refused", "train_t_stat": 3.0 if i < good else 0.1}
        for theme, (good, count) in strong.items()
        for i in range(count)
    ]
    return pd.DataFrame(rows, columns=["theme", "verdict", "train_t_stat"])


def chosen(rows: pd.DataFrame, count: int = 300) -> Counter[str]:
    return Counter(choose(rows, PRICES, seed) for seed in range(count))


def test_families_need_their_fields() -> None:
    """Carry needs funding, sentiment a sentiment, on-chain any of its series."""
    assert available(PRICES) == ["momentum", "mean_reversion", "volatility", "volume", "breakout"]
    assert set(available([*PRICES, "funding", "tvl"])) - set(available(PRICES)) == {"carry", "on_chain"}


def test_without_a_past_all_are_tried() -> None:
    """No family is favoured before anything was measured."""
    counts = chosen(TRIALS.empty())
    assert set(counts) == set(available(PRICES)) and max(counts.values()) < 2 * min(counts.values())


def test_what_worked_is_asked_for_more_and_the_rest_never_forgotten() -> None:
    """A family with half its trials strong takes most of the night, not all of it."""
    counts = chosen(ledger(momentum=(1, 20), breakout=(10, 20), volume=(0, 20), volatility=(2, 20)))
    assert counts.most_common(1)[0][0] in {"breakout", "mean_reversion"}
    assert counts["breakout"] > 3 * counts["momentum"]
    assert counts["mean_reversion"] > 0  # never tried, so it may be anything


def test_the_same_night_chooses_the_same() -> None:
    """Seed and ledger decide; the order of rows does not."""
    rows = ledger(momentum=(3, 9), volume=(1, 9))
    assert [choose(rows, PRICES, s) for s in range(20)] == [choose(rows[::-1], PRICES[::-1], s) for s in range(20)]
