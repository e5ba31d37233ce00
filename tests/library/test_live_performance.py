"""Live measures: which bars count, the numbers against statsmodels, half-lives."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from alpha_pipeline.library.live_performance import (
    WINDOW_DAYS,
    decline_half_life_days,
    half_life_days,
    half_lives,
    live_measures,
)
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import LIBRARY, RAW_FUNDING
from benchmarks.life import DAY, FIRST, held, led

LATER = FIRST + 50 * DAY


@pytest.fixture(scope="module")
def panel() -> Panel:
    """A field that predicts returns, from 300 days before the first run date to 150 after it."""
    return led({"edge": np.full(450, 0.15)})


def altered(panel: Panel, rows: slice) -> Panel:
    """Other prices and fields on some bars."""
    rng = np.random.default_rng(9)
    fields = {name: values.copy() for name, values in panel.fields.items()}
    for values in fields.values():
        values[rows] *= rng.uniform(0.5, 2.0, values[rows].shape)
    return Panel(panel.timestamps, panel.symbols, fields)


def measured(library: pd.DataFrame, panel: Panel, funding: pd.DataFrame | None = None) -> pd.Series:
    """Measures of one factor."""
    measures = live_measures(library, panel, EQUITIES, funding)
    assert len(measures) == 1
    return measures.iloc[0]


def test_live_bars_start_after_entry_and_have_a_known_forward_return(panel: Panel) -> None:
    """Fifty run dates after entry: fifty bars less the last two, whose forward return is unknown; none at first."""
    assert measured(held(LATER, a="edge"), panel)["live_bars"] == 50 - 2
    assert measured(held(FIRST, a="edge"), panel)["live_bars"] == 0
    assert np.isnan(measured(held(FIRST, a="edge"), panel)["live_rank_ic"])


@pytest.mark.parametrize(("rows", "same"), [(slice(351, None), True), (slice(0, 301), True), (slice(340, 341), False)])
def test_no_other_bar_is_used(panel: Panel, rows: slice, same: bool) -> None:
    """Changed bars after the run date or before entry change nothing; a changed live bar does."""
    first, second = (measured(held(LATER, a="edge"), p) for p in (panel, altered(panel, rows)))
    assert first.equals(second) == same


def test_rank_ic_and_its_t_are_those_of_pandas_and_statsmodels(panel: Panel) -> None:
    """Spearman by bar with the return from the next close to the one after; Newey-West with one lag."""
    close, edge = (pd.DataFrame(panel[name][301:351]) for name in ("close", "edge"))
    forward = close.shift(-2) / close.shift(-1) - 1
    ic = edge.corrwith(forward, axis=1, method="spearman").dropna().to_numpy()
    test = sm.OLS(ic, np.ones(len(ic))).fit(cov_type="HAC", cov_kwds={"maxlags": 1, "use_correction": False})
    measures = measured(held(LATER, a="edge"), panel)
    assert measures["live_rank_ic"] == pytest.approx(ic.mean())
    assert measures["live_t_stat"] == pytest.approx(test.tvalues[0])


def test_a_negative_weight_reverses_the_factor(panel: Panel) -> None:
    """The negated factor with a negative weight has the measures of the factor."""
    sold = held(LATER, a="-edge").assign(weight=-0.05)
    pd.testing.assert_series_equal(measured(sold, panel), measured(held(LATER, a="edge"), panel))


def test_measures_depend_on_the_window_and_its_warm_up_only(panel: Panel) -> None:
    """The same to the last bit with and without earlier bars."""
    old = held(FIRST + 140 * DAY, a="ts_mean(edge, 5)", b="ts_zscore(close, 20)").assign(since=FIRST - 200 * DAY)
    long = live_measures(old, panel, EQUITIES)
    assert long["live_bars"].tolist() == [WINDOW_DAYS - 2] * 2
    pd.testing.assert_frame_equal(long, live_measures(old, panel.rows(130, None), EQUITIES), check_exact=True)


def test_funding_is_paid_once_it_is_available(panel: Panel) -> None:
    """Long positions pay; a payment available after the run date changes nothing."""
    stamps = pd.DatetimeIndex(panel.timestamps[310:340]).tz_localize("UTC")
    high = [panel.symbols[int(k)] for k in panel["edge"][309:339].argmax(axis=1)]
    paid = pd.DataFrame({"timestamp": stamps, "symbol": high, "available_at": stamps, "funding": 0.05})
    paid = paid.reindex(columns=[c.name for c in RAW_FUNDING.columns])
    free = measured(held(LATER, a="edge"), panel)
    assert measured(held(LATER, a="edge"), panel, paid)["live_net_t_stat"] < free["live_net_t_stat"] - 0.1
    late = paid.assign(available_at=LATER + 2 * DAY)
    assert measured(held(LATER, a="edge"), panel, late)["live_net_t_stat"] == free["live_net_t_stat"]


def test_retired_factors_and_missing_fields_are_not_measured(panel: Panel) -> None:
    """A retired factor has no row; a factor with a missing field has no live bars; the others are measured."""
    both = held(LATER, a="edge", b="gone", c="edge").assign(status=["accepted", "accepted", "retired"])
    assert live_measures(both, panel, EQUITIES)["live_bars"].to_dict() == {"a": 48, "b": 0}
    assert live_measures(LIBRARY.empty(), panel, EQUITIES).empty


def persistent(persistence: float, bars: int = 3000, symbols: int = 30) -> Panel:
    """An AR(1) field of that persistence which predicts the return after the next fill."""
    rng = np.random.default_rng(3)
    field, returns = rng.normal(0, 1, (bars, symbols)), 0.01 * rng.normal(0, 1, (bars, symbols))
    for bar in range(1, bars):
        field[bar] = persistence * field[bar - 1] + np.sqrt(1 - persistence**2) * field[bar]
    returns[2:] += 0.003 * field[:-2]
    times = pd.date_range("2010-01-01 20:00", periods=bars, freq="D").to_numpy("datetime64[us]")
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    return Panel(times, tuple(f"S{i:02}" for i in range(symbols)), {"close": close, "edge": field})


@pytest.mark.parametrize("persistence", [0.7, 0.9, 0.95])
def test_half_life_of_an_autoregressive_signal(persistence: float) -> None:
    """It is log 1/2 over log of the persistence."""
    panel = persistent(persistence)
    assert half_life_days(panel["edge"], panel, EQUITIES) == pytest.approx(np.log(0.5) / np.log(persistence), rel=0.15)


@pytest.mark.parametrize(
    ("persistence", "values"),
    [
        (0.9, lambda p: np.random.default_rng(1).normal(0, 1, p.shape)),
        (0.9, lambda p: np.full(p.shape, np.nan)),
        (0.999, lambda p: p["edge"]),
    ],
    ids=["noise", "nothing", "slower than 64 bars show"],
)
def test_half_life_is_undefined_without_rank_ic(persistence: float, values: Callable[[Panel], np.ndarray]) -> None:
    """Or where the rank IC is not halved within the lags measured."""
    panel = persistent(persistence)
    assert np.isnan(half_life_days(values(panel), panel, EQUITIES))


def test_half_lives_use_train_and_validation_only() -> None:
    """Neither the holdout nor bars after the run date change them."""
    panel = persistent(0.9, bars=1000)
    run_date = pd.Timestamp(panel.timestamps[899]).normalize().tz_localize("UTC")
    library = held(run_date, a="edge")
    days = half_lives(library, panel, EQUITIES)
    assert days["a"] > 1
    pd.testing.assert_series_equal(days, half_lives(library, altered(panel, slice(766, None)), EQUITIES))
    assert half_lives(library, altered(panel, slice(700, 720)), EQUITIES)["a"] != days["a"]


def test_decline_of_the_live_rank_ic_follows_a_fitted_line() -> None:
    """Half of 0.06 at the age of 50 days, when 0.0006 is lost a day; with noise, the slope of least squares."""
    ages = np.arange(1.0, 81.0)
    noise = np.random.default_rng(0).normal(0, 0.02, 80)
    line = 0.06 - 0.0006 * ages
    assert decline_half_life_days(line + 1e-6 * noise, ages, 0.06, 1) == pytest.approx(50, rel=1e-3)
    slope = np.linalg.lstsq(ages[:, None], line + noise - 0.06, rcond=None)[0][0]
    assert decline_half_life_days(line + noise, ages, 0.06, 1) == pytest.approx(-0.03 / slope)


@pytest.mark.parametrize(("level", "expected"), [(0.06, 0.06), (0.08, 0.06), (0.0, 0.0), (0.0, np.nan)])
def test_a_rank_ic_without_decline_has_no_half_life(level: float, expected: float) -> None:
    """Nor has a factor without a positive expected rank IC."""
    rank_ics = level + np.random.default_rng(0).normal(0, 0.02, 80)
    assert np.isnan(decline_half_life_days(rank_ics, np.arange(1.0, 81.0), expected, 1))
