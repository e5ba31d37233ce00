"""What a run date had to work with: present, late, absent, closed."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.coverage import daily_presence, daily_share, data_coverage
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, expected_closes
from alpha_pipeline.tables import DATA_COVERAGE

RUN_DATE = pd.Timestamp("2019-09-30", tz="UTC")
DAY = pd.Timedelta(days=1)


def bars(market: Market, symbols: tuple[str, ...], start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Every bar that was due in (start, end], known at its close."""
    closes = expected_closes(market, start, end)
    return pd.DataFrame([(close, symbol, close) for close in closes for symbol in symbols],
                        columns=["timestamp", "symbol", "available_at"])  # fmt: skip


def state(
    table: pd.DataFrame, name: str = "ohlcv", market: Market = CRYPTO, run_date: pd.Timestamp = RUN_DATE
) -> pd.Series:
    """The one row of a source."""
    found = data_coverage(run_date, market, {name: table}, ["A", "B"], {name: "why"}, {name: 4})
    return DATA_COVERAGE.conform(found).to_pandas().iloc[0]


def test_all_bars_are_present_and_one_less_is_late() -> None:
    """Forty-eight of two symbols in a day of hours."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    whole, short = state(table), state(table.iloc[:-1])
    assert (whole["status"], whole["share"], whole["rows"], whole["age_hours"]) == ("present", 1.0, 48, 0.0)
    assert (short["status"], short["share"]) == ("late", 47 / 48)
    assert (whole["rejected_rows"], whole["reason"]) == (4, "why")


def test_what_became_known_later_does_not_count() -> None:
    """A run date is told as it was, whatever came after."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    later = bars(CRYPTO, ("A", "B"), RUN_DATE + DAY, RUN_DATE + 2 * DAY)
    pd.testing.assert_series_equal(state(table), state(pd.concat([table, later])))


def test_a_day_without_a_session_is_closed() -> None:
    """The Sunday before."""
    sunday = RUN_DATE - DAY
    found = state(bars(EQUITIES, ("A", "B"), sunday - 3 * DAY, sunday + DAY), market=EQUITIES, run_date=sunday)
    assert (found["status"], found["rows"]) == ("closed", 0)
    assert np.isnan(found["share"])


@pytest.mark.parametrize(("market", "age", "status"), [
    (CRYPTO, 0.9, "present"), (CRYPTO, 1.1, "late"), (EQUITIES, 3.5, "present"), (EQUITIES, 4.5, "late"),
])  # fmt: skip
def test_facts_are_late_by_the_patience_of_their_market(market: Market, age: float, status: str) -> None:
    """A day around the clock, a long weekend elsewhere."""
    known = RUN_DATE + DAY - age * DAY
    assert state(pd.DataFrame([(known, "A", known)], columns=["timestamp", "symbol", "available_at"]), "funding",
                 market)["status"] == status  # fmt: skip


def test_a_source_without_a_row_is_absent() -> None:
    """No age, no share, no newest row."""
    found = state(bars(CRYPTO, (), RUN_DATE, RUN_DATE + DAY).astype({"available_at": "datetime64[us, UTC]"}), "news")
    assert found["status"] == "absent"
    assert np.isnan(found["age_hours"]) and pd.isna(found["last_known"])


def test_shares_by_day() -> None:
    """Of the bars due, by symbol; of the symbols, by source."""
    table = bars(CRYPTO, ("A", "B"), RUN_DATE - DAY, RUN_DATE + DAY)
    lacking = table.drop(index=table.index[(table["symbol"] == "B") & (table["timestamp"] > RUN_DATE)][:12])
    assert daily_share(lacking, CRYPTO, RUN_DATE - DAY, RUN_DATE + DAY).to_numpy().tolist() == [[1.0, 1.0], [1.0, 0.5]]
    days = pd.date_range(RUN_DATE - DAY, periods=2)
    only = table[(table["symbol"] == "A") & (table["timestamp"] > RUN_DATE)]
    assert daily_presence({"funding": only}, 2, days).to_numpy().tolist() == [[0.0, 0.5]]
