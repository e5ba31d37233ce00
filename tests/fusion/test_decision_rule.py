"""The decision rule: strong agreeing sources trade, weak or disagreeing ones do not."""

import json

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fused_signal import fuse
from alpha_pipeline.signals.sources import WEIGHTS
from alpha_pipeline.tables import FUSED_SIGNAL, SOURCE_SIGNALS
from tests.fusion.past import taught

NOON = pd.Timestamp("2019-07-02", tz="UTC")


def table_of(**signals: tuple[float, float]) -> pd.DataFrame:
    """Rows of source signals of one symbol, `source=(value, confidence)`."""
    rows = [
        {"timestamp": NOON, "symbol": "A", "source": source, "value": v, "confidence": c, "reason": f"{source} spoke"}
        for source, (v, c) in signals.items()
    ]
    return pd.DataFrame(rows) if rows else SOURCE_SIGNALS.empty()


def fused(**signals: tuple[float, float]) -> pd.Series:
    """One row; the past hit rate is high, so value and raw confidence decide."""
    return fuse({"crypto": table_of(**signals)}, {"crypto": taught()}).iloc[0]


@pytest.mark.parametrize("direction", [1, -1])
def test_full_agreement_is_a_trade(direction: int) -> None:
    """The seed's rule gave 0.183 here, so that LONG and SHORT could not be reached."""
    row = fused(**dict.fromkeys(WEIGHTS, (float(direction), 1.0)))
    assert (row["value"], row["raw_confidence"]) == (direction, 1.0)
    assert row["confidence"] > 0.8
    assert row["decision"] == {1: "LONG", -1: "SHORT"}[direction]


@pytest.mark.parametrize("strength", [0.4, 0.6, 0.8, 1.0])
def test_three_agreeing_sources_trade(strength: float) -> None:
    """Price, volume and library alone, agreeing at a confidence of 0.7, are a trade."""
    row = fused(price_momentum=(strength, 0.7), volume_breakout=(strength, 0.7), library_factors=(strength, 0.7))
    assert row["decision"] == "LONG"


@pytest.mark.parametrize(
    "signals",
    [
        {"price_momentum": (0.2, 1.0), "volume_breakout": (0.2, 1.0)},
        {"price_momentum": (0.9, 0.8), "library_factors": (-0.9, 0.8)},
        {"price_momentum": (0.0, 0.0)},
    ],
)
def test_weak_or_disagreeing_sources_hold(signals: dict[str, tuple[float, float]]) -> None:
    """A small value, opposite sources, a zero signal."""
    assert fused(**signals)["decision"] == "HOLD"


def test_the_formula_by_hand() -> None:
    """Two sources that partly disagree, every factor of the confidence written out."""
    row = fused(price_momentum=(0.8, 0.9), volume_breakout=(-0.4, 0.5))
    pull = np.array([0.25 * 0.9, 0.20 * 0.5])
    push = pull * [0.8, -0.4]
    agreement, coverage = push.sum() / np.abs(push).sum(), 0.45 / sum(WEIGHTS.values())
    confidence = pull.sum() / 0.45 * (1 - 0.5 * (1 - agreement)) * (1 - 0.2 * (1 - coverage))
    assert row["value"] == pytest.approx(push.sum() / pull.sum())
    assert row["raw_confidence"] == pytest.approx(confidence)
    assert row["coverage"] == pytest.approx(coverage)


def test_an_absent_source_does_not_dilute() -> None:
    """The value does not depend on absent sources; only coverage and its share of the confidence do."""
    few = fused(price_momentum=(0.6, 0.8), volume_breakout=(0.6, 0.8))
    more = fused(price_momentum=(0.6, 0.8), volume_breakout=(0.6, 0.8), sentiment_news=(0.6, 0.8))
    assert few["value"] == pytest.approx(more["value"])
    assert few["raw_confidence"] < more["raw_confidence"] < few["raw_confidence"] * 1.05


def test_disagreement_reduces_confidence() -> None:
    """The more two sources disagree, the lower the raw confidence."""
    results = [
        fused(price_momentum=(1.0, 1.0), library_factors=(v, 1.0))["raw_confidence"] for v in (1.0, 0.0, -0.5, -1.0)
    ]
    assert results == sorted(results, reverse=True)
    assert results[-1] == pytest.approx(results[0] / 2)


def test_outputs_are_bounded() -> None:
    """Values stay within [-1, 1] and confidences within [0, 1]."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        names = rng.permutation(list(WEIGHTS))[: rng.integers(1, len(WEIGHTS) + 1)]
        row = fused(**{name: (rng.uniform(-1, 1), rng.uniform(0, 1)) for name in names})
        assert -1 <= row["value"] <= 1
        assert 0 <= row["confidence"] <= 1


@pytest.mark.parametrize(
    ("value", "confidence", "decision"),
    [
        (0.31, 0.51, "LONG"),
        (-0.31, 0.51, "SHORT"),
        (0.3, 0.9, "HOLD"),
        (0.9, 0.5, "HOLD"),
        (float("nan"), 0.9, "HOLD"),
        (0.9, float("nan"), "HOLD"),
    ],
)
def test_both_thresholds_must_be_exceeded(value: float, confidence: float, decision: str) -> None:
    """Thresholds 0.3 and 0.5 are exclusive; NaN is HOLD."""
    assert decide(np.array([value]), np.array([confidence]), DecisionRule()).tolist() == [decision]


def test_the_reasons_name_the_strongest_sources_first() -> None:
    """Three at most, with their share of the value; the breakdown has all and adds up to it."""
    row = fused(price_momentum=(0.9, 1.0), volume_breakout=(0.1, 0.2), library_factors=(0.5, 1.0), funding=(-0.1, 0.1))
    assert row["reasons"].startswith("price_momentum +")
    assert row["reasons"].count("spoke") == 3
    breakdown = json.loads(row["breakdown"])
    assert len(breakdown) == 4
    assert sum(breakdown.values()) == pytest.approx(row["value"], abs=1e-5)


def test_a_zero_contribution_is_no_reason() -> None:
    """A source whose share rounds to nothing is left out, unless there is no other; zero has no sign."""
    row = fused(price_momentum=(0.9, 1.0), volume_breakout=(-0.01, 0.0001))
    assert row["reasons"] == "price_momentum +0.90 (price_momentum spoke)"
    assert set(json.loads(row["breakdown"])) == {"price_momentum", "volume_breakout"}
    untaught = fuse({"crypto": table_of(price_momentum=(-0.9, 1.0))}, method="ridge").iloc[0]
    assert untaught["reasons"] == "price_momentum +0.00 (price_momentum spoke)"


def test_markets_and_symbols_are_kept_apart() -> None:
    """One row per market, bar and symbol, in the columns of the table; a market without signals has none."""
    both = pd.concat([table_of(price_momentum=(0.5, 0.9)), table_of(price_momentum=(-0.5, 0.9)).assign(symbol="B")])
    table = FUSED_SIGNAL.conform(fuse({"crypto": both, "equities": both, "forex": table_of()})).to_pandas()
    assert table.groupby("market")["symbol"].apply(list).to_dict() == {"crypto": ["A", "B"], "equities": ["A", "B"]}
    assert len(fuse({"crypto": table_of()})) == 0


def test_a_source_without_a_weight_is_refused() -> None:
    """A source outside the weight table is an error."""
    with pytest.raises(DataError, match="tea_leaves"):
        fuse({"crypto": table_of(tea_leaves=(1.0, 1.0))})
