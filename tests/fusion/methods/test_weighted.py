"""Fusion by hand: the formulas on tables of a few lines."""

import json

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.fusion.decision import DecisionRule, decide
from alpha_pipeline.fusion.fused_signal import fuse
from alpha_pipeline.signals.sources import WEIGHTS
from alpha_pipeline.tables import FUSED_SIGNAL, SOURCE_SIGNALS
from tests.fusion.past import taught

NOW = pd.Timestamp("2019-10-01", tz="UTC")
TOTAL = sum(WEIGHTS.values())
MOMENTUM_ALONE = 1 - 0.2 * (1 - 0.25 / TOTAL)
SignalMatrix = dict[str, tuple[float, float]]
EVERYBODY = dict.fromkeys(WEIGHTS, (1.0, 1.0))
# Weights by the table: momentum 0.25, volume 0.20, news 0.20.
CASES: list[tuple[SignalMatrix, float, float, str]] = [
    # one source: value is its own, confidence loses a fifth of the coverage that is absent
    ({"price_momentum": (0.8, 0.9)}, 0.8, 0.9 * MOMENTUM_ALONE, "LONG"),
    ({"price_momentum": (-0.8, 0.9)}, -0.8, 0.9 * MOMENTUM_ALONE, "SHORT"),
    # two that agree: (0.25 * 0.8 * 1 + 0.2 * 0.5 * 0.6) / (0.2 + 0.1) and (0.2 + 0.1) / 0.45
    (
        {"price_momentum": (1.0, 0.8), "volume_breakout": (0.6, 0.5)},
        (0.2 + 0.06) / 0.3,
        0.3 / 0.45 * (1 - 0.2 * (1 - 0.45 / TOTAL)),
        "LONG",
    ),
    # two of equal pull that contradict each other: nothing is left of the value, half of the confidence
    (
        {"volume_breakout": (1.0, 1.0), "sentiment_news": (-1.0, 1.0)},
        0.0,
        0.5 * (1 - 0.2 * (1 - 0.4 / TOTAL)),
        "HOLD",
    ),
    # strength without confidence, and confidence without strength
    ({"price_momentum": (1.0, 0.4)}, 1.0, 0.4 * MOMENTUM_ALONE, "HOLD"),
    ({"price_momentum": (0.2, 1.0)}, 0.2, MOMENTUM_ALONE, "HOLD"),
    # sure of nothing in particular, and nobody sure of anything
    ({"price_momentum": (0.0, 1.0)}, 0.0, 0.5 * MOMENTUM_ALONE, "HOLD"),
    ({"price_momentum": (1.0, 0.0), "funding": (1.0, 0.0)}, 0.0, 0.0, "HOLD"),
    (EVERYBODY, 1.0, 1.0, "LONG"),
]


def table_of(signals: SignalMatrix, symbol: str = "A") -> pd.DataFrame:
    """Rows of one symbol at one bar."""
    rows = [(NOW, symbol, name, value, confidence, f"why {name}") for name, (value, confidence) in signals.items()]
    return pd.DataFrame(rows, columns=[c.name for c in SOURCE_SIGNALS.columns])


@pytest.mark.parametrize(("signals", "value", "confidence", "decision"), CASES)
def test_value_confidence_and_decision(signals: SignalMatrix, value: float, confidence: float, decision: str) -> None:
    """Averages over who spoke, less confidence for disagreement, less for absence."""
    row = fuse({"crypto": table_of(signals)}).iloc[0]
    assert row["value"] == pytest.approx(value, abs=1e-12)
    assert row["raw_confidence"] == pytest.approx(confidence, abs=1e-12)
    assert decide(row["value"], row["raw_confidence"], DecisionRule()) == decision
    assert row["active_sources"] == len(signals)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize(("sign", "decision"), [(1, "LONG"), (-1, "SHORT")])
def test_no_source_is_in_a_dead_zone(name: str, sign: int, decision: str) -> None:
    """Each source alone, strong and sure, leads to a trade once such calls have proved right."""
    signals = {"crypto": table_of({name: (sign * 1.0, 1.0)})}
    assert fuse(signals, {"crypto": taught(hits=0.6)})["decision"].tolist() == [decision]
    assert fuse(signals, {"crypto": taught(hits=0.4)})["decision"].tolist() == ["HOLD"]
    assert fuse(signals)["decision"].tolist() == ["HOLD"]


def test_contributions_add_up_to_the_value() -> None:
    """Random tables: the shares of the breakdown sum to the value, and everything is finite."""
    rng = np.random.default_rng(0)
    tables = []
    for i in range(60):
        names = rng.permutation(list(WEIGHTS))[: rng.integers(1, 8)]
        tables.append(table_of({n: (rng.uniform(-1, 1), rng.choice([0, rng.random()])) for n in names}, f"S{i:02d}"))
    fused = fuse({"crypto": pd.concat(tables)})
    shares = fused["breakdown"].map(lambda text: sum(json.loads(text).values()))
    np.testing.assert_allclose(shares, fused["value"], atol=1e-5)
    assert np.isfinite(fused[["value", "confidence", "coverage"]]).all(axis=None)


def test_the_order_of_rows_does_not_matter() -> None:
    """Turned tables, same decision and same reasons."""
    table = table_of({"price_momentum": (0.9, 0.8), "funding": (-0.2, 0.5), "sentiment_news": (0.3, 0.4)})
    a, b = fuse({"crypto": table}), fuse({"crypto": table.iloc[::-1]})
    pd.testing.assert_frame_equal(a, b, rtol=1e-12)


def test_silence_is_an_empty_table() -> None:
    """No signal is no decision."""
    result = fuse({"crypto": SOURCE_SIGNALS.empty(), "equities": SOURCE_SIGNALS.empty()})
    assert len(result) == 0
    assert list(result.columns) == [c.name for c in FUSED_SIGNAL.columns]


@pytest.mark.parametrize(("value", "confidence"), [(np.nan, 0.9), (0.9, np.nan), (np.nan, np.nan)])
def test_nan_is_no_trade(value: float, confidence: float) -> None:
    """What is not a number is not beyond a threshold."""
    assert decide(value, confidence, DecisionRule()) == "HOLD"
