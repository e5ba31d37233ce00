"""Explanations of decisions: contributions, margin, decisions without a source."""

import json

import pandas as pd
import pytest

from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.explanation import DecisionExplanation, explain_decisions, margin
from alpha_pipeline.fusion.fused_signal import fit_and_calibrate, fuse
from alpha_pipeline.fusion.methods.method_table import method_named
from tests.fusion.past import taught

NOW = pd.Timestamp("2019-10-01", tz="UTC")
RULE, PAST = DecisionRule(), taught(0.9)


def table_of(signals: dict[str, dict[str, tuple[float, float]]]) -> pd.DataFrame:
    """Symbol to source to value and confidence."""
    rows = [
        (NOW, symbol, source, *pair, f"{source} speaks")
        for symbol, of in signals.items()
        for source, pair in of.items()
    ]
    return pd.DataFrame(rows, columns=["timestamp", "symbol", "source", "value", "confidence", "reason"])


def explain(signals: dict[str, dict[str, tuple[float, float]]]) -> list[DecisionExplanation]:
    """Fused and explained on a past with a hit rate of 90 %."""
    table = table_of(signals)
    fused = fuse({"crypto": table}, {"crypto": PAST}, rule=RULE)
    return explain_decisions(fused, table, fit_and_calibrate(PAST, method_named("weighted"), RULE), RULE)


def test_contributions_add_up_and_come_largest_first() -> None:
    """Contribution, weight and reason of each source."""
    one = explain({"BTCUSD": {"volume_breakout": (0.2, 0.5), "price_momentum": (0.9, 0.8)}})[0]
    assert one.sources["source"].tolist() == ["price_momentum", "volume_breakout"]
    assert one.sources["contribution"].sum() == pytest.approx(one.row["value"], abs=1e-5)
    assert one.sources["weight"].tolist() == [0.25, 0.2] and one.sources["reason"][0] == "price_momentum speaks"


def test_a_source_that_decides_is_named() -> None:
    """The decision without a source equals fusing without it, for every source and symbol."""
    signals = {
        "AAA": {"price_momentum": (0.9, 0.9)},
        "BBB": {"price_momentum": (0.9, 0.9), "volume_breakout": (0.8, 0.9)},
        "CCC": {"price_momentum": (0.9, 0.9), "volume_breakout": (-0.7, 0.9)},
    }
    explanations = explain(signals)
    assert [one.without for one in explanations[:2]] == [{"price_momentum": "HOLD"}, {}]
    for one in explanations:
        symbol = str(one.row["symbol"])
        for source in signals[symbol]:
            left = table_of({symbol: {name: pair for name, pair in signals[symbol].items() if name != source}})
            again = fuse({"crypto": left}, {"crypto": PAST}, rule=RULE)
            decision = again["decision"].iloc[0] if len(again) else "HOLD"
            assert one.without.get(source, one.row["decision"]) == decision


def test_only_the_given_rows_are_explained() -> None:
    """In their order, whatever other signals the run date has."""
    table = table_of({"AAA": {"price_momentum": (0.9, 0.9)}, "BBB": {"price_momentum": (-0.9, 0.9)}})
    fused = fuse({"crypto": table}, {"crypto": PAST}, rule=RULE)
    fusion = fit_and_calibrate(PAST, method_named("weighted"), RULE)
    chosen = fused[fused["symbol"] == "BBB"]
    (one,) = explain_decisions(chosen, table, fusion, RULE)
    assert one.row["symbol"] == "BBB" and json.loads(str(one.row["breakdown"])) == {"price_momentum": -0.9}
    assert explain_decisions(fused.iloc[:0], table, fusion, RULE) == []


@pytest.mark.parametrize(
    ("decision", "value", "confidence", "signals"),
    [
        ("LONG", 0.5, 0.6, "LONG by 0.20 of value and 10.0 points of confidence"),
        ("HOLD", -0.1, 0.6, "SHORT requires value above 0.30 (is 0.10)"),
        ("HOLD", 0.5, 0.4, "LONG requires confidence above 50% (is 40.0%)"),
        ("HOLD", 0.0, 0.5, "value above 0.30 (is 0.00) and confidence above 50% (is 50.0%)"),
        ("SHORT", -0.2, 0.9, "decided by other thresholds"),
        ("HOLD", float("nan"), 0.9, "value above 0.30 (is nan)"),
    ],
)
def test_the_margin_names_the_thresholds(decision: str, value: float, confidence: float, signals: str) -> None:
    """By the comparison of the rule."""
    assert signals in margin(decision, value, confidence, RULE)
