"""The noise floor: the same bars in an order that says nothing of what comes next, and the same rule on them."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.loop import MiningSettings
from alpha_pipeline.mining.shuffled_bars import measure_noise_floor, shuffled
from alpha_pipeline.reporting.funnel import floor_rows, floor_text, floors
from alpha_pipeline.tables import NOISE_FLOOR

from .scripted import Script, mined, night_of, walk


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Random walks that follow a field."""
    return walk(400, edge=1.0)


def moves(panel: Panel) -> np.ndarray:
    close = panel["close"]
    return np.round(close[1:] / close[:-1], 9)


def test_bars_keep_their_moves_and_their_fields(panel: Panel) -> None:
    """Every bar is there once, whole; only the order is another."""
    luck = shuffled(panel, 1, seed=4)
    assert luck.symbols == panel.symbols and (luck.timestamps == panel.timestamps).all()
    mine, theirs = ({tuple(row) for row in moves(p)} for p in (panel, luck))
    assert len(mine - theirs) <= 1  # the first bar has no move of its own
    rows = {tuple(row) for row in panel["volume"]}
    assert {tuple(row) for row in luck["volume"]} == rows
    assert not np.array_equal(luck["close"], panel["close"])
    np.testing.assert_array_equal(shuffled(panel, 1, seed=4)["close"], luck["close"])


def test_what_is_missing_goes_with_its_bar() -> None:
    """Gaps move, nothing else becomes undefined; within a bar prices keep their order."""
    rng = np.random.default_rng(0)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (120, 4)), axis=0))
    fields = {"open": close * 0.999, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": close * 0 + 1}
    gaps = rng.random((120, 4)) < 0.1
    gaps[0] = False
    fields = {name: np.where(gaps, np.nan, values) for name, values in fields.items()}
    times = pd.date_range("2018-01-01", periods=120, freq="D").to_numpy("datetime64[us]")
    luck = shuffled(Panel(times, tuple("ABCD"), fields, carried=gaps), 5, seed=1)
    assert np.isnan(luck["close"]).sum() == gaps.sum()
    assert luck.carried is not None and not np.array_equal(luck.carried, gaps)
    np.testing.assert_array_equal(np.isnan(luck["close"]), luck.carried)
    present = np.isfinite(luck["close"])
    assert (luck["high"][present] >= luck["close"][present]).all() and (luck["low"][present] > 0).all()


def test_an_edge_stands_above_the_floor_and_luck_does_not(panel: Panel) -> None:
    """A planted factor beats every replay, nothing is admitted there; a worthless one is one of many."""
    context = mined(Script(["edge", "cs_rank(volume)"]), 2, panel)
    table = measure_noise_floor(night_of(panel), EQUITIES, panel, context, MiningSettings(), 6)
    assert NOISE_FLOOR.conform(table).num_rows == 7
    found = {name: (real, luck) for name, real, luck in floors(table)}
    assert all(real > luck.max() for real, luck in found.values())
    assert table.loc[table["shuffle"] > 0, "accepted"].sum() == 0 and table["accepted"].iloc[0] >= 1
    assert (table["factors_measured"] == 2).all()
    assert [told for *_, told in floor_rows(table)] == ["above 6 of 6 shuffled panels"] * 3
    assert floor_text({"crypto": table}).count("above 6 of 6") == 3


def test_shuffled_bars_are_judged_by_the_rule_of_the_night(panel: Panel) -> None:
    """The rule stands in the run date's rows: one that admits anything admits on shuffled bars too."""
    open_ = Admission(t_stat=0, train_q_value=1, valid_q_value=1, sharpe=-99, probabilistic_sharpe=0, correlation=2)
    sources = ["cs_rank(volume)", "-cs_rank(volume)", "ts_return(close, 5)", "-ts_return(close, 7)"]
    context = mined(Script(sources), 4, panel, admission=open_)
    assert set(context["admission_rule"]) == {open_.to_text()} and Admission.from_text(open_.to_text()) == open_
    table = measure_noise_floor(night_of(panel), EQUITIES, panel, context, MiningSettings(), 3)
    assert table.loc[table["shuffle"] > 0, "accepted"].sum() > 0
    strict = measure_noise_floor(
        night_of(panel), EQUITIES, panel, context.assign(admission_rule=""), MiningSettings(), 3
    )
    assert strict.loc[strict["shuffle"] > 0, "accepted"].sum() == 0
    with pytest.raises(DataError, match="is not an admission rule"):
        Admission.from_text('{"speed": 1}')


def test_funding_is_paid_on_shuffled_bars_as_on_real_ones(panel: Panel) -> None:
    """The rank ICs are what they were; what is earned after costs is not."""
    context = mined(Script(["edge", "cs_rank(volume)"]), 2, panel)
    stamps = pd.DatetimeIndex(panel.timestamps[1:]).tz_localize("UTC")
    paid = pd.DataFrame(
        [(stamp, symbol, stamp, 0.01 * (-1) ** k) for stamp in stamps for k, symbol in enumerate(panel.symbols)],
        columns=["timestamp", "symbol", "available_at", "funding"],
    )
    free = measure_noise_floor(night_of(panel), EQUITIES, panel, context, MiningSettings(), 3)
    costly = measure_noise_floor(night_of(panel), EQUITIES, panel, context, MiningSettings(), 3, paid)
    assert (free["best_train_t"] == costly["best_train_t"]).all()
    replays = free["shuffle"] > 0
    assert (free.loc[replays, "best_sharpe"] != costly.loc[replays, "best_sharpe"]).all()


def test_a_night_without_a_measured_trial_has_no_floor(panel: Panel) -> None:
    """One row, which says so."""
    context = mined(Script(["close +"]), 1, panel)
    table = measure_noise_floor(night_of(panel), EQUITIES, panel, context, MiningSettings(), 3)
    assert len(table) == 1 and table["factors_measured"].iloc[0] == 0 and np.isnan(table["best_sharpe"].iloc[0])
    assert floor_rows(table) == [] and floor_text({"crypto": table}) == ""
