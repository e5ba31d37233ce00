"""Outcomes by hand: closes of round numbers, costs in basis points."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.track_record import score_decisions
from alpha_pipeline.tables import FUSED_SIGNAL, TRACK_RECORD

# Thursday to Wednesday: a weekend lies between the second and the third close.
DAYS = pd.DatetimeIndex(["2019-07-04", "2019-07-05", "2019-07-08", "2019-07-09", "2019-07-10"], tz="UTC")
CLOSES = DAYS + pd.Timedelta(20, "h")
A = np.array([100.0, 110.0, 121.0, 108.9, 200.0])
B = np.array([50.0, 40.0, 20.0, 30.0, 30.0])
PANEL = Panel(CLOSES.tz_localize(None).to_numpy("datetime64[us]"), ("A", "B"), {"close": np.column_stack([A, B])})
MARKET = replace(EQUITIES, fee_bps=10.0, slippage_bps=15.0, horizon_bars=1)
COST = 2 * 25 / 10_000
DAY = pd.Timedelta(1, "D")
BEGIN, END = DAYS[0] - 9 * DAY, DAYS[-1] + DAY


def decided(*rows: tuple[int, str, str]) -> pd.DataFrame:
    """Decisions (bar, symbol, direction)."""
    table = pd.DataFrame([{"timestamp": CLOSES[bar], "symbol": s, "decision": d} for bar, s, d in rows])
    table = table.assign(market="equities", value=0.5, confidence=0.6)
    return table.reindex(columns=[c.name for c in FUSED_SIGNAL.columns])


@pytest.mark.parametrize(
    ("row", "out", "forward", "hit", "net"),
    [
        ((0, "A", "LONG"), 2, 0.1, 1.0, 0.1 - COST),
        ((0, "A", "SHORT"), 2, 0.1, 0.0, -0.1 - COST),
        ((1, "A", "LONG"), 3, -0.1, 0.0, -0.1 - COST),
        ((1, "A", "SHORT"), 3, -0.1, 1.0, 0.1 - COST),
        ((0, "B", "SHORT"), 2, -0.5, 1.0, 0.5 - COST),
        ((1, "B", "HOLD"), 3, 0.5, np.nan, 0.0),
        ((2, "B", "LONG"), 4, 0.0, 0.0, -COST),
    ],
)
def test_outcomes(row: tuple[int, str, str], out: int, forward: float, hit: float, net: float) -> None:
    """Filled at the close after the decision, closed a bar later, a round trip paid; over a weekend bars count."""
    scored_rows = score_decisions(decided(row), PANEL, MARKET, BEGIN, END)
    assert scored_rows["timestamp"].tolist() == [CLOSES[out]]
    assert scored_rows["decided_at"].tolist() == [CLOSES[row[0]]]
    numbers = scored_rows.loc[0, ["forward_return", "hit", "net_return"]].astype(float)
    np.testing.assert_allclose(numbers, [forward, hit, net], atol=1e-12)


def test_each_outcome_appears_once_on_the_day_it_is_known() -> None:
    """Nothing before the horizon has passed; run date by run date and all at once are the same rows."""
    table = decided(*[(bar, "A", "LONG") for bar in range(5)])
    run_dates = [score_decisions(table, PANEL.until(day + DAY), MARKET, day, day + DAY) for day in DAYS]
    assert [len(scored_rows) for scored_rows in run_dates] == [0, 0, 1, 1, 1]
    complete = score_decisions(table, PANEL, MARKET, BEGIN, END)
    pd.testing.assert_frame_equal(pd.concat(run_dates[2:], ignore_index=True), complete)
    assert TRACK_RECORD.conform(complete).num_rows == 3


def test_a_longer_horizon_waits_longer() -> None:
    """The trade is closed `horizon_bars` after its fill."""
    scored_rows = score_decisions(decided((0, "A", "LONG")), PANEL, replace(MARKET, horizon_bars=3), BEGIN, END)
    assert scored_rows["timestamp"].tolist() == [CLOSES[4]]
    assert scored_rows["forward_return"].tolist() == pytest.approx([200 / 110 - 1])


def test_prices_after_the_outcome_change_nothing() -> None:
    """An outcome is final."""
    later = replace(PANEL, fields={"close": np.vstack([PANEL["close"][:3], PANEL["close"][3:] * 3])})
    table = decided((0, "A", "LONG"), (0, "B", "SHORT"))
    scored_rows = [score_decisions(table, panel, MARKET, BEGIN, CLOSES[2]) for panel in (PANEL, later)]
    assert len(scored_rows[0]) == 2
    pd.testing.assert_frame_equal(*scored_rows)


@pytest.mark.parametrize("bar", [1, 2])
def test_a_missing_price_is_no_outcome(bar: int) -> None:
    """Neither a fill nor a close is made up."""
    close = PANEL["close"].copy()
    close[bar, 0] = np.nan
    panel = replace(PANEL, fields={"close": close})
    scored_rows = score_decisions(decided((0, "A", "LONG"), (0, "B", "LONG")), panel, MARKET, BEGIN, END)
    assert scored_rows["symbol"].tolist() == ["B"]


def test_a_decision_before_the_panel_has_no_outcome() -> None:
    """Its fill may lie before the first bar in sight."""
    assert len(score_decisions(decided((0, "A", "LONG")), PANEL.rows(1, None), MARKET, BEGIN, END)) == 0


def test_a_decision_at_a_bar_the_panel_lacks_is_filled_at_the_next() -> None:
    """One close after the decision, not two."""
    scored = [0, 2, 3, 4]
    panel = Panel(PANEL.timestamps[scored], PANEL.symbols, {"close": PANEL["close"][scored]})
    scored_rows = score_decisions(decided((1, "A", "LONG")), panel, MARKET, BEGIN, END)
    assert scored_rows["forward_return"].tolist() == pytest.approx([-0.1])


def test_other_markets_and_unknown_symbols_are_left_out() -> None:
    """A panel scores its own decisions."""
    table = pd.concat([decided((0, "A", "LONG")).assign(market="crypto"), decided((0, "Z", "LONG"))])
    assert len(score_decisions(table, PANEL, MARKET, BEGIN, END)) == 0


def test_nothing_to_score() -> None:
    """Empty decisions, or an empty panel, give an empty table with its columns."""
    for table, panel in ((FUSED_SIGNAL.empty(), PANEL), (decided((0, "A", "LONG")), PANEL.rows(0, 0))):
        scored_rows = score_decisions(table, panel, MARKET, BEGIN, END)
        assert len(scored_rows) == 0
        assert list(scored_rows.columns) == [c.name for c in TRACK_RECORD.columns]


def test_a_decision_filled_at_a_carried_bar_has_no_outcome() -> None:
    """No order executed there; an outcome at a carried bar is measured with its price."""
    carried = np.zeros((5, 2), bool)
    carried[2, 0] = True
    panel = replace(PANEL, carried=carried)
    scored_rows = score_decisions(decided(*((bar, "A", "LONG") for bar in range(3))), panel, MARKET, BEGIN, END)
    assert scored_rows["decided_at"].tolist() == [CLOSES[0], CLOSES[2]]
