"""Known cheaters are caught, honest factors pass, empty and copied ones are named."""

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alpha_pipeline.expressions import evaluate, lookback, parse
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from alpha_pipeline.validation import (
    Canary,
    CheckResult,
    SampledRanks,
    ScreeningPanel,
    canaries,
    checks,
    rank_correlations,
    validate,
    wrong_canaries,
)
from alpha_pipeline.validation.canary_factors import LEAKS


def market(bars: int = 400, symbols: int = 6, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (bars, symbols)), axis=0))
    fields = {"close": close, "volume": rng.lognormal(3, 1, (bars, symbols))}
    times = pd.date_range("2019-01-01", periods=bars, freq="h").to_numpy("datetime64[us]")
    return Panel(times, tuple(f"S{column:03d}" for column in range(symbols)), fields)


def frames(function: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Panel], Array]:
    """A factor written as raw pandas, behind the language's back."""
    return lambda panel: function(pd.DataFrame(panel["close"])).to_numpy(float)


def named(results: list[CheckResult], name: str) -> CheckResult:
    return next(result for result in results if result.name == name)


@pytest.mark.parametrize("canary", canaries(), ids=lambda canary: canary.name)
def test_canaries_are_told_apart(canary: Canary) -> None:
    """Raw arrays that use the future, or the place where the panel starts, are caught; honest ones pass everything."""
    results = validate(canary.evaluate, market(), 20)
    leaks = [result for result in results if not result.passed and result.name in LEAKS]
    assert bool(leaks) != canary.honest
    assert all(result.passed for result in results) or not canary.honest
    assert all("future" in result.detail or "starts" in result.detail for result in leaks)


@pytest.mark.parametrize("canary", canaries(), ids=lambda canary: canary.name)
@pytest.mark.parametrize("symbols", [6, 100])
def test_canaries_are_told_apart_when_screening(canary: Canary, symbols: int) -> None:
    """Few symbols, bars and cuts are enough for every known cheater, and no honest factor is refused."""
    for seed in range(3):
        panel = market(symbols=symbols, seed=seed)
        values = canary.evaluate(panel)
        results = validate(canary.evaluate, panel, 20, only=LEAKS, values=values, screen=ScreeningPanel.of(panel))
        assert all(result.passed for result in results) == canary.honest


@pytest.mark.parametrize("reach", [1, 3, 24, 200])
def test_screening_catches_a_leak_of_any_reach(reach: int) -> None:
    """One bar or two hundred ahead, also on a long panel."""
    panel = market(1500)
    leak = frames(lambda x: x.shift(-reach) / x)
    assert not named(validate(leak, panel, 5, screen=ScreeningPanel.of(panel)), "no_lookahead").passed


def test_screening_looks_at_few_symbols_and_takes_values_as_given() -> None:
    """No panel wider than the screen is evaluated when the values are there already."""
    panel, seen = market(symbols=200), []

    def evaluated(piece: Panel) -> Array:
        seen.append(piece.shape[1])
        return piece["close"] / piece["volume"]

    results = validate(evaluated, panel, 0, values=evaluated(panel), screen=ScreeningPanel.of(panel))
    assert all(result.passed for result in results)
    assert len(ScreeningPanel.of(panel).panel.symbols) == 48
    assert set(seen[1:]) == {48}
    assert len(seen) < 30


def test_the_checks_are_checked() -> None:
    """On working checks no canary is wrong; a check that lets everything or nothing pass is noticed."""
    assert wrong_canaries(market()) == []


@pytest.mark.parametrize(("outcome", "message"), [(True, "cheater 'negative shift' passed"), (False, "'momentum' was")])
def test_a_broken_check_is_noticed(outcome: bool, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that lets everything pass, or nothing, makes canaries wrong."""
    for name in LEAKS:
        monkeypatch.setitem(
            sys.modules[validate.__module__]._checks, name, (lambda candidate: (outcome, 0.0, 0.0, "broken"), True)
        )
    assert message in "; ".join(wrong_canaries(market()))


@pytest.mark.parametrize("reach", [1, 3, 24, 200])
def test_a_leak_of_any_reach_is_caught(reach: int) -> None:
    """One bar or two hundred ahead, also on a long panel."""
    result = named(validate(frames(lambda x: x.shift(-reach) / x), market(1500), 5), "no_lookahead")
    assert not result.passed


def test_a_leak_on_a_single_bar_is_caught_where_the_value_jumps() -> None:
    """A factor that knows the future on one bar only gives itself away by its size there."""

    def once(x: pd.DataFrame) -> pd.DataFrame:
        special = x.index.to_numpy() == 217
        return pd.DataFrame(np.where(special[:, None], (x.shift(-1) / x - 1) * 50, x.pct_change()))

    assert not named(validate(frames(once), market(), 5), "no_lookahead").passed


def test_an_understated_warm_up_is_named() -> None:
    """A mean of 50 bars that declares 10 depends on where the panel starts; declared rightly it passes."""
    mean = frames(lambda x: x / x.rolling(50, min_periods=1).mean())
    assert not named(validate(mean, market(), 10), "start_independence").passed
    assert named(validate(mean, market(), 49), "start_independence").passed


def test_a_gate_on_the_production_length_is_caught() -> None:
    """Honest on every short panel, cheating on the long one that is stored."""
    gated = frames(lambda x: x.pct_change() if len(x) < 1000 else x.shift(-1) / x - 1)
    assert any(not result.passed for result in validate(gated, market(1500), 5) if result.name in LEAKS)


def test_a_faint_leak_is_caught() -> None:
    """A hundred-millionth of the next price is a leak; rounding in the sixteenth digit is none."""
    faint = frames(lambda x: x + 1e-8 * x.shift(-1).fillna(x))
    result = named(validate(faint, market(), 5), "no_lookahead")
    assert not result.passed and "future" in result.detail
    rounded = frames(lambda x: x.pct_change() * (1 + 1e-15 * len(x)))
    assert named(validate(rounded, market(), 5), "no_lookahead").passed


def test_a_faint_dependence_on_the_start_is_caught() -> None:
    """A thousandth of the first price is one; what a recursive average forgets asymptotically is none."""
    anchored = frames(lambda x: x + 1e-3 * x.iloc[0])
    assert not named(validate(anchored, market(), 5), "start_independence").passed
    forgotten = frames(lambda x: x.ewm(span=10, adjust=False).mean() / x)
    assert named(validate(forgotten, market(), 100), "start_independence").passed


@pytest.mark.parametrize("text", ["ts_zscore(close, 20) * cs_rank(volume)", "rsi(close, 14)", "ema(close, 10) / close"])
def test_the_language_passes(text: str) -> None:
    """Expressions are causal by construction, and shown to be."""
    node = parse(text)
    results = validate(lambda panel: next(evaluate([node], panel))[1], market(600), lookback(node))
    assert all(result.passed for result in results), [r.detail for r in results if not r.passed]


@pytest.mark.parametrize(
    ("function", "check"),
    [
        (lambda x: x * 0 + 3.0, "variation"),
        (lambda x: x.mul(0).add(x.index.to_numpy(), axis=0), "variation"),
        (lambda x: x.where(x.index.to_series() % 3 == 0), "coverage"),
        (lambda x: x * np.nan, "coverage"),
        (lambda x: x * 0 + np.arange(6), "movement"),
        (lambda x: x * np.nan, "movement"),
        (lambda x: x * 0.0, "distinctness"),
        (lambda x: np.exp(100 * x.pct_change(5).clip(-1, 1)), "value_range"),
    ],
)
def test_values_that_say_nothing_are_named(function: Callable[[pd.DataFrame], pd.DataFrame], check: str) -> None:
    """Constants, the same number for every symbol, mostly missing."""
    assert not named(validate(frames(function), market(), 0), check).passed


def test_one_symbol_is_compared_with_its_past() -> None:
    """A panel of one symbol can pass every check, and a constant still fails."""
    single = market(symbols=1)
    assert all(result.passed for result in validate(frames(lambda x: x.pct_change(5)), single, 5))
    assert not named(validate(frames(lambda x: x * 0 + 1), single, 5), "variation").passed


def test_the_unit_does_not_matter() -> None:
    """Volumes in millions and returns in millionths pass alike."""
    for unit in (1e-9, 1.0, 1e12):
        results = validate(frames(lambda x, unit=unit: unit * x.pct_change(5)), market(), 5)  # type: ignore[misc]
        assert all(result.passed for result in results)


def test_a_copy_is_named_with_its_twin() -> None:
    """A monotone transform of a factor active orders symbols the same way, up or down."""
    panel = market()
    library = {name: SampledRanks.of(panel[field]) for name, field in (("momentum_1", "close"), ("other_2", "volume"))}
    twin = named(validate(frames(lambda x: -np.log(x)), panel, 0, library), "correlation")
    assert not twin.passed
    assert "momentum_1" in twin.detail
    assert named(validate(frames(lambda x: x.pct_change()), panel, 1, library), "correlation").passed


def test_the_registry_says_what_blocks() -> None:
    """Leaks and emptiness stop the graph; the rest informs."""
    assert {name for name, blocking in checks().items() if blocking} == {
        "no_lookahead",
        "start_independence",
        "coverage",
        "variation",
        "movement",
    }


def test_values_are_judged_as_numpy_and_scipy_judge_them() -> None:
    """Coverage, variation, movement, range and correlation from their definitions, with gaps and ties, to 1e-12."""
    panel, rng = market(700, 30), np.random.default_rng(1)
    close = np.where(rng.random(panel.shape) < 0.05, np.nan, panel["close"])
    x = np.round(np.exp(rng.normal(size=panel.shape)), 1)
    values = np.where(rng.random(panel.shape) < 0.1, np.nan, x)
    other = np.where(rng.random(panel.shape) < 0.2, np.nan, x + rng.normal(size=panel.shape))
    library = {"other": SampledRanks.of(other)}
    found = validate(
        lambda _: values, replace(panel, fields={"close": close}), 9, library, only=set(checks()) - {*LEAKS}
    )
    value = {result.name: result.value for result in found}
    rows = values[9:]
    assert value["coverage"] == np.isfinite(rows[np.isfinite(close[9:])]).mean()
    assert value["variation"] == (np.nanmax(rows, axis=1) > np.nanmin(rows, axis=1)).mean()
    both = np.isfinite(rows[1:]) & np.isfinite(rows[:-1])
    assert value["movement"] == (both & (rows[1:] != rows[:-1])).any(axis=1).mean()
    sampled = rows[:: len(rows) // 250]
    low, middle, high = np.nanquantile(sampled, [0.25, 0.5, 0.75], axis=1)
    scores = np.abs(sampled - middle[:, None]) / (high - low)[:, None]
    assert value["value_range"] == pytest.approx(np.nanquantile(scores, 0.99), abs=1e-12)
    pairs = [(a[ok], b[ok]) for a, b in zip(values, other, strict=True) if (ok := np.isfinite(a + b)).any()]
    alike = np.mean([abs(stats.spearmanr(a, b).statistic) for a, b in pairs])
    assert value["correlation"] == pytest.approx(alike, abs=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.3, 0.9])
def test_likeness_is_the_mean_size_of_spearman_by_bar(missing: float) -> None:
    """As scipy ranks the pairs of each bar, with ties, with symbols that come and go, on bars too narrow."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(60, 9)).round(1)
    y = (x + rng.normal(size=x.shape)).round(1)
    both = rng.random(x.shape) < missing / 2
    x[both | (rng.random(x.shape) < missing)] = np.nan
    y[both] = np.nan
    x[:5], y[7] = np.nan, 1.0
    sizes = []
    for a, b in zip(x, y, strict=True):
        pairs = np.isfinite(a) & np.isfinite(b)
        if pairs.sum() >= 3 and np.ptp(a[pairs]) > 0 and np.ptp(b[pairs]) > 0:
            sizes.append(abs(stats.spearmanr(a[pairs], b[pairs]).statistic))
    found = rank_correlations(SampledRanks.of(x), {"y": SampledRanks.of(y)})
    assert found.get("y", np.nan) == pytest.approx(np.mean(sizes) if sizes else np.nan, rel=1e-12, nan_ok=True)
