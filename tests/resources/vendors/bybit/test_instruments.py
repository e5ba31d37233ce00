"""Listings and delistings of Bybit, through the real client, against a server on loopback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.bybit.bars import BybitBars
from tests.helpers.listings import traded_at

NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.01, timeout_seconds=2.0)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def listed(symbol: str, begins: str, ends: str = "", status: str = "Trading", **changed: Any) -> dict[str, Any]:
    """One instrument in the recorded shape; `ends` is 0 while no end is announced."""
    stamps = [str(utc(text).value // 1_000_000) if text else "0" for text in (begins, ends)]
    row = {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": status,
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "launchTime": stamps[0],
        "deliveryTime": stamps[1],
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "fundingInterval": 480,
    }
    return {**row, **changed}


LISTED = {
    "Trading": [
        listed("BTCUSDT", "2020-03-25 10:36"),
        listed("LUNAUSDT", "2022-05-30"),
        listed("GOINGUSDT", "2021-01-01", "2024-04-01"),
        listed("SOONUSDT", "2024-05-01"),
        listed("BTC-29MAR24", "2023-10-01", "2024-03-29", contractType="LinearFutures"),
    ],
    "Delivering": [],
    "Closed": [
        listed("LUNAUSDT", "2021-03-01", "2022-05-13 02:00", "Closed", fundingInterval=240),
        listed("LOSTUSDT", "2021-03-01", "", "Closed"),
        listed("ODDUSDT", "2021-03-01", "2020-03-01", "Closed"),
        listed("TOKENLESS", "", "2020-03-01", "Closed"),
        listed("eth usdt", "2021-03-01", "2022-03-01", "Closed"),
    ],
}


def exchange(path: str, query: dict[str, str]) -> object:
    """Two instruments a page, by cursor."""
    assert path == "/v5/market/instruments-info" and query["category"] == "linear" and query["limit"] == "1000"
    rows, first = LISTED[query["status"]], int(query.get("cursor", "0"))
    cursor = str(first + 2) if first + 2 < len(rows) else ""
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows[first : first + 2], "nextPageCursor": cursor}}


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(exchange)


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> BybitBars:
    rate_limit = RateLimit("bybit", 10_000, 1.0, str(tmp_path))
    return BybitBars(url=vendor.url, retry_policy=RETRY_POLICY, now=lambda: NOW, rate_limit=rate_limit)


def test_every_page_of_every_status_is_read(source: BybitBars, vendor: Any) -> None:
    """Three pages of those that trade, one of none, three of the dead; rows conform and are dated."""
    fetched = source.fetch_instruments(CRYPTO)
    assert tables.LISTINGS.conform(fetched.table).num_rows == 5
    assert fetched.table.dtypes.equals(tables.LISTINGS.empty().dtypes)
    assert len(vendor.requests) == 3 + 1 + 3 and fetched.failures == {}
    bitcoin = fetched.table[fetched.table["symbol"] == "BTCUSDT"].iloc[0]
    assert bitcoin["timestamp"] == bitcoin["listed_at"] == bitcoin["available_at"] == utc("2020-03-25 10:36")
    assert bitcoin[["status", "base", "quote", "funding_interval_minutes", "tick_size"]].tolist() == [
        "Trading", "BTC", "USDT", 480.0, 0.1,
    ]  # fmt: skip


def test_the_universe_of_a_past_day_holds_what_died_since(source: BybitBars) -> None:
    """A symbol that was delisted and listed anew trades in both its lives and not between."""
    table = source.fetch_instruments(CRYPTO).table
    assert traded_at(table, utc("2020-03-25 10:00")) == ()
    assert traded_at(table, utc("2022-01-01")) == ("BTCUSDT", "GOINGUSDT", "LUNAUSDT")
    assert traded_at(table, utc("2022-05-13 01:59")) == ("BTCUSDT", "GOINGUSDT", "LUNAUSDT")
    assert traded_at(table, utc("2022-05-13 02:00")) == ("BTCUSDT", "GOINGUSDT")
    assert traded_at(table, utc("2024-01-01")) == ("BTCUSDT", "GOINGUSDT", "LUNAUSDT")


def test_a_listing_does_not_tell_its_end(source: BybitBars) -> None:
    """The row of the listing reads as on that day; the end is a row of its own, at its own moment."""
    rows = source.fetch_instruments(CRYPTO).table
    first, end, again = rows[rows["symbol"] == "LUNAUSDT"].itertuples()
    assert (first.status, first.timestamp) == ("Trading", utc("2021-03-01")) and first.delisted_at is pd.NaT
    assert (end.status, end.timestamp) == ("Closed", utc("2022-05-13 02:00")) and end.delisted_at == end.available_at
    assert (again.status, again.timestamp) == ("Trading", utc("2022-05-30"))


def test_what_is_announced_has_not_happened(source: BybitBars) -> None:
    """A listing of next month is no row, and an announced end leaves its symbol trading."""
    rows = source.fetch_instruments(CRYPTO).table
    assert "SOONUSDT" not in set(rows["symbol"])
    assert rows.loc[rows["symbol"] == "GOINGUSDT", "delisted_at"].isna().tolist() == [True]


def test_rows_without_dates_are_left_out_and_counted(source: BybitBars) -> None:
    """Each with its reason; futures that expire are another kind of instrument."""
    assert source.fetch_instruments(CRYPTO).counts == {
        "status Trading: futures that expire": 1,
        "status Closed: closed without a date": 1,
        "status Closed: delisted before it was listed": 1,
        "status Closed: no date of listing": 1,
        "status Closed: the name is not a ticker": 1,
    }


def test_without_the_dead_the_living_are_kept_and_the_gap_is_named(source: BybitBars, vendor: Any) -> None:
    """A status the exchange does not answer for is a failure: the table has survivors only."""
    refused = {"retCode": 10001, "retMsg": "params error: status invalid", "result": {}}
    vendor.answer = lambda path, query: refused if query["status"] == "Closed" else exchange(path, query)
    fetched = source.fetch_instruments(CRYPTO)
    assert set(fetched.table["symbol"]) == {"BTCUSDT", "GOINGUSDT", "LUNAUSDT"}
    assert list(fetched.failures) == ["status Closed"] and "status invalid" in fetched.failures["status Closed"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": ""}}, "no perpetual in the answer"),
        (
            {"retCode": 0, "retMsg": "OK", "result": {"list": [1], "nextPageCursor": ""}},
            "'status Closed: malformed rows",
        ),
        ({"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": "x"}}, "' repeats"),
        ({"retCode": 0, "retMsg": "OK", "result": {"rows": []}}, "no list 'list'"),
    ],
)
def test_an_answer_that_is_none_is_an_error(source: BybitBars, vendor: Any, answer: object, words: str) -> None:
    """Nothing, another shape, and a cursor that leads round in a circle."""
    vendor.answer = lambda path, query: answer
    with pytest.raises(SourceError, match=words):
        source.fetch_instruments(CRYPTO)
