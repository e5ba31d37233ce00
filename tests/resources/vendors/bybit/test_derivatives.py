"""Funding, open interest and the order book of Bybit, through the real client, against a server on loopback."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.bybit.derivatives import BybitDerivatives, BybitFunding

HOUR_MS = 3_600_000
NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
START, END = pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-10", tz="UTC")
KNOWN = ("BTCUSDT", "ETHUSDT")
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, timeout_seconds=2.0)
EVERY = {"/v5/market/funding/history": 8 * HOUR_MS, "/v5/market/open-interest": HOUR_MS}


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def ms(moment: pd.Timestamp) -> int:
    return moment.value // 1_000_000


def result_of(rows: list[Any]) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows, "nextPageCursor": ""}, "time": ms(NOW)}


def book(bids: list[Any], asks: list[Any], seen: pd.Timestamp = NOW) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": {"s": "BTCUSDT", "b": bids, "a": asks, "ts": ms(seen), "u": 1}}


def fact(path: str, stamp: int, value: str = "") -> dict[str, str]:
    if path == "/v5/market/open-interest":
        return {"openInterest": value or "1500.5", "timestamp": str(stamp)}
    return {"symbol": "BTCUSDT", "fundingRate": value or "-0.0001", "fundingRateTimestamp": str(stamp)}


def exchange(path: str, query: dict[str, str]) -> object:
    """Rows on their grid, newest first, with the exchange's page limit; a book with three of four wanting to buy."""
    if query["symbol"] not in KNOWN:
        return {"retCode": 10001, "retMsg": "params error: Symbol Is Invalid", "result": {}}
    if path == "/v5/market/orderbook":
        assert query["limit"] == "50"
        return book([["100", "2"], ["99", "1"]], [["101", "0.5"], ["102", "0.5"]])
    assert query["category"] == "linear" and int(query["limit"]) == 200
    assert ("intervalTime" not in query) or query["intervalTime"] == "1h"
    step = EVERY[path]
    first, last = -(-int(query["startTime"]) // step) * step, min(int(query["endTime"]), ms(NOW))
    return result_of([fact(path, stamp) for stamp in range(first, last + 1, step)][::-1][:200])


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(exchange)


@pytest.fixture
def rate_limit(tmp_path: Path) -> RateLimit:
    return RateLimit("bybit", 10_000, 1.0, str(tmp_path))


@pytest.fixture
def funding(vendor: Any, rate_limit: RateLimit) -> BybitFunding:
    return BybitFunding(vendor.url, RETRY_POLICY, rate_limit, lambda: NOW)


@pytest.fixture
def derivatives(vendor: Any, rate_limit: RateLimit) -> BybitDerivatives:
    return BybitDerivatives(vendor.url, RETRY_POLICY, rate_limit, lambda: NOW)


def test_funding_is_known_when_it_is_settled(funding: BybitFunding) -> None:
    """Two days of two symbols: twelve settlements, typed, and the sign of the rate is kept."""
    fetched = funding.fetch(CRYPTO, KNOWN, START, END)
    assert tables.RAW_FUNDING.conform(fetched.table).num_rows == 12
    assert (fetched.table["funding"] == -0.0001).all() and fetched.failures == {} and fetched.counts == {}
    assert (fetched.table["available_at"] == fetched.table["timestamp"]).all()
    assert fetched.table["timestamp"].min() == utc("2024-03-08 08:00") and fetched.table["timestamp"].max() == END


def test_open_interest_is_known_one_interval_after_its_stamp(derivatives: BybitDerivatives) -> None:
    """Whether the stamp begins or ends the interval is not said; an hour later it is known either way."""
    table = derivatives.fetch(CRYPTO, KNOWN, START, END).table
    assert tables.RAW_DERIVATIVES.conform(table).num_rows == 96
    assert (table["open_interest"] == 1500.5).all() and table["book_imbalance"].isna().all()
    assert (table["available_at"] - table["timestamp"] == pd.Timedelta("1h")).all()


def test_open_interest_is_walked_back_in_pages(derivatives: BybitDerivatives, vendor: Any) -> None:
    """Fifty days are six full pages and an empty one; every hour comes once, and a page cut short loses none."""
    full = derivatives.fetch(CRYPTO, ["BTCUSDT"], utc("2024-01-10"), utc("2024-02-29")).table
    assert len(full) == 50 * 24 and full["timestamp"].is_unique
    assert len(vendor.requests) == 7 and all(
        "startTime" in query and "endTime" in query for _, query in vendor.requests
    )
    short: Any = exchange(*vendor.requests[0])
    short["result"]["list"] = short["result"]["list"][:3]
    vendor.faults.append(short)
    again = derivatives.fetch(CRYPTO, ["BTCUSDT"], utc("2024-01-10"), utc("2024-02-29")).table
    pd.testing.assert_frame_equal(again, full)


def test_the_book_is_seen_only_where_the_window_ends_now(derivatives: BybitDerivatives, vendor: Any) -> None:
    """A row beside open interest: it belongs to the window's end and is known when the exchange saw it."""
    live = replace(derivatives, now=lambda: utc("2024-03-10 12:03"))
    vendor.answer = lambda path, query: (
        book([["100", "3"]], [["101", "1"]], utc("2024-03-10 12:02:59")) if "order" in path else exchange(path, query)
    )
    table = live.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-10 10:00"), utc("2024-03-10 12:00")).table
    seen = table[table["book_imbalance"].notna()].iloc[0]
    assert len(table) == 3 and seen["book_imbalance"] == 0.5
    assert seen["timestamp"] == utc("2024-03-10 12:00") and seen["available_at"] == utc("2024-03-10 12:02:59")
    assert tables.RAW_DERIVATIVES.conform(table).num_rows == 3
    vendor.requests.clear()
    derivatives.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-10 10:00"), utc("2024-03-10 12:00"))
    assert all("orderbook" not in path for path, _ in vendor.requests)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (book([], []), "no bids and asks"),
        (book([["100", "x"]], [["101", "1"]]), "numbers for prices and sizes"),
        (book([["100", "-1"]], [["101", "1"]]), "numbers for prices and sizes"),
        (book(["100"], [["101", "1"]]), r"lists of \[price, size\]"),
        (book([["100", "1"]], [["101", "1"]], NOW - pd.Timedelta("2h")), "a clock is wrong, or the book is stale"),
        (book([["100", "1"]], [["101", "1"]], NOW + pd.Timedelta("2h")), "a clock is wrong, or the book is stale"),
        ({"retCode": 0, "retMsg": "OK", "result": []}, "no object 'result'"),
        ("html", "not JSON"),
        ("403", "HTTP 403"),
    ],
)
def test_a_book_that_is_none_costs_no_open_interest(
    derivatives: BybitDerivatives, vendor: Any, answer: object, words: str
) -> None:
    """The book fails by itself, with its reason; the other rows are kept."""
    vendor.faulty_path = "orderbook"
    vendor.faults.extend([answer, answer])
    fetched = derivatives.fetch(CRYPTO, ["BTCUSDT"], utc("2024-03-10 10:00"), NOW)
    assert len(fetched.table) == 2 and list(fetched.failures) == ["BTCUSDT order book"]
    assert pd.Series(fetched.failures).str.contains(words).all()


BROKEN = [
    ("funding", "nan", "the rate is missing or not finite"),
    ("funding", "0.75", "a rate of one half or more"),
    ("funding", "none", "the rate is missing or not finite"),
    ("derivatives", "inf", "open interest is missing or not finite"),
    ("derivatives", "-3", "open interest below zero"),
]


@pytest.mark.parametrize(("kind", "value", "reason"), BROKEN)
def test_a_row_that_breaks_its_contract_is_left_out_and_counted(
    request: pytest.FixtureRequest, vendor: Any, kind: str, value: str, reason: str
) -> None:
    """One bad row costs one row, with its reason."""
    source = request.getfixturevalue(kind)
    clean = source.fetch(CRYPTO, ["BTCUSDT"], START, END).table
    path, query = vendor.requests[0]
    answer: Any = exchange(path, query)
    page = answer["result"]["list"]
    page[2] = fact(path, ms(END) - 2 * EVERY[path], value)
    page.insert(4, page[3])  # repeated rows
    page.append(fact(path, ms(NOW) + 5 * EVERY[path]))  # of the future
    page.append({"surprise": 1})
    vendor.faults.append(answer)
    fetched = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert len(fetched.table) == len(clean) - 1
    assert fetched.counts == {
        f"BTCUSDT: {reason}": 1,
        "BTCUSDT: repeated rows": 1,
        "BTCUSDT: stamp outside the window": 1,
        "BTCUSDT: no stamp": 1,
    }


@pytest.mark.parametrize("kind", ["funding", "derivatives"])
def test_what_came_of_many_symbols_is_kept(request: pytest.FixtureRequest, kind: str) -> None:
    """An unknown symbol is a failure beside the rows of the others; when none comes it is an error."""
    source = request.getfixturevalue(kind)
    assert source.kind == kind
    fetched = source.fetch(CRYPTO, ["BTCUSDT", "XXX"], START, END)
    assert set(fetched.table["symbol"]) == {"BTCUSDT"} and "Symbol Is Invalid" in fetched.failures["XXX"]
    with pytest.raises(SourceError, match="all 2 requests failed; .*Symbol Is Invalid"):
        source.fetch(CRYPTO, ["XXX", "YYY"], START, END)


@pytest.mark.parametrize("kind", ["funding", "derivatives"])
def test_a_day_without_a_row_is_an_error_and_an_hour_is_not(
    request: pytest.FixtureRequest, vendor: Any, kind: str
) -> None:
    """Perpetuals settle and are held around the clock."""
    source = request.getfixturevalue(kind)
    vendor.answer = lambda path, query: result_of([])
    with pytest.raises(SourceError, match="gave no row in .* expected some every day"):
        source.fetch(CRYPTO, KNOWN, START, END)
    assert source.fetch(CRYPTO, KNOWN, START, START + pd.Timedelta("1h")).table.empty


@pytest.mark.parametrize("kind", ["funding", "derivatives"])
def test_a_window_fetched_twice_gives_the_same_rows(request: pytest.FixtureRequest, kind: str) -> None:
    """A month later a past window has not changed."""
    source = request.getfixturevalue(kind)
    first = source.fetch(CRYPTO, KNOWN, START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=30))
    pd.testing.assert_frame_equal(later.fetch(CRYPTO, KNOWN, START, END).table, first)


def test_settings_that_are_none_are_refused(derivatives: BybitDerivatives, funding: BybitFunding) -> None:
    """An interval the exchange has not, an empty window, and text that is not a ticker."""
    with pytest.raises(SettingError, match="no interval of '1min'"):
        derivatives.fetch(replace(CRYPTO, bar="1min"), KNOWN, START, END)
    with pytest.raises(SettingError, match="is empty"):
        funding.fetch(CRYPTO, KNOWN, END, START)
    with pytest.raises(SettingError, match="not a ticker"):
        funding.fetch(CRYPTO, ["BTC&limit=1"], START, END)
