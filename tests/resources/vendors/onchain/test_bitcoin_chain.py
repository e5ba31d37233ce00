"""The source of bitcoin's chain, through the real client, against servers on loopback in the documented shapes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.onchain import bitcoin_chain
from alpha_pipeline.resources.vendors.onchain.bitcoin_chain import FEES_PATH, BitcoinChain
from alpha_pipeline.resources.vendors.onchain.fields import ONCHAIN_FIELDS
from alpha_pipeline.resources.vendors.protocols import FactSource

DAY = 86_400
NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
START, END = pd.Timestamp("2024-03-05", tz="UTC"), pd.Timestamp("2024-03-08", tz="UTC")
FIRST = START.value // 1_000_000_000 // DAY
SYMBOLS = ["BTCUSDC", "BTCUSDT", "ETHUSDT"]


def chart(path: str, query: dict[str, str]) -> object:
    """Days from `start` on, as many as `timespan` says and one more, the way a generous vendor cuts."""
    assert query["format"] == "json" and query["sampled"] == "false"
    first = pd.Timestamp(query["start"]).value // 1_000_000_000 // DAY
    size = {"/charts/n-transactions": 1_000, "/charts/hash-rate": 6e8}[path]
    days = range(first, first + int(query["timespan"].removesuffix("days")) + 1)
    values = [{"x": day * DAY, "y": size + day - FIRST} for day in days]
    return {"status": "ok", "name": "chart", "unit": "", "period": "day", "values": values}


def mempool(path: str, query: dict[str, str]) -> object:
    """One point per day of the whole history, stamped at the mean of its blocks."""
    assert path == FEES_PATH and not query
    return [
        {
            "avgHeight": 830_000 + day,
            "timestamp": day * DAY + 43_000 + day % 7,
            "avgFee_0": 1,
            "avgFee_50": day - FIRST + 20,
        }
        for day in range(FIRST - 30, FIRST + 6)
    ]


@pytest.fixture
def charts(stand_in: Callable[..., Any]) -> Any:
    return stand_in(chart)


@pytest.fixture
def fees(stand_in: Callable[..., Any]) -> Any:
    return stand_in(mempool)


@pytest.fixture
def source(charts: Any, fees: Any, tmp_path: Path) -> BitcoinChain:
    retry_policy = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.02, timeout_seconds=2.0)
    rate_limit = RateLimit("bitcoin", 10_000, 1.0, str(tmp_path))
    return BitcoinChain(charts.url, fees.url, retry_policy, rate_limit, rate_limit, lambda: NOW)


def test_bitcoin_has_a_row_per_day_and_other_coins_none(source: BitcoinChain) -> None:
    """Three days of both symbols of bitcoin; ether is counted, not answered."""
    source: FactSource = source
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert tables.RAW_ONCHAIN.conform(got.table).num_rows == 6
    assert not got.failures and got.counts == {"symbols of other coins": 1}
    assert list(got.table.columns[3:]) == [
        field.name for field in ONCHAIN_FIELDS.values() if field.source == source.name
    ]
    one = got.table[got.table["symbol"] == "BTCUSDT"]
    assert one["timestamp"].tolist() == [START + pd.Timedelta(days=days) for days in (1, 2, 3)]
    assert (one["available_at"] - one["timestamp"] == bitcoin_chain.LAG).all()
    assert one["transactions"].tolist() == [1000, 1001, 1002]
    assert one["hash_rate"].tolist() == [6e8, 6e8 + 1, 6e8 + 2]
    assert one["fee_rate"].tolist() == [20, 21, 22]


def test_the_window_is_requested(source: BitcoinChain, charts: Any) -> None:
    """From its first day, as many days as it has, unthinned."""
    source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert charts.requests[0] == (
        "/charts/n-transactions",
        {"start": "2024-03-05", "timespan": "3days", "format": "json", "sampled": "false"},
    )


def test_a_window_fetched_twice_is_the_same_and_the_running_day_no_row(source: BitcoinChain) -> None:
    """Asked a month later as well."""
    once = source.fetch(CRYPTO, SYMBOLS, START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=30))
    pd.testing.assert_frame_equal(later.fetch(CRYPTO, SYMBOLS, START, END).table, once)
    until_now = source.fetch(CRYPTO, ["BTCUSDT"], START, NOW + pd.Timedelta(days=3)).table
    assert until_now["timestamp"].max() == pd.Timestamp("2024-03-10", tz="UTC")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429"),
        ("html", "no JSON"),
        ("truncate", "cut short"),
        ("list", "expected an object with a list 'values'"),
        ({"status": "not-found", "values": None}, "expected an object with a list 'values'"),
        ({"values": [{"t": 1, "v": 2}]}, "none of 1 rows has a day and a number"),
    ],
    ids=str,
)
def test_a_chart_that_fails_is_named_and_the_rest_kept(
    source: BitcoinChain, charts: Any, fault: object, words: str
) -> None:
    """The other fields of the same days are there."""
    charts.faulty_path = "hash-rate"
    charts.faults.extend([fault] * 2)
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert list(got.failures) == ["hash_rate"] and words in got.failures["hash_rate"]
    assert got.table["hash_rate"].isna().all() and got.table[["transactions", "fee_rate"]].notna().all(axis=None)


def test_fees_that_fail_leave_the_charts(source: BitcoinChain, fees: Any) -> None:
    """A vendor of its own."""
    fees.close()
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert "not reachable" in got.failures["fee_rate"] and len(got.table) == 3


def test_nothing_at_all_is_an_error(source: BitcoinChain, charts: Any, fees: Any) -> None:
    """Both vendors down: each reason is told."""
    charts.close()
    fees.close()
    with pytest.raises(
        SourceError, match="bitcoin_chain: every request failed. transactions: .*; hash_rate: .*; fee_rate: "
    ):
        source.fetch(CRYPTO, ["BTCUSDT"], START, END)


def test_several_points_of_one_day_are_not_believed(source: BitcoinChain, fees: Any) -> None:
    """Were the history cut finer one day, a day's fee would be anyone of its parts: better none, and a note."""
    fees.answer = lambda path, query: [
        {"timestamp": FIRST * DAY + 100, "avgFee_50": 20},
        {"timestamp": FIRST * DAY + 50_000, "avgFee_50": 30},
        {"timestamp": (FIRST + 1) * DAY, "avgFee_50": 25},
    ]
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert got.table["fee_rate"].dropna().tolist() == [25]
    assert got.counts == {"fee_rate: days with conflicting values": 1}


def test_numbers_in_scientific_notation_and_as_text_are_numbers(source: BitcoinChain, charts: Any) -> None:
    """As the vendor's documents warn."""
    charts.answer = lambda path, query: {"values": [{"x": FIRST * DAY, "y": "1.46277E7"}]}
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert got.table["transactions"].iloc[0] == 14_627_700


def test_without_bitcoin_nothing_is_requested(source: BitcoinChain, charts: Any, fees: Any) -> None:
    """Other coins are counted; a window without a midnight is empty."""
    got = source.fetch(CRYPTO, ["ETHUSDT"], START, END)
    assert len(got.table) == 0 and got.counts == {"symbols of other coins": 1}
    assert len(source.fetch(CRYPTO, ["BTCUSDT"], START, START + pd.Timedelta("5h")).table) == 0
    assert not charts.requests and not fees.requests
