"""Measures against pandas and scipy, and on data where the answer is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alpha_pipeline.backtesting import (
    BacktestConfig,
    Bars,
    EvaluationBars,
    assumption_sensitivity,
    backtest,
    compare_factors,
    forward_returns,
    ic_decay,
    measure_factor,
    metrics,
    predictive_correlation,
    quantile_returns,
    rank_ic,
)
from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH
from alpha_pipeline.backtesting.bars import MODES, Mode
from alpha_pipeline.backtesting.details import detailed_measures
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import METRICS
from alpha_pipeline.typing import Array


def measured(*args: Any, **options: Any) -> dict[str, float]:
    return measure_factor(*args, **options).to_row()


def walk(bars: int, symbols: int, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (bars, symbols)), axis=0))
    times = pd.date_range("2018-01-01", periods=bars, freq="h").to_numpy("datetime64[us]")
    return Panel(times, tuple(f"S{i:02d}" for i in range(symbols)), {"close": close})


def test_rank_ic_is_spearman_per_bar() -> None:
    """Scipy agrees, ties and gaps included; too few symbols give NaN."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 6, (40, 12)).astype(float)
    y = rng.normal(size=(40, 12))
    x[rng.random(x.shape) < 0.2] = np.nan
    y[rng.random(y.shape) < 0.1] = np.nan
    x[0, 2:] = np.nan
    found = rank_ic(x, y)
    for bar in range(1, 40):
        both = np.isfinite(x[bar]) & np.isfinite(y[bar])
        assert found[bar] == pytest.approx(stats.spearmanr(x[bar, both], y[bar, both]).statistic, abs=1e-12)
    assert np.isnan(found[0])


def awkward(seed: int) -> tuple[Array, Panel]:
    """Values with ties and gaps on a market with a late start, a delisting, a halt and missing prices."""
    rng, panel = np.random.default_rng(seed), walk(200, 9, seed)
    close, values = panel["close"].copy(), rng.integers(0, 5, panel.shape) + 0.5 * rng.integers(0, 2, panel.shape)
    close[:30, 0], close[150:, 1], close[80:95, 2] = np.nan, np.nan, np.nan
    close[rng.random(close.shape) < 0.03] = np.nan
    values[:12] = np.nan
    values[rng.random(values.shape) < 0.1] = np.nan
    return values, Panel(panel.timestamps, panel.symbols, {"close": close})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", MODES)
def test_a_prepared_stretch_changes_no_number(seed: int, mode: Mode) -> None:
    """Ranks and prices taken once give what the plain functions and scipy give, to 1e-12."""
    values, panel = awkward(seed)
    config = BacktestConfig(10, 5, 300, rebalance_bars=3, mode=mode, window_bars=10)
    found = measured(values, EvaluationBars.of(Bars.of(panel, EQUITIES, config)))
    labels = forward_returns(panel, EQUITIES.horizon_bars)
    ic = [
        stats.spearmanr(values[bar, both], labels[bar, both]).statistic
        for bar in range(len(values))
        if (both := np.isfinite(values[bar]) & np.isfinite(labels[bar])).sum() >= MINIMUM_BREADTH
    ]
    result = backtest(values, Bars.of(panel, EQUITIES, config))
    later = backtest(values, Bars.of(panel, EQUITIES, replace(config, delay_bars=2)))
    assert found["rank_ic"] == pytest.approx(np.nanmean(ic), abs=1e-12)
    assert found["sharpe"] == pytest.approx(metrics.sharpe(result.net, 252.0), abs=1e-12)
    assert found["sharpe_delayed"] == pytest.approx(metrics.sharpe(later.net, 252.0), abs=1e-12)
    assert found["max_drawdown"] == pytest.approx(metrics.max_drawdown(result.net), abs=1e-12)
    assert np.isfinite(list(found.values())).all()


@pytest.mark.parametrize("mode", MODES)
def test_an_oriented_factor_is_traded_as_its_ic_says(mode: Mode) -> None:
    """A factor that orders backwards earns what its negative earns; its IC stays negative."""
    for seed in range(4):
        values, panel = awkward(seed)
        stretch = EvaluationBars.of(
            Bars.of(panel, EQUITIES, BacktestConfig(10, 5, 300, rebalance_bars=1, mode=mode, window_bars=10))
        )
        plain = measured(values, stretch, delayed=False)
        wrong = -values if plain["rank_ic"] > 0 else values
        found, turned = measured(wrong, stretch, False, None), measured(-wrong, stretch, False)
        assert found["rank_ic"] == pytest.approx(-turned["rank_ic"], abs=1e-12)
        assert found["t_stat"] == pytest.approx(-turned["t_stat"], abs=1e-12)
        for name in ("sharpe", "max_drawdown", "turnover", "kurtosis"):
            assert found[name] == pytest.approx(turned[name], rel=1e-11)
        assert np.isnan(found["sharpe_delayed"])


def test_a_factor_that_knows_the_future_is_seen_and_its_opposite_too() -> None:
    """Perfect foresight has rank IC 1 and a large Sharpe ratio; its negative the mirror image."""
    panel = walk(600, 8)
    oracle = np.nan_to_num(forward_returns(panel, CRYPTO.horizon_bars))
    stretch = EvaluationBars.of(Bars.of(panel, CRYPTO))
    good, bad = measured(oracle, stretch), measured(-oracle, stretch)
    assert good["rank_ic"] == pytest.approx(1.0)
    assert bad["rank_ic"] == pytest.approx(-1.0)
    assert good["sharpe"] > 5 > 0 > bad["sharpe"]


def test_noise_is_worth_nothing_and_costs_are_real() -> None:
    """On random walks the mean t is near 0, and net Sharpe is below gross."""
    rng = np.random.default_rng(5)
    found = [
        measured(rng.normal(size=(500, 10)), EvaluationBars.of(Bars.of(walk(500, 10, seed), EQUITIES)))
        for seed in range(20)
    ]
    assert abs(np.mean([f["t_stat"] for f in found])) < 0.6
    assert np.mean([f["sharpe"] < f["sharpe_gross"] for f in found]) == 1.0


def test_the_calendar_annualises() -> None:
    """The same returns on hours and on days differ by the calendar alone."""
    returns = np.random.default_rng(0).normal(0.001, 0.01, 300)
    ratio = metrics.sharpe(returns, 8760) / metrics.sharpe(returns, 252)
    assert ratio == pytest.approx(np.sqrt(8760 / 252))
    assert metrics.volatility(returns, 252) == pytest.approx(pd.Series(returns).std() * np.sqrt(252))


@pytest.mark.parametrize(
    ("returns", "drawdown"),
    [([-0.5, 0.1], -0.5), ([0.1, 0.1], 0.0), ([0.1, -0.2, 0.05, -0.1], 0.8 * 1.05 * 0.9 - 1)],
)
def test_drawdown_counts_the_starting_capital(returns: list[float], drawdown: float) -> None:
    """A loss on the first bar is a drawdown."""
    assert metrics.max_drawdown(np.array(returns)) == pytest.approx(drawdown)


def test_undefined_is_nan() -> None:
    """No losses, no drawdown, no spread, no bars."""
    up = np.array([0.01, 0.02])
    assert np.isnan(metrics.sortino(up, 252))
    assert np.isnan(metrics.calmar(up, 252))
    assert np.isnan(metrics.sharpe(np.full(5, 0.01), 252))
    assert np.isnan(metrics.annual_return(np.array([]), 252))


def test_the_measures_are_the_columns_of_the_table() -> None:
    """What is stored of a factor is what is measured, and nothing is missing."""
    stored = {column.name for column in METRICS.columns} - {"run_date", "factor_id", "status", "deflated_sharpe"}
    values, panel = np.random.default_rng(0).normal(size=(300, 5)), walk(300, 5)
    found = set(measured(values, EvaluationBars.of(Bars.of(panel, EQUITIES)))) | set(
        detailed_measures(values, Bars.of(panel, EQUITIES)).to_row()
    )
    found |= {
        "spa_p_value",
        "stepm_significant",
        "pbo",
        "training_cutoff",
        "bars_after_cutoff",
        "sharpe_after_cutoff",
        "undefined_measures",
    }  # of the library as a whole
    assert found == stored | {"sharpe_per_bar", "skewness", "kurtosis"}


def test_a_factor_without_a_value_is_nan_not_an_error() -> None:
    """All NaN, or a market of two: nothing measured, nothing raised."""
    for values, panel in ((np.full((300, 5), np.nan), walk(300, 5)), (np.ones((300, 2)), walk(300, 2))):
        found = measured(values, EvaluationBars.of(Bars.of(panel, EQUITIES)))
        assert found["bars"] == 0
        assert np.isnan([found["rank_ic"], found["sharpe"], found["turnover"], found["max_drawdown"]]).all()


def test_the_seed_s_leak_is_not_there() -> None:
    """-close on driftless random walks earned a mean Sharpe of 1.17 by full-sample ranks; per bar it earns nothing."""
    config = BacktestConfig(0, 0, 0, rebalance_bars=1)
    panels = [walk(600, 10, seed) for seed in range(30)]
    ratios = [
        measured(-panel["close"], EvaluationBars.of(Bars.of(panel, EQUITIES, config)))["sharpe"] for panel in panels
    ]
    assert abs(np.mean(ratios)) < 3 * np.std(ratios) / np.sqrt(len(ratios))


def test_a_neutral_factor_s_ic_is_seen() -> None:
    """A true information coefficient of 0.05 across symbols is measured as such (the seed saw -0.024)."""
    rng = np.random.default_rng(0)
    returns = rng.normal(size=(2000, 50))
    factor = 0.05 * returns + np.sqrt(1 - 0.05**2) * rng.normal(size=returns.shape)
    assert np.mean(rank_ic(factor, returns)) == pytest.approx(0.05, abs=0.01)


def test_the_break_even_cost_breaks_even() -> None:
    """Traded at that cost, the mean return is zero (up to what compounding changes of drifted weights)."""
    panel = walk(500, 10)
    oracle = np.nan_to_num(forward_returns(panel, 1)) + np.random.default_rng(0).normal(0, 0.02, panel.shape)
    free = BacktestConfig(0, 0, 0, rebalance_bars=1)
    bps = measured(oracle, EvaluationBars.of(Bars.of(panel, EQUITIES, free)))["break_even_bps"]
    paid = measured(oracle, EvaluationBars.of(Bars.of(panel, EQUITIES, BacktestConfig(bps, 0, 0, rebalance_bars=1))))
    assert (
        abs(paid["annual_return"])
        < 0.01 * measured(oracle, EvaluationBars.of(Bars.of(panel, EQUITIES, free)))["annual_return"]
    )


def test_another_bar_of_delay_shows() -> None:
    """A factor that knows only the very next bar loses everything when executed later."""
    panel = walk(600, 8)
    found = measured(np.nan_to_num(forward_returns(panel, 1)), EvaluationBars.of(Bars.of(panel, EQUITIES)))
    assert found["sharpe"] > 10 > 2 > found["sharpe_delayed"]


def test_one_symbol_has_a_predictive_correlation() -> None:
    """Spearman over time, as scipy has it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 2)), rng.normal(size=(100, 2))
    oracle = [stats.spearmanr(x[:, c], y[:, c]).statistic for c in (0, 1)]
    np.testing.assert_allclose(predictive_correlation(x, y), oracle)


def test_quantiles_of_a_good_factor_rise() -> None:
    """Five groups, each above the one before; their spread is the factor's."""
    panel = walk(400, 20)
    labels = forward_returns(panel, 1)
    means = quantile_returns(labels + np.random.default_rng(0).normal(0, 0.01, labels.shape), labels)
    assert (np.diff(means) > 0).all()
    assert np.isnan(quantile_returns(np.full(labels.shape, np.nan), labels)).all()


def test_the_ic_of_a_short_lived_factor_decays() -> None:
    """Knowing one bar says less and less of longer horizons."""
    panel = walk(600, 10)
    decay = ic_decay(forward_returns(panel, 1), panel, (1, 4, 16))
    assert decay[1] == pytest.approx(1.0)
    assert decay[1] > decay[4] > decay[16] > 0


def test_comparing_keeps_what_fails() -> None:
    """A factor that cannot be measured has a row that says why."""
    table = compare_factors({"good": np.ones((300, 5)), "wrong": np.ones((3, 5))}, Bars.of(walk(300, 5), EQUITIES))
    assert table.loc["good", "status"] == "measured"
    assert "shape" in table.loc["wrong", "status"]


def test_the_protocol_is_shown_switch_by_switch() -> None:
    """Costs only ever cost, and a year of 252 hours divides the Sharpe ratio by 5.9."""
    panel = walk(2000, 8)
    oracle = np.nan_to_num(forward_returns(panel, 24))
    table = assumption_sensitivity(oracle, Bars.of(panel, CRYPTO, funding=np.zeros(panel.shape))).set_index(
        ["assumption", "setting"]
    )["sharpe"]
    assert table["cost"].is_monotonic_decreasing
    assert table["as configured"].iloc[0] / table[("year", "252 days")] == pytest.approx(np.sqrt(365 / 252))
    assert table[("funding", "ignored")] == table["as configured"].iloc[0]


def test_other_measures() -> None:
    """Win rate of the bars that moved, profit factor, time under water, growth."""
    returns = np.array([0.0, 0.1, -0.05, 0.0, 0.02, 0.1])
    assert metrics.win_rate(returns) == 0.75
    assert metrics.profit_factor(returns) == pytest.approx(0.22 / 0.05)
    assert metrics.drawdown_bars(returns) == 3
    assert metrics.total_return(returns) == pytest.approx(1.1 * 0.95 * 1.02 * 1.1 - 1)
    assert np.isnan(metrics.profit_factor(np.array([0.1])))
    assert np.isnan(metrics.win_rate(np.zeros(3)))
