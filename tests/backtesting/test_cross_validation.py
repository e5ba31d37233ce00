"""Walking forward and combinatorial paths: directions come from other bars than those they are traded on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import BacktestConfig, Bars, cpcv_paths, walk_forward, walk_forward_book
from alpha_pipeline.backtesting.traded_factor import TradedFactor
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel

DAYS, SYMBOLS = 300, 12


@pytest.fixture
def panel() -> Panel:
    rng = np.random.default_rng(3)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (DAYS, SYMBOLS)), axis=0))
    times = pd.date_range("2015-01-01 21:00", periods=DAYS, freq="B").to_numpy("datetime64[us]")
    return Panel(times, tuple(f"S{k:02d}" for k in range(SYMBOLS)), {"close": close, "open": close})


def foresight(panel: Panel, sign: np.ndarray) -> np.ndarray:
    """Tomorrow's move from open to open, turned by (bars,) signs: a factor whose direction is known."""
    opens = panel["open"]
    excess_return = np.full(opens.shape, np.nan)
    excess_return[:-2] = opens[2:] / opens[1:-1] - 1
    return excess_return * sign[:, None]


def test_an_inverted_factor_is_traded_the_other_way(panel: Panel) -> None:
    """What lost in the 180 days before is sold in the next 30, so either sign of a true factor earns."""
    plain, inverted = (
        walk_forward_book(foresight(panel, np.full(DAYS, s)), Bars.of(panel, EQUITIES)) for s in (1.0, -1.0)
    )
    assert plain["subsample"].tolist()[:2] == ["all 4 walks", "from 2015-09-10"]
    assert (plain["sharpe"] > 5).all()
    pd.testing.assert_frame_equal(plain, inverted)


def test_a_turn_is_noticed_only_by_the_walks_that_learnt_after_it(panel: Panel) -> None:
    """A factor that turns round on the day the second walk begins loses in that walk: nothing looks ahead."""
    second = list(walk_forward(DAYS, EQUITIES.horizon_bars, 180, 30))[1][1][0]
    turned = np.where(np.arange(DAYS) < second, 1.0, -1.0)
    found = walk_forward_book(foresight(panel, turned), Bars.of(panel, EQUITIES))
    assert found["sharpe"].iloc[1] > 5 and found["sharpe"].iloc[2] < -5


def test_no_walk_fits_a_short_panel(panel: Panel) -> None:
    """Without a whole walk there is nothing to say."""
    short = panel.rows(0, 100)
    assert walk_forward_book(foresight(panel, np.ones(DAYS))[:100], Bars.of(short, EQUITIES)).empty


def test_nine_paths_through_ten_blocks(panel: Panel) -> None:
    """Each of the C(9, 1) paths of a factor that never turns is the factor itself, after costs."""
    values = foresight(panel, np.ones(DAYS))
    paths = cpcv_paths(values, Bars.of(panel, EQUITIES))
    assert paths["subsample"].tolist() == [f"{k} of 9" for k in range(1, 10)]
    net = TradedFactor.of(values, Bars.of(panel, EQUITIES)).net
    expected = np.nanmean(net) / np.nanstd(net, ddof=1) * np.sqrt(252)
    np.testing.assert_allclose(paths["sharpe"], expected)


def test_a_late_fill_is_learnt_from_later(panel: Panel) -> None:
    """With five bars from decision to fill, labels that reach into the traded days teach nothing."""
    opens, first = panel["open"], next(walk_forward(DAYS, EQUITIES.horizon_bars, 180, 30))[1][0]
    values = np.full(opens.shape, np.nan)
    values[:-6] = opens[6:] / opens[5:-1] - 1
    values[: first - 4] = np.nan
    values[first - 4 : first] *= -1  # says the opposite of what is traded, of days that are not over as trading begins
    found = walk_forward_book(values, Bars.of(panel, EQUITIES, replace(BacktestConfig.of(EQUITIES), delay_bars=5)))
    assert found["sharpe"].iloc[1] > 5
