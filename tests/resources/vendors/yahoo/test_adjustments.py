"""Adjusted closes, dividends and splits of Yahoo, through the real client, against a server on loopback."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.yahoo.adjustments import YahooAdjustments

NOW = pd.Timestamp("2024-07-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-06-30", tz="UTC"), pd.Timestamp("2024-07-03", tz="UTC")
FIRST, SECOND = pd.Timestamp("2024-07-01 20:00", tz="UTC"), pd.Timestamp("2024-07-02 20:00", tz="UTC")
DAYS = ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-05", "2024-07-08", "2024-07-09"]
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, timeout_seconds=2.0)


def opened(day: str) -> int:
    return int(pd.Timestamp(f"{day} 09:30", tz="America/New_York").timestamp())


def chart(query: dict[str, str], events: dict[str, Any]) -> dict[str, Any]:
    """Six sessions of price 100 and adjusted close 50, and what happened among them."""
    request = range(int(query.get("period1", 0)), int(query.get("period2", 2_000_000_000)))
    stamps = [opened(day) for day in DAYS if opened(day) in request]
    meta = {"currency": "USD", "instrumentType": "EQUITY", "exchangeTimezoneName": "America/New_York"}
    prices = {column: [100.0] * len(stamps) for column in ("open", "high", "low", "close")}
    quote = {**prices, "volume": [1000] * len(stamps)}
    indicators = {"quote": [quote], "adjclose": [{"adjclose": [50.0] * len(stamps)}]}
    inside = {
        kind: {stamp: told for stamp, told in found.items() if int(stamp) in request} for kind, found in events.items()
    }
    result = {"meta": {**meta, "validRanges": ["1d"]}, "timestamp": stamps, "indicators": indicators, "events": inside}
    return {"chart": {"result": [result], "error": None}}


def dividend(day: str, amount: object) -> dict[str, Any]:
    return {"dividends": {str(opened(day)): {"date": opened(day), "amount": amount}}}


def split(day: str, ratio: float) -> dict[str, Any]:
    return {"splits": {str(opened(day)): {"date": opened(day), "numerator": ratio, "denominator": 1.0}}}


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(lambda path, query: "crumb")


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> YahooAdjustments:
    rate_limit = RateLimit("yahoo", 10_000, 1.0, str(tmp_path))
    return YahooAdjustments(vendor.url, RETRY_POLICY, str(tmp_path), lambda: NOW, rate_limit)


def tells(vendor: Any, **events: Any) -> None:
    """From now on the vendor knows of these events."""

    def answer(path: str, query: dict[str, str]) -> object:
        if path.endswith("/GONE"):
            return (404, {"chart": {"result": None, "error": {"code": "Not Found", "description": "delisted"}}})
        return chart(query, events) if "/chart/" in path else "crumb"

    vendor.answer = answer


def test_without_events_a_row_is_known_at_its_close(source: YahooAdjustments, vendor: Any) -> None:
    """Adjusted close, dividend and split stand beside each other, typed, and nothing is known before its close."""
    tells(vendor)
    fetched = source.fetch(EQUITIES, ["AAPL", "MSFT"], START, END)
    assert source.kind == "adjustments" and tables.RAW_ADJUSTMENTS.conform(fetched.table).num_rows == 4
    assert fetched.table.dtypes.equals(tables.RAW_ADJUSTMENTS.empty().dtypes)
    assert (fetched.table["available_at"] == fetched.table["timestamp"]).all()
    assert fetched.table["adjusted_close"].tolist() == [50.0] * 4 and fetched.counts == {}
    assert fetched.table[["dividend", "split"]].eq(0.0).all(axis=None)


def test_an_event_is_a_row_of_its_session(source: YahooAdjustments, vendor: Any) -> None:
    """A dividend and a split of the second session stand there and nowhere else."""
    tells(vendor, **dividend("2024-07-02", 0.25), **split("2024-07-02", 4.0))
    table = source.fetch(EQUITIES, ["AAPL"], START, END).table
    assert table["dividend"].tolist() == [0.0, 0.25] and table["split"].tolist() == [0.0, 4.0]
    day_begins = pd.Timestamp("2024-07-02 04:00", tz="UTC")
    assert table["available_at"].tolist() == [day_begins, SECOND]


def test_a_close_rewritten_by_a_later_event_is_known_from_that_event(source: YahooAdjustments, vendor: Any) -> None:
    """The adjusted close of the first of July could not be known before the dividend of the ninth."""
    tells(vendor, **dividend("2024-07-09", 0.25))
    table = source.fetch(EQUITIES, ["AAPL"], START, END).table
    assert table["timestamp"].tolist() == [FIRST, SECOND] and table["dividend"].tolist() == [0.0, 0.0]
    assert (table["available_at"] == pd.Timestamp("2024-07-09 04:00", tz="UTC")).all()


def test_fetched_again_only_a_new_event_makes_a_new_row(source: YahooAdjustments, vendor: Any) -> None:
    """A past window gives the same rows until an event rewrites them; then they are known later, and both can stay."""
    tells(vendor, **dividend("2024-07-02", 0.25))
    first = source.fetch(EQUITIES, ["AAPL"], START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=2))
    pd.testing.assert_frame_equal(later.fetch(EQUITIES, ["AAPL"], START, END).table, first)
    tells(vendor, **dividend("2024-07-08", 0.25))
    second = source.fetch(EQUITIES, ["AAPL"], START, END).table
    assert tables.RAW_ADJUSTMENTS.conform(pd.concat([first, second])).num_rows == 4


@pytest.mark.parametrize(
    ("adjusted", "events", "reason"),
    [
        (None, {}, "a session without a price"),
        (float("inf"), {}, "an adjusted close that is not finite or not above zero"),
        (-1.0, {}, "an adjusted close that is not finite or not above zero"),
        (50.0, dividend("2024-07-02", -1.0), "a dividend that is not finite or below zero"),
        (50.0, dividend("2024-07-02", float("inf")), "a dividend that is not finite or below zero"),
        (50.0, split("2024-07-02", -2.0), "a split that is not finite or below zero"),
    ],
)
def test_a_row_that_breaks_its_contract_is_left_out_and_counted(
    source: YahooAdjustments, vendor: Any, adjusted: object, events: dict[str, Any], reason: str
) -> None:
    """One bad row costs one session, with its reason."""

    def answer(path: str, query: dict[str, str]) -> object:
        told = chart(query, events)
        if "period1" in query:
            told["chart"]["result"][0]["indicators"]["adjclose"][0]["adjclose"][1] = adjusted
        return told

    vendor.answer = answer
    fetched = source.fetch(EQUITIES, ["AAPL"], START, END)
    assert fetched.table["timestamp"].tolist() == [FIRST] and fetched.counts == {f"AAPL: {reason}": 1}


def test_what_came_of_many_symbols_is_kept(source: YahooAdjustments, vendor: Any) -> None:
    """A delisted symbol is a failure beside the rows of the others; when none comes it is an error."""
    tells(vendor)
    fetched = source.fetch(EQUITIES, ["AAPL", "GONE"], START, END)
    assert set(fetched.table["symbol"]) == {"AAPL"} and "delisted" in fetched.failures["GONE"]
    with pytest.raises(SourceError, match="adjusted closes of GONE, sessions 2024-07-01 to 2024-07-02: .*delisted"):
        source.fetch(EQUITIES, ["GONE"], START, END)


def test_windows_without_a_settled_session(source: YahooAdjustments, vendor: Any) -> None:
    """A holiday asks nobody; a session of tomorrow is an error, an hourly market a setting that is none."""
    holiday = source.fetch(
        EQUITIES, ["AAPL"], pd.Timestamp("2024-07-04", tz="UTC"), pd.Timestamp("2024-07-05", tz="UTC")
    )
    assert holiday.table.empty and vendor.requests == []
    with pytest.raises(SourceError, match="no session of .* is settled"):
        source.fetch(EQUITIES, ["AAPL"], NOW, NOW + pd.Timedelta(days=1))
    with pytest.raises(SettingError, match="serves daily bars"):
        source.fetch(CRYPTO, ["AAPL"], START, END)


def test_an_event_is_known_at_its_session_whatever_rewrote_its_close(source: YahooAdjustments, vendor: Any) -> None:
    """A backfill holds every dividend, not only the last one; the adjusted close stays with the event after it."""
    tells(vendor, dividends=dividend("2024-07-02", 0.5)["dividends"] | dividend("2024-07-09", 0.4)["dividends"])
    table = source.fetch(EQUITIES, ["AAPL"], START, END).table
    paid = table[table["timestamp"] == SECOND]
    assert paid["available_at"].tolist() == [SECOND, pd.Timestamp("2024-07-09 04:00", tz="UTC")]
    assert paid["dividend"].tolist() == [0.5, 0.5] and paid["adjusted_close"].isna().tolist() == [True, False]
