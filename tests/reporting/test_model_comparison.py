"""The comparison of the fusion methods, and why a quiet market is quiet, in words."""

import pandas as pd
import pytest

from alpha_pipeline.reporting.model_comparison import comparison_rows, comparison_text, why_held
from alpha_pipeline.tables import FUSED_SIGNAL, FUSION_COMPARISON


def compared() -> pd.DataFrame:
    """Two methods, one of them without a source too, and one that could not be compared."""
    rows = [
        ("ridge", "", False, "", 0.488, 0.04, 0.14),
        ("weighted", "", True, "", 0.505, 0.78, 1.36),
        ("weighted", "volume_breakout", False, "", 0.507, 0.95, 1.59),
        ("cross_attention", "", False, "no torch", float("nan"), float("nan"), float("nan")),
    ]
    names = [
        "method",
        "excluded_source",
        "active",
        "exclusion_reason",
        "hit_rate",
        "value_annual_return",
        "value_sharpe",
    ]
    return FUSION_COMPARISON.complete(pd.DataFrame(rows, columns=names).assign(market="crypto"))


def test_the_method_in_force_stands_first_and_what_was_not_compared_nowhere() -> None:
    """Then the others, best first, then who was silenced; what is not known is a dash."""
    found = [row[1] for row in comparison_rows(compared())]
    assert found == ["weighted (active)", "ridge", "weighted without volume breakout"]
    text = comparison_text(compared())
    assert "cross_attention" not in text and max(map(len, text.splitlines())) <= 100
    assert (
        "weighted (active)" in text.splitlines()[1] and "+78.0%" in text and "50.5%" in text and "\N{EN DASH}" in text
    )
    assert comparison_text(compared().iloc[:0]) == ""


@pytest.mark.parametrize(
    ("calibration_bars", "confidence", "decision", "said"),
    [
        (0, 0.5, "HOLD", "no outcomes are known yet"),
        (284, 0.5, "HOLD", "no significant hit rate over the last 284 observations"),
        (284, float("nan"), "HOLD", "no significant hit rate"),
        (284, 0.56, "HOLD", "the highest confidence is A +0.20 at 56.0%"),
        (284, 0.56, "LONG", ""),
    ],
)
def test_a_market_that_acts_on_nothing_says_why(
    calibration_bars: int, confidence: float, decision: str, said: str
) -> None:
    """One sentence, none where it acts."""
    row = {
        "symbol": "A",
        "value": 0.2,
        "confidence": confidence,
        "decision": decision,
        "calibration_bars": calibration_bars,
    }
    found = why_held(FUSED_SIGNAL.complete(pd.DataFrame([row])))
    assert said in found and bool(said) == bool(found)


def test_hostile_names_stay_on_one_line() -> None:
    """Whatever a market or a symbol is called."""
    row = {"symbol": "A\n\x1b[31m<b>", "value": 0.2, "confidence": 0.6, "decision": "HOLD", "calibration_bars": 9}
    assert why_held(FUSED_SIGNAL.complete(pd.DataFrame([row]))).isprintable()
