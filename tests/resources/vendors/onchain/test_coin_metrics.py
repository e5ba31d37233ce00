"""The Coin Metrics source, by the real client, against a loopback server that pages and refuses as documented."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
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
from alpha_pipeline.resources.vendors.onchain import coin_metrics
from alpha_pipeline.resources.vendors.onchain.coin_metrics import COMPLETED, DEFAULT, LAG, PATH, CoinMetrics, Metric
from alpha_pipeline.resources.vendors.onchain.fields import ONCHAIN_FIELDS
from alpha_pipeline.resources.vendors.protocols import FactSource

NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
START, END = pd.Timestamp("2024-03-05", tz="UTC"), pd.Timestamp("2024-03-08", tz="UTC")
SYMBOLS = ["BTCUSDT", "ETHUSDT"]
SIZE = {
    "FlowInExNtv": 50, "FlowOutExNtv": 80, "AdrActCnt": 900, "SplyCur": 19e6, "CapMVRVCur": 2, "SplyAdrBal1in10K": 3e6,
    "SplyExNtv": 2e6,
}  # fmt: skip


def stamp(day: date, hours: float = 24 + 3) -> str:
    """Seconds since 1970, as text, of a moment some hours after the day began."""
    return str(int(pd.Timestamp(day, tz="UTC").timestamp() + hours * 3600))


@dataclass
class Vendor:
    """Daily rows as text, in pages; what it lacks and refuses is set by the test."""

    coins: tuple[str, ...] = ("btc", "eth")
    paid: tuple[str, ...] = ()
    lacking: tuple[tuple[str, str], ...] = ()
    knows_lenience: bool = True
    page: int = 100
    spoil: Callable[[dict[str, Any]], Any] = field(default=lambda row: row)

    def row(self, coin: str, day: date, names: list[str]) -> dict[str, Any]:
        values = {name: str(SIZE[name] + day.day + 0.5) for name in names if name in SIZE}
        values |= {COMPLETED: stamp(day)} if COMPLETED in names else {}
        values = {name: value for name, value in values.items() if (name, coin) not in self.lacking}
        return {"asset": coin, "time": f"{day}T00:00:00.000000000Z", **values}

    def __call__(self, path: str, query: dict[str, str]) -> object:
        assert path == PATH and query["frequency"] == "1d" and query["paging_from"] == "start"
        names, coins = query["metrics"].split(","), query["assets"].split(",")
        if not (self.knows_lenience and "ignore_forbidden_errors" in query):
            for name in names:
                if name in self.paid:
                    told = f"Requested metric '{name}' with frequency '1d' is not available with supplied credentials."
                    return 403, {"error": {"type": "forbidden", "message": told}}
            for coin in coins:
                if coin not in self.coins:
                    return 400, {"error": {"type": "bad_parameter", "message": f"Bad parameter 'assets': {coin}"}}
        first, last = date.fromisoformat(query["start_time"]), date.fromisoformat(query["end_time"])
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        open_names = [name for name in names if name not in self.paid]
        rows = [self.spoil(self.row(coin, day, open_names)) for coin in coins if coin in self.coins for day in days]
        at = int(query.get("next_page_token", 0))
        answer: dict[str, Any] = {"data": rows[at : at + self.page]}
        if at + self.page < len(rows):
            again = "&".join(f"{name}={value}" for name, value in query.items() if name != "next_page_token")
            answer["next_page_token"] = str(at + self.page)
            answer["next_page_url"] = f"https://elsewhere.invalid/v9/other?{again}&next_page_token={at + self.page}"
        return answer


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def server(stand_in: Callable[..., Any], vendor: Vendor) -> Any:
    return stand_in(vendor)


@pytest.fixture
def source(server: Any, tmp_path: Path) -> CoinMetrics:
    retry_policy = RetryPolicy(attempts=2, wait_seconds=0.01, longest_wait_seconds=0.02, timeout_seconds=2.0)
    rate_limit = RateLimit("coin_metrics", 10_000, 1.0, str(tmp_path))
    return CoinMetrics(server.url, DEFAULT, retry_policy, rate_limit, lambda: NOW)


def test_a_window_has_a_row_per_day_and_symbol(source: CoinMetrics, server: Any) -> None:
    """Three days of two coins in one question; netflow is what came in less what went out."""
    source: FactSource = source
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert tables.RAW_ONCHAIN.conform(got.table).num_rows == 6 and len(server.requests) == 1
    assert not got.failures and not got.counts and source.kind == "onchain"
    assert list(got.table.columns[3:]) == [
        field.name for field in ONCHAIN_FIELDS.values() if field.source == source.name
    ]
    one = got.table[got.table["symbol"] == "BTCUSDT"]
    assert one["timestamp"].tolist() == [START + pd.Timedelta(days=days) for days in (1, 2, 3)]
    assert one["netflow"].tolist() == [-30, -30, -30]
    assert one["active_addresses"].tolist() == [905.5, 906.5, 907.5]
    assert one["mvrv"].tolist() == [7.5, 8.5, 9.5] and one["whale_balance"].iloc[0] == 3e6 + 5.5


def test_the_days_of_the_window_are_fetched(source: CoinMetrics, server: Any) -> None:
    """By their beginning: the day that ends at `end` is the last."""
    source.fetch(CRYPTO, SYMBOLS, START, END)
    _, query = server.requests[0]
    assert (query["start_time"], query["end_time"], query["page_size"]) == ("2024-03-05", "2024-03-07", "10000")


def test_a_day_is_known_when_the_vendor_says_it_was_complete(source: CoinMetrics) -> None:
    """Three hours after its end here, not the moment of asking and not our lag."""
    table = source.fetch(CRYPTO, SYMBOLS, START, END).table
    assert (table["available_at"] - table["timestamp"] == pd.Timedelta(hours=3)).all()


@pytest.mark.parametrize(
    ("completed", "doubted"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        (stamp(date(2024, 3, 5), 20), 1),
        (stamp(date(2031, 1, 1)), 1),
        ("1709683200000", 0),
    ],
    ids=["absent", "blank", "text", "before the end", "in the future", "milliseconds"],
)
def test_without_a_stamp_one_can_believe_the_lag_counts(
    source: CoinMetrics, vendor: Vendor, completed: str | None, doubted: int
) -> None:
    """A day cannot be complete before its end, or after now."""
    vendor.spoil = lambda row: {**row, COMPLETED: completed}
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, START + pd.Timedelta(days=1))
    assert (got.table["available_at"] - got.table["timestamp"]).tolist() == [LAG]
    assert sum(count for remark, count in got.counts.items() if "implausible" in remark) >= doubted


def test_a_window_fetched_twice_is_the_same_and_the_running_day_no_row(source: CoinMetrics) -> None:
    """Asked a month later as well."""
    once = source.fetch(CRYPTO, SYMBOLS, START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=30))
    pd.testing.assert_frame_equal(later.fetch(CRYPTO, SYMBOLS, START, END).table, once)
    until_now = source.fetch(CRYPTO, SYMBOLS, START, NOW + pd.Timedelta(days=3)).table
    assert until_now["timestamp"].max() == pd.Timestamp("2024-03-10", tz="UTC")


def test_pages_are_followed_at_our_address_without_loss(source: CoinMetrics, vendor: Vendor, server: Any) -> None:
    """The link names another host and path; only what it asks is taken from it."""
    clean = source.fetch(CRYPTO, SYMBOLS, START, END).table
    vendor.page = 4
    server.requests.clear()
    pd.testing.assert_frame_equal(source.fetch(CRYPTO, SYMBOLS, START, END).table, clean)
    assert [(path, query.get("next_page_token")) for path, query in server.requests] == [(PATH, None), (PATH, "4")]


def test_a_page_that_comes_back_ends_the_walk(source: CoinMetrics, vendor: Vendor, server: Any) -> None:
    """A vendor whose link leads in a circle is not asked forever."""
    circle = {"next_page_url": "https://elsewhere.invalid/x?next_page_token=1"}
    server.answer = lambda path, query: {"data": [vendor.row("btc", date(2024, 3, 5), list(SIZE))], **circle}
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert len(server.requests) == 2 and len(got.table) == 1
    ((what, why),) = got.failures.items()
    assert what.startswith("pages after 2 of") and "repeats an earlier one" in why


@pytest.mark.parametrize("fault", ["500", "html", "list"])
def test_a_later_page_that_fails_keeps_the_earlier(
    source: CoinMetrics, vendor: Vendor, server: Any, fault: str
) -> None:
    """What came is kept, what did not is named: the pages, and the coin that had none before."""
    vendor.page = 3
    server.faults.extend(["ok", fault, fault])
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert set(got.table["symbol"]) == {"BTCUSDT"} and len(got.table) == 3
    assert sorted(what.split(" of")[0] for what in got.failures) == ["eth", "pages after 1"]


def test_a_paid_metric_is_named_and_the_rest_kept(source: CoinMetrics, vendor: Vendor, server: Any) -> None:
    """Told to answer what it may, the vendor leaves it out: one question, no number, a failure."""
    vendor.paid = ("SplyAdrBal1in10K",)
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert list(got.failures) == ["whale_balance (SplyAdrBal1in10K)"]
    assert "plan lacks it" in got.failures["whale_balance (SplyAdrBal1in10K)"]
    assert got.table["whale_balance"].isna().all() and got.table["mvrv"].notna().all() and len(server.requests) == 1


def test_a_refused_request_is_split(source: CoinMetrics, vendor: Vendor) -> None:
    """The metric is found and named with the vendor's words; half a netflow is none."""
    vendor.knows_lenience = False
    clean = source.fetch(CRYPTO, SYMBOLS, START, END).table
    vendor.paid = ("FlowOutExNtv", "SplyAdrBal1in10K")
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert sorted(got.failures) == ["netflow (FlowOutExNtv)", "whale_balance (SplyAdrBal1in10K)"]
    assert all("HTTP 403" in why and what.split("(")[1][:-1] in why for what, why in got.failures.items())
    lost = ["netflow", "whale_balance"]
    assert got.table[lost].isna().all(axis=None)
    pd.testing.assert_frame_equal(got.table.drop(columns=lost), clean.drop(columns=lost))


@pytest.mark.parametrize("knows_lenience", [True, False])
def test_a_coin_the_vendor_does_not_know_is_named(source: CoinMetrics, vendor: Vendor, knows_lenience: bool) -> None:
    """Once, not once per metric."""
    vendor.knows_lenience = knows_lenience
    got = source.fetch(CRYPTO, [*SYMBOLS, "SOLUSDT"], START, END)
    assert list(got.failures) == ["sol"] and set(got.table["symbol"]) == set(SYMBOLS)


def test_a_metric_that_breaks_on_the_way_is_named(source: CoinMetrics, vendor: Vendor, server: Any) -> None:
    """Asked one by one, a question that fails in another way than by refusal costs its own metric only."""
    vendor.knows_lenience, vendor.paid = False, ("SplyAdrBal1in10K",)
    server.faults.extend(["ok", "500", "500"])  # all at once, then the first metric by name
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert "HTTP 500" in got.failures["active_addresses (AdrActCnt)"] and len(got.failures) == 2
    assert got.table["active_addresses"].isna().all() and got.table["supply"].notna().all()


def test_a_metric_refused_for_one_coin_is_named_with_it(source: CoinMetrics, server: Any, vendor: Vendor) -> None:
    """The other coins keep it."""

    def refuse(path: str, query: dict[str, str]) -> object:
        if "CapMVRVCur" in query["metrics"] and "eth" in query["assets"]:
            return 403, {"error": "not for eth"}
        return vendor(path, query)

    server.answer = refuse
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert list(got.failures) == ["CapMVRVCur of eth"]
    assert got.table.groupby("symbol")["mvrv"].count().to_dict() == {"BTCUSDT": 3, "ETHUSDT": 0}


def test_a_refused_stamp_of_publication_is_no_failure(source: CoinMetrics, vendor: Vendor) -> None:
    """The lag is there for that."""
    vendor.knows_lenience, vendor.paid = False, (COMPLETED,)
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert not got.failures and (got.table["available_at"] - got.table["timestamp"] == LAG).all()


def test_a_metric_that_some_coins_lack_is_counted(source: CoinMetrics, vendor: Vendor) -> None:
    """Flows exist for few coins: no failure, NaN, and a note."""
    vendor.lacking = (("FlowInExNtv", "eth"), ("FlowOutExNtv", "eth"))
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert not got.failures and got.counts == {"metrics a coin lacks": 2}
    assert got.table.groupby("symbol")["netflow"].count().to_dict() == {"BTCUSDT": 3, "ETHUSDT": 0}


def test_symbols_the_vendor_does_not_cover_are_counted(source: CoinMetrics, server: Any) -> None:
    """Nothing is asked for them, so nothing fails."""
    got = source.fetch(CRYPTO, ["NEARUSDT", "BTCUSDT"], START, END)
    assert got.counts == {"symbols without a coin at the vendor": 1} and set(got.table["symbol"]) == {"BTCUSDT"}
    server.requests.clear()
    got = source.fetch(CRYPTO, ["NEARUSDT"], START, END)
    assert len(got.table) == 0 and not server.requests and not got.failures
    assert tables.RAW_ONCHAIN.conform(got.table).num_rows == 0


def test_two_symbols_of_one_coin_have_the_same_rows(source: CoinMetrics, server: Any) -> None:
    """The coin is asked once."""
    table = source.fetch(CRYPTO, ["BTCUSDT", "BTCUSDC"], START, END).table
    assert server.requests[0][1]["assets"] == "btc" and len(table) == 6
    one, other = (table[table["symbol"] == symbol].drop(columns="symbol") for symbol in ("BTCUSDT", "BTCUSDC"))
    np.testing.assert_array_equal(one.to_numpy(), other.to_numpy())


def test_an_empty_day_is_no_failure(source: CoinMetrics, server: Any) -> None:
    """The vendor may not have it yet."""
    server.answer = lambda path, query: {"data": []}
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert len(got.table) == 0 and not got.failures and not got.counts


def test_null_is_no_value_and_not_counted(source: CoinMetrics, vendor: Vendor) -> None:
    """A day without any value is no row."""
    vendor.spoil = lambda row: {**dict.fromkeys(row), "asset": row["asset"], "time": row["time"]}
    got = source.fetch(CRYPTO, SYMBOLS, START, END)
    assert len(got.table) == 0 and not got.failures and not got.counts


def test_dirt_is_left_out_and_counted(source: CoinMetrics, server: Any) -> None:
    """Repetition, contradiction, nonsense, strangers, other hours, rows that are none: what is clean is kept."""
    source = replace(source, metrics=(Metric("supply", "SplyCur"),))

    def row(day: int, value: object, coin: str = "btc", hour: str = "00") -> dict[str, object]:
        return {"asset": coin, "time": f"2024-03-0{day}T{hour}:00:00.000000000Z", "SplyCur": value}

    server.answer = lambda path, query: {
        "data": [
            row(7, 3), row(5, "1"), row(5, "1.0"), row(6, 2), row(6, 2.5), row(7, "NaN"), row(7, -1), row(7, 9, "doge"),
            row(7, 9, hour="11"), row(9, 4), "text", {"asset": ["btc"]}, {"asset": "btc", "time": ["2024-03-07"]},
        ]
    }  # fmt: skip
    got = source.fetch(CRYPTO, ["BTCUSDT"], START, END)
    assert got.table["supply"].tolist() == [1.0, 3.0]
    assert got.counts == {
        "rows of coins that were not requested": 3,
        "rows without a readable day": 2,
        "SplyCur: values that are not finite numbers": 1,
        "SplyCur: negative values": 1,
        "SplyCur: repeated rows": 1,
        "SplyCur: days with conflicting values": 1,
    }


@pytest.mark.parametrize(
    ("fault", "tries", "words"),
    [
        ("429", 2, "HTTP 429"),
        ("500", 2, "HTTP 500"),
        ("html", 2, "no JSON"),
        ("truncate", 2, "cut short"),
        ("list", 1, "expected an object with a list 'data'; found [1]"),
        ({"rows": []}, 1, "expected an object with a list 'data'"),
        ({"data": [{"coin": "btc", "day": 1}]}, 1, "none of 1 rows has a coin and a day"),
        ({"data": ["btc"]}, 1, "none of 1 rows has a coin and a day"),
    ],
    ids=str,
)
def test_a_lasting_fault_is_an_error(source: CoinMetrics, server: Any, fault: object, tries: int, words: str) -> None:
    """With one question for all, nothing came: said once, with address and cause."""
    server.faults.extend([fault] * 2)
    with pytest.raises(SourceError) as caught:
        source.fetch(CRYPTO, SYMBOLS, START, END)
    assert words in str(caught.value) and f"{server.url}{PATH}" in str(caught.value)
    assert len(server.requests) == tries


def test_a_refusal_of_everything_is_an_error(source: CoinMetrics, server: Any) -> None:
    """Were the plan closed one day, one by one would not help either."""
    server.answer = lambda path, query: (403, {"error": {"type": "forbidden"}})
    with pytest.raises(SourceError, match="HTTP 403.*forbidden"):
        source.fetch(CRYPTO, ["BTCUSDT"], START, END)


def test_a_passing_fault_is_survived(source: CoinMetrics, server: Any) -> None:
    """A busy vendor is asked again."""
    server.faults.append("429")
    assert len(source.fetch(CRYPTO, SYMBOLS, START, END).table) == 6


def test_a_year_of_many_coins_is_quick(source: CoinMetrics, vendor: Vendor) -> None:
    """Every row is read once: a year of both coins in well under a second."""
    vendor.page = 1000
    got = source.fetch(CRYPTO, SYMBOLS, START - pd.Timedelta(days=365), END)
    assert len(got.table) == 2 * 368 and got.table["timestamp"].is_monotonic_increasing


def test_every_default_metric_fills_a_described_field() -> None:
    """One table says what the columns mean."""
    assert [metric.field for metric in coin_metrics.DEFAULT] == [
        field.name for field in ONCHAIN_FIELDS.values() if field.source == "coin_metrics"
    ]
