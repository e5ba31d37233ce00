"""The DefiLlama source, through the real client, against servers on loopback that answer in the documented shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.onchain import defillama
from alpha_pipeline.resources.vendors.onchain.defillama import DefiLlama
from alpha_pipeline.resources.vendors.onchain.fields import ONCHAIN_FIELDS
from alpha_pipeline.resources.vendors.protocols import FactSource

DAY = 86_400
NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
START, END = pd.Timestamp("2024-03-05", tz="UTC"), pd.Timestamp("2024-03-08", tz="UTC")
FIRST = START.value // 1_000_000_000 // DAY  # the day that ends after START
SYMBOLS = ["ADAUSDT", "DOGEUSDT", "ETHUSDT", "ETHUSDC"]
LAST = FIRST + 5  # 10 March, the running day of NOW


def llama(path: str, query: dict[str, str]) -> object:
    """A week per chain, whose values follow from the day; the last row is the running day, stamped in its middle."""
    if path == "/stablecoincharts/all":
        return [
            {"date": str(day * DAY), "totalCirculatingUSD": {"peggedUSD": 1e9 + day, "peggedEUR": 7.0}}
            for day in range(FIRST - 3, LAST + 1)
        ]
    size = {"Ethereum": 100, "Cardano": 1}.get(path.removeprefix("/v2/historicalChainTvl/"))
    if size is None:
        return 404, "Chain not found"
    whole = [{"date": day * DAY, "tvl": size * (day - FIRST + 10)} for day in range(FIRST - 3, LAST + 1)]
    return [*whole, {"date": LAST * DAY + 44_000, "tvl": size * 99}]


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(llama)


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> DefiLlama:
    retry_policy = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.02, timeout_seconds=2.0)
    rate_limit = RateLimit("defillama", 10_000, 1.0, str(tmp_path))
    return DefiLlama(vendor.url, vendor.url, retry_policy, rate_limit, lambda: NOW)


def test_a_window_has_a_row_per_day_and_symbol(source: DefiLlama) -> None:
    """Three days of four symbols; a chain of one's own gives its value, dollars are the same for all."""
    source: FactSource = source
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert tables.RAW_ONCHAIN.conform(got.table).num_rows == 12
    assert not got.failures and got.counts == {"symbols without a chain of their own": 1}
    assert source.kind == "onchain" and list(got.table.columns[3:]) == [
        field.name for field in ONCHAIN_FIELDS.values() if field.source == source.name
    ]
    ether = got.table[got.table["symbol"] == "ETHUSDT"]
    assert ether["timestamp"].tolist() == [START + pd.Timedelta(days=days) for days in (1, 2, 3)]
    assert ether["tvl"].tolist() == [1000, 1100, 1200]
    assert (ether["available_at"] - ether["timestamp"] == defillama.LAG).all()
    assert got.table.loc[got.table["symbol"] == "DOGEUSDT", "tvl"].isna().all()
    assert (got.table.groupby("timestamp")["stablecoin_supply"].nunique() == 1).all()
    assert got.table["stablecoin_supply"].iloc[0] == 1e9 + FIRST


def test_each_chain_is_requested_once(source: DefiLlama, vendor: Any) -> None:
    """Two symbols of one chain are one question."""
    source.fetch(CRYPTO, SYMBOLS, START, END)
    assert sorted(path for path, _ in vendor.requests) == [
        "/stablecoincharts/all",
        "/v2/historicalChainTvl/Cardano",
        "/v2/historicalChainTvl/Ethereum",
    ]


def test_a_window_fetched_twice_is_the_same_and_the_running_day_no_row(source: DefiLlama) -> None:
    """The day of asking still changes; whoever asks up to tomorrow gets the days that are over."""
    once, again = (source.fetch(CRYPTO, SYMBOLS, START, END).table for _ in range(2))
    pd.testing.assert_frame_equal(once, again)
    late = source.fetch(CRYPTO, ["ETHUSDT"], START, NOW + pd.Timedelta(days=2)).table
    assert late["timestamp"].max() == pd.Timestamp("2024-03-10", tz="UTC")
    assert 9900 not in late["tvl"].tolist()


@pytest.mark.parametrize(("fault", "words"), [("403", "HTTP 403"), ("html", "no JSON"), ("list", "none of 1 rows")])
def test_a_chain_that_fails_is_named_and_the_rest_kept(source: DefiLlama, vendor: Any, fault: str, words: str) -> None:
    """Its symbols keep their other column."""
    vendor.faulty_path = "Cardano"
    vendor.faults.extend(["403", "403"] if fault == "403" else [fault, fault])
    got = source.fetch(CRYPTO, ["ADAUSDT"], START, END)
    assert list(got.failures) == ["tvl of Cardano"] and words in got.failures["tvl of Cardano"]
    assert len(got.table) == 3 and got.table["tvl"].isna().all() and got.table["stablecoin_supply"].notna().all()


def test_an_unknown_chain_is_a_failure(source: DefiLlama) -> None:
    """The vendor's own words say so."""
    got = source.fetch(CRYPTO, ["NEARUSDT"], START, END)
    assert "Chain not found" in got.failures["tvl of Near"]


def test_stablecoins_that_fail_leave_the_chains(source: DefiLlama, vendor: Any) -> None:
    """And a symbol without a chain has no row then."""
    vendor.faulty_path = "stablecoin"
    vendor.faults.extend([{"error": "busy"}])
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert "expected a list of days; found {'error': 'busy'}" in got.failures["stablecoin_supply"]
    assert set(got.table["symbol"]) == {"ADAUSDT", "ETHUSDT", "ETHUSDC"}


def test_nothing_at_all_is_an_error(source: DefiLlama, vendor: Any) -> None:
    """Each failure is in the message."""
    vendor.answer = lambda path, query: (500, "down")
    with pytest.raises(
        SourceError, match=r"defillama: every request failed. tvl of Cardano: .*; stablecoin_supply: .*HTTP 500"
    ):
        source.fetch(CRYPTO, ["ADAUSDT"], START, END)


def test_a_passing_fault_is_survived(source: DefiLlama, vendor: Any) -> None:
    """A cut answer is asked for again."""
    vendor.faults.append("truncate")
    assert not source.fetch(CRYPTO, ["ETHUSDT"], START, END).failures


def test_an_empty_series_is_no_failure(source: DefiLlama, vendor: Any) -> None:
    """A chain that begins later has no rows, and nothing is said."""
    vendor.answer = lambda path, query: []
    got = source.fetch(CRYPTO, ["ETHUSDT"], START, END)
    assert len(got.table) == 0 and not got.failures and not got.counts
    assert tables.RAW_ONCHAIN.conform(got.table).num_rows == 0


def test_dirt_is_left_out_and_counted_by_series(source: DefiLlama, vendor: Any) -> None:
    """Order, repetition, text for numbers, nulls, negatives, the future: each is treated as `daily` says."""
    dirty = [
        {"date": (FIRST + 2) * DAY, "tvl": "3"},
        {"date": FIRST * DAY, "tvl": 1},
        {"date": FIRST * DAY, "tvl": 1.0},
        {"date": (FIRST + 1) * DAY, "tvl": -2},
        {"date": (FIRST + 1) * DAY, "tvl": None},
        {"date": (FIRST + 400) * DAY, "tvl": 5},
        "a row that is none",
        {"day": FIRST},
    ]
    vendor.answer = lambda path, query: dirty if "Tvl" in path else llama(path, query)
    got = source.fetch(CRYPTO, ["ETHUSDT"], START, END)
    np.testing.assert_array_equal(got.table["tvl"], [1.0, np.nan, 3.0])
    assert got.counts == {
        "tvl of Ethereum: repeated rows": 1,
        "tvl of Ethereum: negative values": 1,
        "tvl of Ethereum: values that are not finite numbers": 1,
        "tvl of Ethereum: rows of the future": 1,
        "tvl of Ethereum: rows without a readable day": 2,
    }


def test_only_dollars_are_counted(source: DefiLlama, vendor: Any) -> None:
    """A day without the dollar peg has no value, whatever else is pegged."""
    vendor.answer = lambda path, query: (
        [
            {"date": FIRST * DAY, "totalCirculatingUSD": {"peggedEUR": 7}},
            {"date": (FIRST + 1) * DAY, "totalCirculatingUSD": None},
            {"date": (FIRST + 2) * DAY, "totalCirculatingUSD": {"peggedUSD": 5}},
        ]
        if "stable" in path
        else []
    )
    got = source.fetch(CRYPTO, ["ETHUSDT"], START, END)
    assert got.table["stablecoin_supply"].tolist() == [5.0]
    assert got.counts == {"stablecoin_supply: values that are not finite numbers": 2}


def test_a_window_without_a_midnight_asks_nothing(source: DefiLlama, vendor: Any) -> None:
    """No day ends in it."""
    got = source.fetch(CRYPTO, SYMBOLS, START + pd.Timedelta("1h"), START + pd.Timedelta("20h"))
    assert len(got.table) == 0 and not vendor.requests
