"""Data coverage of a run date: present, late, absent, closed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.coverage import daily_presence, daily_share, data_coverage
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, expected_closes
from alpha_pipeline.tables import DATA_COVERAGE

RUN_DATE = pd.Timestamp("2019-09-30", tz="UTC")
DAY = pd.Timedelta(days=1)


def bars(market: Market, symbols: tuple[str, ...], start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Every bar due in (start, end], available at its close."""
    closes = expected_closes(market, start, end)
    return pd.DataFrame([(close, symbol, close) for close in closes for symbol in symbols],
                        columns=["timestamp", "symbol", "available_at"])  # fmt: skip


def state(
    raw: pd.DataFrame, name: str = "ohlcv", market: Market = CRYPTO, run_date: pd.Timestamp = RUN_DATE
) -> pd.Series:
    """The coverage row of one source."""
    table = data_coverage(run_date, market, {name: raw}, ["A", "B"], {name: "why"}, {name: 4})
    return DATA_COVERAGE.conform(table).to_pandas().iloc[0]


def test_bars_are_late_when_one_is_missing() -> None:
    """48 hourly bars of two symbols are due in a day."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    full, short = state(table), state(table.iloc[:-1])
    assert (full["status"], full["share"], full["rows"], full["age_hours"]) == ("present", 1.0, 48, 0.0)
    assert (short["status"], short["share"]) == ("late", 47 / 48)
    assert (full["rejected_rows"], full["reason"]) == (4, "why")


def test_rows_available_later_do_not_count() -> None:
    """Coverage is point in time."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    later = bars(CRYPTO, ("A", "B"), RUN_DATE + DAY, RUN_DATE + 2 * DAY)
    pd.testing.assert_series_equal(state(table), state(pd.concat([table, later])))


def test_a_day_without_a_session_is_closed() -> None:
    """Stocks on a Sunday."""
    sunday = RUN_DATE - DAY
    row = state(bars(EQUITIES, ("A", "B"), sunday - 3 * DAY, sunday + DAY), market=EQUITIES, run_date=sunday)
    assert (row["status"], row["rows"]) == ("closed", 0)
    assert np.isnan(row["share"])


@pytest.mark.parametrize(("market", "age", "status"), [
    (CRYPTO, 0.9, "present"), (CRYPTO, 1.1, "late"), (EQUITIES, 3.5, "present"), (EQUITIES, 4.5, "late"),
])  # fmt: skip
def test_other_sources_are_late_by_the_age_of_their_newest_row(market: Market, age: float, status: str) -> None:
    """Above a day in a 24/7 market, four days elsewhere."""
    available = RUN_DATE + DAY - age * DAY
    rows = pd.DataFrame([(available, "A", available)], columns=["timestamp", "symbol", "available_at"])
    assert state(rows, "funding", market)["status"] == status


def test_a_source_without_a_row_is_absent() -> None:
    """No age, no share, no newest row."""
    row = state(bars(CRYPTO, (), RUN_DATE, RUN_DATE + DAY).astype({"available_at": "datetime64[us, UTC]"}), "news")
    assert row["status"] == "absent"
    assert np.isnan(row["age_hours"]) and pd.isna(row["last_known"])


def test_shares_by_day() -> None:
    """Bars received by symbol; symbols with a row by source."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    lacking = table.drop(index=table.index[(table["symbol"] == "B") & (table["timestamp"] > RUN_DATE)][:12])
    assert daily_share(lacking, CRYPTO, RUN_DATE - DAY, RUN_DATE + DAY).to_numpy().tolist() == [[1.0, 1.0], [1.0, 0.5]]
    days = pd.date_range(RUN_DATE - DAY, periods=2)
    only = table[(table["symbol"] == "A") & (table["timestamp"] > RUN_DATE)]
    assert daily_presence({"funding": only}, 2, days).to_numpy().tolist() == [[0.0, 0.5]]


def test_bars_due_are_received_carried_or_missing() -> None:
    """An outage of ten hours of B is six bars carried and four missing; one that began the day before carries less."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    hour = (table["timestamp"] - RUN_DATE) / pd.Timedelta(hours=1)
    out = state(table[~(hour.between(5, 14) & (table["symbol"] == "B"))])
    assert (out["rows"], out["carried"], out["missing"]) == (38, 6, 4)
    before = state(table[~hour.between(-2, 5)])
    assert (before["carried"], before["missing"]) == (2 * 3, 2 * 2)
    nothing = state(table[~hour.between(5, 14)], market=replace(CRYPTO, max_forward_fill=pd.Timedelta(0)))
    assert (nothing["carried"], nothing["missing"]) == (0, 20)
    assert state(table)[["carried", "missing"]].tolist() == [0, 0]


def test_a_late_bar_is_received_and_carried_in_the_panel() -> None:
    """No decision at its close could use it."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    late = table.index[table["timestamp"] == RUN_DATE + pd.Timedelta(hours=7)]
    table.loc[late, "available_at"] += pd.Timedelta(hours=2)
    assert state(table)[["rows", "carried", "missing", "status"]].tolist() == [48, 2, 0, "present"]
