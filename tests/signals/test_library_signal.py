"""The combined signal of the library factors, on small cross-sections."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.signals.generation import source_signals
from alpha_pipeline.tables import LIBRARY, METRICS

RUN_DATE = pd.Timestamp("2019-07-01", tz="UTC")
CLOSE = RUN_DATE + pd.Timedelta(20, "h")
SYMBOLS = ("A", "B", "C", "D")
# Midranks of four symbols, scaled to (-1, 1).
RANKS = [-0.75, -0.25, 0.25, 0.75]


def library(**weights: float) -> pd.DataFrame:
    """Accepted factors of those weights."""
    rows = [{"factor_id": name, "weight": weight, "status": "accepted"} for name, weight in weights.items()]
    table = pd.DataFrame(rows, columns=["factor_id", "weight", "status"]).assign(run_date=RUN_DATE, since=RUN_DATE)
    return table.reindex(columns=[c.name for c in LIBRARY.columns])


def metrics(**beliefs: float) -> pd.DataFrame:
    """Probabilistic Sharpe ratios."""
    rows = [{"run_date": RUN_DATE, "factor_id": name, "probabilistic_sharpe": value} for name, value in beliefs.items()]
    return pd.DataFrame(rows, columns=["run_date", "factor_id", "probabilistic_sharpe"]) if rows else METRICS.empty()


def values(**factors: list[float]) -> pd.DataFrame:
    """Factor values at the one close."""
    return pd.DataFrame({"timestamp": CLOSE, "symbol": list(SYMBOLS), **factors})


def library_rows(table: pd.DataFrame, held: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """The library's rows at that close."""
    stamps = np.array([CLOSE.tz_localize(None)], dtype="datetime64[us]")
    panel = Panel(stamps, SYMBOLS, {"close": np.ones((1, 4))})
    signals = source_signals(panel, table, held, measured, EQUITIES, RUN_DATE, RUN_DATE + pd.Timedelta(1, "D"))
    return signals[signals["source"] == "library_factors"].set_index("symbol")


def test_one_factor_is_its_ranks() -> None:
    """Value is the signed rank; one factor agrees with itself, confidence 1 - exp(-1/2)."""
    signals = library_rows(values(a=[1, 2, 30, 400]), library(a=0.02), metrics(a=0.9))
    np.testing.assert_allclose(signals["value"], RANKS)
    np.testing.assert_allclose(signals["confidence"], 1 - np.exp(-0.5))
    assert signals.loc["D", "reason"] == "1 library factor, led by a rank +0.75 weight +0.018"


def test_the_reason_names_the_leading_factors() -> None:
    """Three at most, those that move the symbol most first, with formula, rank and weight; names are made plain."""
    held = library(a=0.01, b=-0.04, c=0.02, d=0.03).assign(expression=["ts_return(close, 120)", "x", None, "y" * 90])
    held["name"] = ["mom\u202e_5d\n", "", None, "n" * 90]
    table = values(a=[1, 2, 3, 4], b=[1, 2, 3, 4], c=[1, 2, 4, 3], d=[4, 3, 2, np.nan])
    signals = library_rows(table, held, metrics(a=1.0, b=1.0, c=1.0, d=1.0))["reason"]
    assert signals["D"] == (
        "3 library factors, led by b [x] rank +0.75 weight -0.040, mom_5d [ts_return(close, 120)] rank +0.75 "
        "weight +0.010, c rank +0.25 weight +0.020"
    )
    assert signals["A"].startswith("4 library factors, led by b [x] rank -0.75 weight -0.040, nnn")
    assert signals["A"].count("rank") == 3 and len(signals["A"]) < 230


def test_a_negative_weight_turns_a_factor_round() -> None:
    """High values of a factor with negative rank IC are sold."""
    signals = library_rows(values(a=[1, 2, 30, 400]), library(a=-0.02), metrics(a=0.9))
    np.testing.assert_allclose(signals["value"], RANKS[::-1])


def test_probabilistic_sharpe_scales_weight() -> None:
    """Two factors of equal weight and probabilities 0.9 and 0.3: 3/4 of one rank and 1/4 of the other."""
    table = values(a=[1, 2, 3, 4], b=[4, 3, 2, 1])
    signals = library_rows(table, library(a=0.02, b=0.02), metrics(a=0.9, b=0.3))
    np.testing.assert_allclose(signals["value"], 0.5 * np.array(RANKS))
    np.testing.assert_allclose(signals["confidence"], 0.5 * (1 - np.exp(-1.0)))


@pytest.mark.parametrize("belief", [{}, {"a": np.nan}])
def test_an_unknown_probability_is_one_half(belief: dict[str, float]) -> None:
    """A missing or undefined probabilistic Sharpe ratio counts as 0.5."""
    table = values(a=[1, 2, 3, 4], b=[4, 3, 2, 1])
    signals = library_rows(table, library(a=0.02, b=0.02), metrics(b=0.5, **belief))
    np.testing.assert_allclose(signals["value"], 0.0, atol=1e-12)
    np.testing.assert_allclose(signals["confidence"], 0.0, atol=1e-12)


@pytest.mark.parametrize(("weight", "status"), [(0.0, "reference"), (0.02, "retired"), (0.02, "reference")])
def test_untraded_factors_are_inactive(weight: float, status: str) -> None:
    """References and retired factors are excluded."""
    assert len(library_rows(values(a=[1, 2, 3, 4]), library(a=weight).assign(status=status), metrics())) == 0


def test_a_missing_value_leaves_the_others_their_ranks() -> None:
    """The symbol without a value has no row; the rest is ranked among itself."""
    signals = library_rows(values(a=[1, np.nan, 3, 4]), library(a=0.02), metrics(a=1.0))
    assert signals.index.tolist() == ["A", "C", "D"]
    np.testing.assert_allclose(signals["value"], [-2 / 3, 0, 2 / 3], atol=1e-12)


def test_too_few_symbols_are_not_ranked() -> None:
    """Two symbols are too few for a cross-section."""
    assert len(library_rows(values(a=[1, np.nan, np.nan, 4]), library(a=0.02), metrics(a=1.0))) == 0


def test_a_symbol_without_one_factor_is_judged_by_the_other() -> None:
    """The weights of present factors are spread over what is there."""
    signals = library_rows(values(a=[1, 2, 3, np.nan], b=[1, 2, 3, 4]), library(a=0.02, b=0.02), metrics(a=1.0, b=1.0))
    assert signals.loc["D", "value"] == pytest.approx(0.75)
    assert signals.loc["D", "confidence"] == pytest.approx(1 - np.exp(-0.5))


def test_a_factor_without_values_is_inactive() -> None:
    """A library factor that has no values that run date is no error."""
    assert len(library_rows(values(b=[1, 2, 3, 4]), library(a=0.02), metrics(a=1.0))) == 0


def test_a_probability_of_zero_is_inactive() -> None:
    """Total weight 0 gives no rows and no division by zero."""
    assert len(library_rows(values(a=[1, 2, 3, 4]), library(a=0.02), metrics(a=0.0))) == 0


def test_a_run_date_uses_its_own_library() -> None:
    """A factor of another run date is excluded."""
    other = library(a=0.02).assign(run_date=RUN_DATE - pd.Timedelta(1, "D"))
    assert len(library_rows(values(a=[1, 2, 3, 4]), other, metrics())) == 0


def test_a_factor_on_probation_keeps_its_weight() -> None:
    """Half the weight of its equal and opposite: a third of the ranks of the accepted one are left."""
    held = library(a=0.02, b=0.01).assign(status=["accepted", "probation"])
    signals = library_rows(values(a=[1, 2, 3, 4], b=[4, 3, 2, 1]), held, metrics(a=0.9, b=0.9))
    np.testing.assert_allclose(signals["value"], np.array(RANKS) / 3)
