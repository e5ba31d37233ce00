"""Known cheaters are caught, honest factors pass, empty and copied ones are named."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.expressions import evaluate, lookback, parse
from alpha_pipeline.panel import Array, Panel
from alpha_pipeline.validation import CheckResult, checks, validate


def market(bars: int = 400, symbols: int = 6, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (bars, symbols)), axis=0))
    fields = {"close": close, "volume": rng.lognormal(3, 1, (bars, symbols))}
    times = pd.date_range("2019-01-01", periods=bars, freq="h").to_numpy("datetime64[us]")
    return Panel(times, tuple("ABCDEF"[:symbols]), fields)


def frames(function: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Panel], Array]:
    """A factor written as raw pandas, behind the language's back."""
    return lambda panel: function(pd.DataFrame(panel["close"])).to_numpy(float)


CHEATERS = {
    "negative shift": lambda x: x.shift(-1) / x - 1,
    "centred window": lambda x: x - x.rolling(5, center=True).mean(),
    "full-sample rank": lambda x: x.rank(pct=True),
    "full-sample z-score": lambda x: (x - x.mean()) / x.std(),
    "back-filled warm-up": lambda x: x.rolling(20).mean().bfill() / x,
    "min-max of everything": lambda x: (x - x.min()) / (x.max() - x.min()),
    "interpolation": lambda x: x.where(x.index.to_series() % 7 != 3, np.nan).interpolate() / x,
    "reversed ewm": lambda x: x[::-1].ewm(span=5).mean()[::-1] / x,
    "swing points": lambda x: (x == x.rolling(9, center=True, min_periods=1).max()).astype(float) * x,
    "length gate": lambda x: x.diff() if len(x) < 300 else x.shift(-1) - x,
    "future of the last bar": lambda x: x.iloc[-1] / x,
}
HONEST = {
    "momentum": lambda x: x.pct_change(5),
    "rolling z-score": lambda x: (x - x.rolling(20).mean()) / x.rolling(20).std(),
    "cross-sectional rank": lambda x: x.rank(axis=1, pct=True) + 0 * x.diff(3),
}


def named(results: list[CheckResult], name: str) -> CheckResult:
    return next(result for result in results if result.name == name)


@pytest.mark.parametrize("cheat", CHEATERS)
def test_every_known_cheater_is_caught(cheat: str) -> None:
    """Raw pandas that uses the future, in the ways people write it."""
    result = named(validate(frames(CHEATERS[cheat]), market(), 20), "no_lookahead")
    assert not result.passed
    assert "future" in result.detail


@pytest.mark.parametrize("factor", HONEST)
def test_honest_pandas_passes(factor: str) -> None:
    """The same check refuses nothing that is causal."""
    assert all(result.passed for result in validate(frames(HONEST[factor]), market(), 20))


@pytest.mark.parametrize("text", ["ts_zscore(close, 20) * cs_rank(volume)", "rsi(close, 14)", "ema(close, 10) / close"])
def test_the_language_passes(text: str) -> None:
    """Expressions are causal by construction, and shown to be."""
    node = parse(text)
    results = validate(lambda panel: next(evaluate([node], panel))[1], market(), lookback(node))
    assert all(result.passed for result in results), [r.detail for r in results if not r.passed]


@pytest.mark.parametrize(
    ("function", "check"),
    [
        (lambda x: x * 0 + 3.0, "variation"),
        (lambda x: x.mul(0).add(x.index.to_numpy(), axis=0), "variation"),
        (lambda x: x.where(x.index.to_series() % 3 == 0), "coverage"),
        (lambda x: x * np.nan, "coverage"),
    ],
)
def test_values_that_say_nothing_are_named(function: Callable[[pd.DataFrame], pd.DataFrame], check: str) -> None:
    """Constants, the same number for every symbol, mostly missing."""
    assert not named(validate(frames(function), market(), 0), check).passed


def test_a_copy_is_named_with_its_twin() -> None:
    """A monotone transform of a factor in force orders symbols the same way, up or down."""
    panel = market()
    library = {"momentum_1": panel["close"], "other_2": panel["volume"]}
    twin = named(validate(frames(lambda x: -np.log(x)), panel, 0, library), "correlation")
    assert not twin.passed
    assert "momentum_1" in twin.detail
    assert named(validate(frames(lambda x: x.pct_change()), panel, 1, library), "correlation").passed


def test_the_registry_says_what_blocks() -> None:
    """Leaks and emptiness stop the graph; the rest informs."""
    assert {name for name, blocking in checks().items() if blocking} == {"no_lookahead", "coverage", "variation"}
