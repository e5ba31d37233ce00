"""The panel joined again with what had arrived: later rows and later revisions change nothing before them."""

from functools import partial

import numpy as np
import pandas as pd

from alpha_pipeline.market.panel import align
from alpha_pipeline.validation.raw.as_of import late_arrivals

AGE = pd.Timedelta(days=3)
JOIN = partial(align, max_age=AGE)


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
    assert late_arrivals(align(bars, facts, AGE), bars, facts, JOIN) == ""


def test_a_join_by_event_time_is_caught() -> None:
    """A fact taken at its event, hours before it arrived, with the moment and the row."""
    bars, facts = tables()
    early = {"onchain": facts["onchain"].assign(available_at=facts["onchain"]["timestamp"])}
    told = late_arrivals(align(bars, early, AGE), bars, facts, JOIN)
    assert told.startswith("rebuilt as of 2019-07-0") and "tvl of A" in told


def test_a_later_revision_is_caught() -> None:
    """The last known value of all time is not what one knew."""
    bars, facts = tables()
    panel = align(bars, facts, AGE)
    panel.loc[panel["symbol"] == "A", "tvl"] = panel.loc[panel["symbol"] == "A", "tvl"].bfill()
    assert "tvl" in late_arrivals(panel, bars, facts, JOIN)


def test_a_bar_before_its_time_is_caught() -> None:
    """A row that nobody had yet."""
    bars, facts = tables()
    slow = bars.assign(available_at=bars["timestamp"] + pd.Timedelta(hours=1))
    assert "rows" in late_arrivals(align(bars, facts, AGE), slow, facts, JOIN)
    assert late_arrivals(align(bars, facts, AGE).iloc[:0], bars, facts, JOIN) == ""
