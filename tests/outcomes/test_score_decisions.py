"""Outcomes are the returns one could have had, recorded on the day they are known."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.track_record import score_decisions
from alpha_pipeline.tables import TRACK_RECORD

DAY = pd.Timestamp("2019-07-01", tz="UTC")
LATER = DAY + pd.Timedelta(days=10)


def prices(hours: int = 72) -> Panel:
    times = pd.date_range(DAY, periods=hours, freq="h", inclusive="right").tz_localize(None)
    close = 100.0 + np.arange(len(times), dtype=float)[:, None] * [1.0, -1.0]
    return Panel(times.to_numpy("datetime64[us]"), ("A", "B"), {"close": close})


def decided(at: pd.Timestamp, market: str = "crypto", **decisions: str) -> pd.DataFrame:
    rows = [
        {"timestamp": at, "market": market, "symbol": symbol, "decision": decision, "value": 0.5, "confidence": 0.6}
        for symbol, decision in decisions.items()
    ]
    return pd.DataFrame(rows)


def test_the_return_runs_from_the_next_bar_over_the_horizon() -> None:
    """Decided at the bar of index 5: filled at 6, out at 30, a round trip of costs off."""
    panel = prices()
    at = pd.Timestamp(panel.timestamps[5], tz="UTC")
    record = score_decisions(decided(at, A="LONG", B="SHORT"), panel, CRYPTO, DAY, LATER).set_index("symbol")
    assert record.loc["A", "forward_return"] == pytest.approx(130 / 106 - 1)
    assert record.loc["B", "forward_return"] == pytest.approx(70 / 94 - 1)
    assert record.loc["A", "net_return"] == pytest.approx(130 / 106 - 1 - 0.003)
    assert record.loc["B", "net_return"] == pytest.approx(1 - 70 / 94 - 0.003)
    assert record["hit"].tolist() == [1.0, 1.0]
    assert (record["timestamp"] == pd.Timestamp(panel.timestamps[30], tz="UTC")).all()
    TRACK_RECORD.conform(record.reset_index())


def test_an_outcome_is_recorded_once_on_the_day_it_is_known() -> None:
    """Neither before the horizon has passed, nor again a day later."""
    panel = prices()
    signal = decided(pd.Timestamp(panel.timestamps[5], tz="UTC"), A="LONG")
    days = [DAY + pd.Timedelta(days=n) for n in range(4)]
    counts = [len(score_decisions(signal, panel, CRYPTO, a, b)) for a, b in pairwise(days)]
    assert counts == [0, 1, 0]
    assert len(score_decisions(signal, panel.rows(0, 30), CRYPTO, DAY, LATER)) == 0


def test_holding_has_no_hit_and_costs_nothing() -> None:
    """The move is recorded, the record of decisions is not touched."""
    panel = prices()
    row = score_decisions(
        decided(pd.Timestamp(panel.timestamps[5], tz="UTC"), A="HOLD"), panel, CRYPTO, DAY, LATER
    ).iloc[0]
    assert np.isnan(row["hit"])
    assert row["net_return"] == 0
    assert row["forward_return"] > 0


def test_what_cannot_be_scored_has_no_row() -> None:
    """A missing price, another market, an unknown symbol, a decision from before the panel."""
    panel = prices()
    at = pd.Timestamp(panel.timestamps[5], tz="UTC")
    panel.fields["close"][6, 0] = np.nan
    assert len(score_decisions(decided(at, A="LONG"), panel, CRYPTO, DAY, LATER)) == 0
    assert len(score_decisions(decided(at, A="LONG"), prices(), EQUITIES, DAY, LATER)) == 0
    assert len(score_decisions(decided(at, C="LONG"), prices(), CRYPTO, DAY, LATER)) == 0
    before = DAY - pd.Timedelta(days=30)
    assert len(score_decisions(decided(before, A="LONG"), prices(), CRYPTO, DAY, LATER)) == 0
