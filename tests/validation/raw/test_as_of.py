"""The panel joined again with what had arrived: later rows and later revisions change nothing before them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from alpha_pipeline.market.gaps import carried_bars
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.market.panel import align
from alpha_pipeline.validation.raw.as_of import late_arrivals

AGE = pd.Timedelta(days=3)


def join(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], until: pd.Timestamp) -> pd.DataFrame:
    """Of a market that carries nothing."""
    return align(bars, facts, AGE)


def tables() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Sixty hours of two symbols; facts that arrive late, are revised, and one that arrives before it happened."""
    closes = pd.date_range("2019-07-01 01:00", periods=60, freq="h", tz="UTC")
    bars = pd.DataFrame(
        {"timestamp": np.repeat(closes, 2), "symbol": ["A", "B"] * 60, "close": np.arange(120.0) + 100}
    ).assign(available_at=lambda t: t["timestamp"])
    stamps = closes[::8]
    facts = pd.DataFrame({"timestamp": stamps, "symbol": "A", "tvl": np.arange(float(len(stamps)))})
    first = facts.assign(available_at=facts["timestamp"] + pd.Timedelta(hours=5))
    revised = facts.assign(available_at=facts["timestamp"] + pd.Timedelta(hours=20), tvl=facts["tvl"] * 10)
    return bars, {"onchain": pd.concat([first, revised], ignore_index=True)}


def test_what_align_joins_was_known() -> None:
    """With revisions and delays."""
    bars, facts = tables()
    assert late_arrivals(align(bars, facts, AGE), bars, facts, join) == ""


def test_a_join_by_event_time_is_caught() -> None:
    """A fact taken at its event, hours before it arrived, with the moment and the row."""
    bars, facts = tables()
    early = {"onchain": facts["onchain"].assign(available_at=facts["onchain"]["timestamp"])}
    told = late_arrivals(align(bars, early, AGE), bars, facts, join)
    assert told.startswith("rebuilt as of 2019-07-0") and "tvl of A" in told


def test_a_later_revision_is_caught() -> None:
    """The last known value of all time is not what one knew."""
    bars, facts = tables()
    panel = align(bars, facts, AGE)
    panel.loc[panel["symbol"] == "A", "tvl"] = panel.loc[panel["symbol"] == "A", "tvl"].bfill()
    assert "tvl" in late_arrivals(panel, bars, facts, join)


def test_a_bar_before_its_time_is_caught() -> None:
    """A row that nobody had yet."""
    bars, facts = tables()
    slow = bars.assign(available_at=bars["timestamp"] + pd.Timedelta(hours=1))
    assert "rows" in late_arrivals(align(bars, facts, AGE), slow, facts, join)
    assert late_arrivals(align(bars, facts, AGE).iloc[:0], bars, facts, join) == ""


def carry(bars: pd.DataFrame, facts: Mapping[str, pd.DataFrame], until: pd.Timestamp) -> pd.DataFrame:
    """Of a market that carries closes for six hours."""
    return align(carried_bars(bars, CRYPTO, until), facts, AGE)


def holed() -> pd.DataFrame:
    """The bars with outages of 4 and 12 hours of A, one of both, and a bar that arrives late."""
    bars = tables()[0]
    hour = (bars["timestamp"] - bars["timestamp"].iloc[0]) // pd.Timedelta(hours=1)
    out = (hour.between(5, 8) | hour.between(20, 31)) & (bars["symbol"] == "A") | hour.between(40, 42)
    late = bars["available_at"].mask((hour == 50) & (bars["symbol"] == "B"), bars["timestamp"] + pd.Timedelta(hours=3))
    return bars.assign(available_at=late)[~out]


def test_carried_bars_were_carried_then() -> None:
    """Within a gap as after it, whatever its length; a late bar replaces no carried one."""
    bars, end = holed(), tables()[0]["timestamp"].max()
    facts = tables()[1]
    panel = carry(bars, facts, end)
    assert late_arrivals(panel, bars, facts, carry) == ""
    rows = panel.set_index(["symbol", "timestamp"])["carried"].groupby("symbol").sum()
    assert rows.to_dict() == {"A": 4 + 6 + 3, "B": 3 + 1}


def test_a_gap_carried_by_its_length_is_caught() -> None:
    """Whether a gap will be longer than six hours is known only later."""
    bars, facts = holed(), tables()[1]
    panel = carry(bars, facts, bars["timestamp"].max())
    long = (panel["symbol"] == "A") & panel["timestamp"].between("2019-07-01 21:00+00:00", "2019-07-02 08:00+00:00")
    assert "rows instead of" in late_arrivals(panel[~long].reset_index(drop=True), bars, facts, carry)
