"""The comparison of methods measures prediction and returns after costs, and selects none by chance."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import Bars, ExecutionBars, hold
from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.fusion.comparison import ModelComparison, best_method
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.labels import LabeledSignals, label_signals
from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS
from alpha_pipeline.tables import FUSION_COMPARISON
from alpha_pipeline.typing import Array

DAILY = Market("crypto", "crypto", "1D", "24/7", 365.0, 1, 1, 1, fee_bps=1.0, slippage_bps=1.0)
SYMBOLS = tuple("ABCD")
DAYS = 700
TIMES = pd.date_range("2017-01-01", periods=DAYS, freq="D", tz="UTC")
NIGHTS = TIMES[-3:]


def world(edge: float, seed: int = 0) -> tuple[LabeledSignals, Panel]:
    """Random momentum and volume signals; forward returns depend on momentum with slope `edge`."""
    rng = np.random.default_rng(seed)
    value, confidence = (np.full((DAYS, len(SYMBOLS), len(WEIGHTS)), np.nan) for _ in range(2))
    momentum, volume = (list(WEIGHTS).index(name) for name in ("price_momentum", "volume_breakout"))
    for column in (momentum, volume):
        value[..., column] = np.tanh(rng.normal(0, 1, value.shape[:2]))
        confidence[..., column] = rng.uniform(0.2, 1, value.shape[:2])
    moves = np.zeros((DAYS, len(SYMBOLS)))
    moves[2:] = 0.02 * (rng.normal(0, 1, moves[2:].shape) + edge * value[:-2, :, momentum])
    panel = Panel(TIMES.tz_localize(None).to_numpy("datetime64[us]"), SYMBOLS, {"close": np.exp(moves.cumsum(axis=0))})
    keys = pd.DataFrame({"timestamp": TIMES.repeat(len(SYMBOLS)), "symbol": list(SYMBOLS) * DAYS})
    signals = SignalMatrix(keys, value.reshape(-1, len(WEIGHTS)), confidence.reshape(-1, len(WEIGHTS)))
    return label_signals(signals, panel, DAILY), panel


@dataclass(frozen=True)
class OneSource:
    """The value of one source, or its negative."""

    source: str
    sign: float
    name: str
    meaning: str = "a toy"

    def fit(self, past: LabeledSignals) -> "OneSource":
        return self

    def combine(self, now: SignalMatrix) -> FusedValues:
        contribution = np.zeros(now.value.shape)
        column = now.sources.index(self.source)
        contribution[:, column] = self.sign * np.nan_to_num(now.value[:, column])
        return FusedValues(contribution.sum(axis=1), contribution)


@dataclass(frozen=True)
class Absent:
    """A method whose package is missing."""

    name: str = "absent"
    meaning: str = "not there"

    def fit(self, past: LabeledSignals) -> "Absent":
        raise SettingError("needs the extra `attention`")

    def combine(self, now: SignalMatrix) -> FusedValues:
        raise AssertionError


TOYS = {
    "weighted": METHODS["weighted"],
    "right": OneSource("price_momentum", 1.0, "right"),
    "wrong": OneSource("price_momentum", -1.0, "wrong"),
    "blind": OneSource("funding", 1.0, "blind"),
    "absent": Absent(),
}


@pytest.fixture(scope="module")
def compared() -> pd.DataFrame:
    past, panel = world(edge=0.8)
    comparison = ModelComparison.of(past, panel, DAILY, NIGHTS, DecisionRule(), methods=TOYS)
    return comparison.to_table(NIGHTS[-1], "weighted")


def row(table: pd.DataFrame, method: str, silent: str = "") -> pd.Series:
    return table[(table["method"] == method) & (table["excluded_source"] == silent)].iloc[0]


def test_the_rows_are_those_of_the_table(compared: pd.DataFrame) -> None:
    """Every method once, the ablated one without each active source; one method is active."""
    stored = FUSION_COMPARISON.conform(compared).to_pandas()
    assert list(stored[["method", "excluded_source"]].itertuples(index=False, name=None)) == sorted(
        [(name, "") for name in TOYS] + [("weighted", "price_momentum"), ("weighted", "volume_breakout")]
    )
    assert stored.loc[stored["active"], "method"].tolist() == ["weighted"]


def test_a_planted_edge_is_measured(compared: pd.DataFrame) -> None:
    """A method that follows it has hits, rank IC and excess return; its negative has the opposite and never trades."""
    right, wrong = row(compared, "right"), row(compared, "wrong")
    assert right["hit_rate_low"] > 0.55 > 0.45 > wrong["hit_rate_high"]
    assert right["rank_ic_t_stat"] > 8 and wrong["rank_ic"] == pytest.approx(-right["rank_ic"])
    assert right["sharpe"] > 2 and right["trade_rate"] > 0.2 and right["brier"] < 0.25
    assert wrong["trade_rate"] == 0 and np.isnan(wrong["annual_return"]) and np.isnan(wrong["excess_p_value"])
    assert right["excess_p_value"] < 0.05


def test_ablation_shows_which_source_matters(compared: pd.DataFrame) -> None:
    """Without momentum the rank IC is insignificant; without volume it is higher."""
    complete, deaf, better = (
        row(compared, "weighted"),
        row(compared, "weighted", "price_momentum"),
        row(compared, "weighted", "volume_breakout"),
    )
    assert abs(deaf["rank_ic_t_stat"]) < 3 < complete["rank_ic_t_stat"] < better["rank_ic_t_stat"]


def test_inactive_and_missing_methods_are_listed(compared: pd.DataFrame) -> None:
    """Coverage 0 and undefined measures; the reason for a missing package."""
    blind, absent = row(compared, "blind"), row(compared, "absent")
    assert blind["coverage"] == 0 and np.isnan(blind["hit_rate"]) and np.isnan(blind["rank_ic"])
    assert absent["exclusion_reason"] == "needs the extra `attention`" and absent["bars"] == 0


def test_reliability_counts_every_value(compared: pd.DataFrame) -> None:
    """The buckets hold all rows with a value and an outcome."""
    result = row(compared, "right")
    buckets = json.loads(result["reliability"])
    assert sum(bucket["decisions"] for bucket in buckets) == result["decisions"]


@pytest.mark.parametrize("seed", range(3))
def test_on_noise_nothing_trades_and_the_simplest_method_is_selected(seed: int) -> None:
    """Without an edge nearly all is HOLD, the hit rate is one half and no challenger is selected."""
    past, panel = world(edge=0.0, seed=seed)
    toys = {name: TOYS[name] for name in ("weighted", "right", "wrong")}
    table = ModelComparison.of(past, panel, DAILY, NIGHTS, DecisionRule(), (), toys).to_table(NIGHTS[-1], "weighted")
    assert table["trade_rate"].mean() < 0.05
    assert ((table["hit_rate"] - 0.5).abs() < 0.04).all()
    assert best_method(table) == "weighted"


def test_run_dates_together_equal_run_dates_alone() -> None:
    """Three run dates of one run against each of them alone, all columns."""
    past, panel = world(edge=0.5)
    together = ModelComparison.of(past, panel, DAILY, NIGHTS, DecisionRule(), ("weighted",))
    for run_date in NIGHTS:
        samples, prices, only = past.known_by(run_date), panel.until(run_date), pd.DatetimeIndex([run_date])
        alone = ModelComparison.of(samples, prices, DAILY, only, DecisionRule(), ("weighted",))
        pd.testing.assert_frame_equal(together.to_table(run_date, "ridge"), alone.to_table(run_date, "ridge"))


def figures(**p: tuple[float, float]) -> pd.DataFrame:
    """Methods with their p-values on two markets."""
    rows = [
        {"market": market, "method": name, "excluded_source": "", "exclusion_reason": "", "excess_p_value": value}
        for name, pair in {"weighted": (np.nan, np.nan), **p}.items()
        for market, value in zip(("crypto", "equities"), pair, strict=True)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("p", "selected"),
    [
        ({"ridge": (0.01, 0.02), "boosting": (0.001, 0.9)}, "ridge"),
        ({"ridge": (0.01, 0.03), "boosting": (0.9, 0.9)}, "weighted"),
        ({"ridge": (0.01, 0.02), "boosting": (0.001, 0.015)}, "boosting"),
        ({"ridge": (0.0001, np.nan)}, "weighted"),
        ({}, "weighted"),
    ],
)
def test_the_selection_rule(p: dict[str, tuple[float, float]], selected: str) -> None:
    """Significant on every market after Bonferroni correction, best on the weakest market; NaN is never selected."""
    assert best_method(figures(**p)) == selected


def test_weights_pay_costs_from_the_first_entry() -> None:
    """Decided at bar 0, filled at bar 1 at 2 bps; half the book is turned at bar 3."""
    close = np.array([[1.0, 1.0], [1.0, 1.0], [1.1, 1.0], [1.1, 1.0], [1.1, 0.9]])
    panel = Panel(TIMES[:5].tz_localize(None).to_numpy("datetime64[us]"), ("A", "B"), {"close": close})
    tape = ExecutionBars.of(Bars.of(panel, replace(DAILY, periods_per_year=365.0)))
    result = hold(np.array([[0.5, 0.0], [0.5, -0.5]]), np.array([0, 2]), tape)
    assert result.first == 1
    equity = 1 + 0.05 - 0.5 * 0.0002
    second = abs(0.5 - 0.55 / equity) + 0.5
    np.testing.assert_allclose(result.net, [equity - 1, 0.0, 0.05 - second * 0.0002], atol=1e-12)
    np.testing.assert_allclose(result.turnover, [0.25, 0.0, second / 2], atol=1e-12)


def test_held_weights_need_a_row_per_decision() -> None:
    """The error names the shapes; no decision is no position."""
    close: Array = np.ones((5, 2))
    panel = Panel(TIMES[:5].tz_localize(None).to_numpy("datetime64[us]"), ("A", "B"), {"close": close})
    tape = ExecutionBars.of(Bars.of(panel, replace(DAILY, periods_per_year=365.0)))
    with pytest.raises(DataError, match=r"weights have shape \(1, 2\), expected \(2, 2\)"):
        hold(np.ones((1, 2)), np.array([0, 1]), tape)
    assert len(hold(np.empty((0, 2)), np.array([], dtype=int), tape).net) == 0
