"""Which family of ideas is asked for next."""

from collections import Counter

from alpha_pipeline.mining.factor_types import Tally, available, choose

PRICES = ["close", "high", "low", "open", "volume"]


def tallies(**strong: tuple[int, int]) -> dict[str, Tally]:
    """By family: how many trials were strong on train, of how many."""
    return {factor_type: Tally(good, count - good) for factor_type, (good, count) in strong.items()}


def chosen(found: dict[str, Tally], count: int = 300) -> Counter[str]:
    return Counter(choose(found, available(PRICES), seed) for seed in range(count))


def test_families_need_their_fields() -> None:
    """Carry needs funding, sentiment a sentiment, on-chain any of its series."""
    assert available(PRICES) == ["momentum", "mean_reversion", "volatility", "volume", "breakout"]
    assert set(available([*PRICES, "funding", "tvl"])) - set(available(PRICES)) == {"carry", "on_chain"}


def test_without_a_past_all_are_tried() -> None:
    """No family is favoured before anything was measured."""
    counts = chosen({})
    assert set(counts) == set(available(PRICES)) and max(counts.values()) < 2 * min(counts.values())


def test_what_worked_is_asked_for_more_and_the_rest_never_forgotten() -> None:
    """A family with half its trials strong takes most of the run date, not all of it."""
    counts = chosen(tallies(momentum=(1, 20), breakout=(10, 20), volume=(0, 20), volatility=(2, 20)))
    assert counts.most_common(1)[0][0] in {"breakout", "mean_reversion"}
    assert counts["breakout"] > 3 * counts["momentum"]
    assert counts["mean_reversion"] > 0  # never tried, so it may be anything


def test_the_same_night_chooses_the_same() -> None:
    """Seed and tallies decide; the order of factor types does not."""
    found, factor_types = tallies(momentum=(3, 9), volume=(1, 9)), available(PRICES)
    assert [choose(found, factor_types, s) for s in range(20)] == [
        choose(found, factor_types[::-1], s) for s in range(20)
    ]
