"""What has no value says why."""

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.measures import EvaluationBars, measure_factor
from alpha_pipeline.backtesting.missing_measures import IDLE, RANKS, REASONS, join_reasons, undefined_reasons
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import FLOAT, METRICS


def panel(close: np.ndarray) -> Panel:
    times = pd.date_range("2019-01-01 21:00", periods=len(close), freq="D").to_numpy("datetime64[us]")
    return Panel(times, tuple("ABCDEF"), {"close": close})


def test_every_measure_that_can_be_missing_has_a_reason() -> None:
    """All numbers of the table but those that need no bars."""
    always = {"annual_return", "max_drawdown", "turnover", "total_return", "drawdown_bars"}  # missing without any bar
    numbers = {column.name for column in METRICS.columns if column.type == FLOAT}
    assert numbers - always - {"sharpe_after_cutoff"} == set(REASONS)


def test_a_factor_that_holds_nothing_says_so() -> None:
    """Values without a single number: no ranks, no returns."""
    rising = panel(np.exp(np.cumsum(np.full((60, 6), 0.01), axis=0)))
    found = undefined_reasons(
        measure_factor(np.full((60, 6), np.nan), EvaluationBars.of(Bars.of(rising, EQUITIES))).to_row()
    )
    assert found["sharpe"] == IDLE and found["rank_ic"] == RANKS and found["break_even_bps"] == IDLE


def test_what_is_defined_is_not_spoken_of() -> None:
    """Noise has every measure; its cutoff is another matter."""
    rng = np.random.default_rng(0)
    noise = panel(np.exp(np.cumsum(rng.normal(0, 0.01, (300, 6)), axis=0)))
    measures = measure_factor(rng.normal(size=(300, 6)), EvaluationBars.of(Bars.of(noise, EQUITIES))).to_row()
    assert undefined_reasons(measures) == {}
    told = undefined_reasons({**measures, "calmar": np.nan, "sharpe_after_cutoff": np.nan, "training_cutoff": pd.NaT})
    assert join_reasons(told) == (
        "calmar: there was no drawdown; sharpe_after_cutoff: no model wrote it, or its cutoff is not known"
    )
    dated = {**measures, "sharpe_after_cutoff": np.nan, "training_cutoff": pd.Timestamp("2024-01-01", tz="UTC")}
    assert undefined_reasons(dated)["sharpe_after_cutoff"].startswith("less than 20 days")
