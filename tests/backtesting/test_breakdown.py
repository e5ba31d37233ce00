"""Parts of bars and of symbols: each bar in one year, one regime, and the parts agree with the whole."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import BacktestConfig, Bars, backtest, study_factor, subsample_breakdown
from alpha_pipeline.backtesting.market_regimes import regime, regimes
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel

BARS, SYMBOLS = 900, 8


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Random walks with volume, three and a half years of days."""
    rng = np.random.default_rng(3)
    times = pd.date_range("2015-01-01 21:00", periods=BARS, freq="B").to_numpy("datetime64[us]")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, SYMBOLS)), axis=0))
    volume = rng.lognormal(8, 1, (BARS, SYMBOLS)) * np.arange(1, SYMBOLS + 1)
    return Panel(times, tuple("ABCDEFGH"), {"close": close, "volume": volume})


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """A worthless factor."""
    return np.random.default_rng(4).normal(size=(BARS, SYMBOLS))


def test_parts_of_a_kind_cover_the_whole(panel: Panel, values: np.ndarray) -> None:
    """Years and both sides of a cutoff add up to all bars; the whole is the plain backtest."""
    table = subsample_breakdown(values, Bars.of(panel, EQUITIES), cutoff=pd.Timestamp("2016-06-30", tz="UTC"))
    whole = table.set_index("kind").loc["all"]
    net = backtest(values, Bars.of(panel, EQUITIES, BacktestConfig.of(EQUITIES))).net
    assert whole["bars"] == len(net) and whole["sharpe"] == pytest.approx(net.mean() / net.std(ddof=1) * np.sqrt(252))
    for kind in ("year", "cutoff"):
        assert table.loc[table["kind"] == kind, "bars"].sum() == len(net)
    by_year = table[table["kind"] == "year"].set_index("subsample")
    assert (by_year["annual_return"] * by_year["bars"]).sum() / len(net) == pytest.approx(whole["annual_return"])


def test_a_slice_is_what_pandas_groups(panel: Panel, values: np.ndarray) -> None:
    """The Sharpe ratio of a year is that of the returns stamped in it."""
    result = backtest(values, Bars.of(panel, EQUITIES, BacktestConfig.of(EQUITIES)))
    closes = pd.DatetimeIndex(panel.timestamps)[result.first : result.first + len(result.net)]
    net = pd.Series(result.net, closes)
    wanted = net.groupby(net.index.year).apply(lambda x: x.mean() / x.std() * np.sqrt(252))
    table = subsample_breakdown(values, Bars.of(panel, EQUITIES))
    found = table[table["kind"] == "year"].set_index("subsample")["sharpe"]
    np.testing.assert_allclose(found.to_numpy(), wanted.to_numpy(), rtol=1e-12)


def test_regimes_know_no_later_bar(panel: Panel) -> None:
    """Each bar's words stay the same when the panel ends with it, and the last ones are `regime`'s."""
    words = regimes(panel, EQUITIES)
    for stop in (100, 400, 899):
        pd.testing.assert_frame_equal(regimes(panel.rows(0, stop), EQUITIES), words.iloc[:stop])
        assert regime(panel.rows(0, stop), EQUITIES) == " ".join(words.iloc[stop - 1][["trend", "risk"]])
    assert (words.iloc[:19] == "").all(axis=None) and set(words["liquidity"]) == {"", "liquid", "thin"}


def test_earlier_bars_only_say_the_regime(panel: Panel, values: np.ndarray) -> None:
    """Measured from a later bar on, the numbers are those of the later bars; no bar lacks its regime then."""
    late = subsample_breakdown(values, Bars.of(panel, EQUITIES), start=500)
    alone = subsample_breakdown(values[500:], Bars.of(panel.rows(500, None), EQUITIES))
    kinds = ["all", "year"]
    pd.testing.assert_frame_equal(
        late[late["kind"].isin(kinds)].reset_index(drop=True), alone[alone["kind"].isin(kinds)].reset_index(drop=True)
    )
    assert late.loc[late["kind"] == "trend", "bars"].sum() == late["bars"].iloc[0]


def test_groups_of_symbols_are_halves_by_money(panel: Panel, values: np.ndarray) -> None:
    """A factor that works among the much traded alone earns there alone."""
    cheat = values.copy()
    forward = np.roll(panel["close"], -2, axis=0) / np.roll(panel["close"], -1, axis=0)
    money = (panel["close"] * panel["volume"])[:450].sum(axis=0)
    much = money >= np.median(money)
    cheat[:, much] = forward[:, much]
    table = subsample_breakdown(cheat, Bars.of(panel, EQUITIES)).set_index("subsample")
    assert table.loc["more traded half", "rank_ic"] > 0.9 and abs(table.loc["less traded half", "rank_ic"]) < 0.1


def test_a_study_agrees_with_itself(panel: Panel, values: np.ndarray) -> None:
    """Series, slices and protocol tell one story."""
    found = study_factor(values, Bars.of(panel, EQUITIES), start=300)
    net = found.returns["net"]
    sharpe = net.mean() / net.std() * np.sqrt(252)
    assert found.breakdown["sharpe"].iloc[0] == pytest.approx(sharpe)
    assert found.sensitivity["sharpe"].iloc[0] == pytest.approx(sharpe)
    assert found.rank_ic.mean() == pytest.approx(found.breakdown["rank_ic"].iloc[0])
    assert found.ic_decay[1] == pytest.approx(found.rank_ic.mean()) and len(found.quantiles) == 5
