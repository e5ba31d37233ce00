"""The Bybit door, through the real client, against a server on loopback that answers in the recorded shape."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market import CRYPTO
from resources.bybit import BybitDoor
from resources.patience import Patience

HOUR_MS = 3_600_000
NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
START, END = pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-10", tz="UTC")
PATIENCE = Patience(attempts=3, wait_seconds=0.0, longest_wait_seconds=0.0, timeout_seconds=2.0)
OPENED = "1709913600000"  # 2024-03-08 16:00 UTC
KNOWN = ("BTCUSDT", "ETHUSDT")


def kline(opened_ms: int) -> list[str]:
    """A bar whose prices follow from its hour, as the strings the exchange sends."""
    hour = opened_ms // HOUR_MS % 1000
    return [str(opened_ms), f"{hour + 100}", f"{hour + 102.5}", f"{hour + 99}", f"{hour + 101}", "12.5", "1262.5"]


def exchange(path: str, query: dict[str, str]) -> object:
    """Klines and funding, newest first, with the exchange's page limits; the running hour is included."""
    if query["symbol"] not in KNOWN:
        return {"retCode": 10001, "retMsg": "params error: Symbol Is Invalid", "result": {}, "time": 0}
    now = NOW.value // 1_000_000
    if path == "/v5/market/kline":
        assert query["category"] == "linear" and query["interval"] == "60"
        first, last = -(-int(query["start"]) // HOUR_MS) * HOUR_MS, min(int(query["end"]), now)
        found: list[Any] = [kline(opened) for opened in range(first, last + 1, HOUR_MS)]
    else:
        assert path == "/v5/market/funding/history" and "endTime" in query
        first, last = -(-int(query["startTime"]) // (8 * HOUR_MS)) * 8 * HOUR_MS, min(int(query["endTime"]), now)
        found = [
            {"symbol": query["symbol"], "fundingRate": "0.0001", "fundingRateTimestamp": str(settled)}
            for settled in range(first, last + 1, 8 * HOUR_MS)
        ]
    page = found[::-1][: int(query["limit"])]
    return {"retCode": 0, "retMsg": "OK", "result": {"symbol": query["symbol"], "list": page}, "time": now}


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    return stand_in(exchange)


@pytest.fixture
def door(vendor: Any) -> BybitDoor:
    return BybitDoor(only=KNOWN, url=vendor.url, patience=PATIENCE, now=lambda: NOW)


def test_a_window_of_bars_arrives_whole_stamped_at_the_close(door: BybitDoor) -> None:
    """Two days of two symbols: 96 bars, sorted, typed, and the prices of the right hour."""
    table = door.fetch_ohlcv(CRYPTO, None, START, END)
    assert table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)
    assert tables.RAW_OHLCV.conform(table).num_rows == 96
    assert table["timestamp"].min() == START + pd.Timedelta("1h") and table["timestamp"].max() == END
    first = table.iloc[0]
    hour = START.value // 1_000_000 // HOUR_MS % 1000
    assert first[["open", "high", "low", "close"]].tolist() == [hour + 100, hour + 102.5, hour + 99, hour + 101]
    assert first["available_at"] == first["timestamp"]


def test_pages_are_walked_backwards_without_loss_or_repeat(door: BybitDoor, vendor: Any) -> None:
    """Ninety days need three pages of a thousand hours; each hour comes once."""
    table = door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2023-12-01"), utc("2024-02-29"))
    assert len(table) == 90 * 24
    assert table["timestamp"].diff().dropna().eq(pd.Timedelta("1h")).all()
    assert len(vendor.asked) == 3
    ends = [int(query["end"]) for _, query in vendor.asked]
    assert ends == sorted(ends, reverse=True)


def test_the_running_bar_is_never_returned(door: BybitDoor) -> None:
    """At 12:20 the last bar is the one that closed at 12:00, whatever the exchange sends."""
    table = door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-10"), utc("2024-03-11"))
    assert table["timestamp"].max() == utc("2024-03-10 12:00")
    with pytest.raises(SourceError, match=r"no bar of .* is finished at 2024-03-10 12:20"):
        door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-11"), utc("2024-03-12"))


def test_duplicates_and_disorder_of_the_vendor_are_harmless(door: BybitDoor, vendor: Any) -> None:
    """The same row twice counts once; the order of a page does not matter."""
    clean = door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)
    answer: Any = exchange("/v5/market/kline", vendor.asked[0][1])
    page = answer["result"]["list"]
    answer["result"]["list"] = page[5:] + page[:9]
    vendor.faults.append(answer)
    pd.testing.assert_frame_equal(door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END), clean)


def test_a_short_page_does_not_lose_the_older_rows(door: BybitDoor, vendor: Any) -> None:
    """A page cut by the vendor is followed by another question, not taken for the end."""
    clean = door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)
    answer: Any = exchange("/v5/market/kline", vendor.asked[0][1])
    answer["result"]["list"] = answer["result"]["list"][:7]
    vendor.faults.append(answer)
    pd.testing.assert_frame_equal(door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END), clean)


def rows(*given: list[str]) -> dict[str, object]:
    """An answer that holds these rows."""
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(given)}}


def busy(code: int) -> dict[str, object]:
    """An error of the exchange, sent with HTTP status 200."""
    return {"retCode": code, "retMsg": "Too many visits!", "result": {}, "time": 0}


@pytest.mark.parametrize("fault", ["429", "500", "html", "truncate", busy(10006), busy(10016)], ids=str)
def test_a_passing_fault_is_survived(door: BybitDoor, vendor: Any, fault: object) -> None:
    """Two faults, then the answer: the caller sees nothing of it."""
    vendor.faults.extend([fault, fault])
    assert len(door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)) == 48
    assert len(vendor.asked) == 3


@pytest.mark.parametrize(
    ("fault", "tries", "words"),
    [
        ("429", 3, "HTTP 429 (tried 3 times)"),
        ("500", 3, "HTTP 500 (tried 3 times)"),
        ("403", 1, "HTTP 403: address banned"),
        ("html", 3, "no JSON (cut short, or a web page in between) (tried 3 times)"),
        ("truncate", 3, "cut short (tried 3 times)"),
        ("list", 1, "no JSON object"),
        (busy(10006), 3, "code 10006: Too many visits! (tried 3 times)"),
        ({"retCode": 0, "retMsg": "OK", "result": {"rows": []}}, 1, "another shape: KeyError('list')"),
        (rows([OPENED, "1", "x"]), 1, "rows of 7 numbers"),
        (rows([OPENED, *["nan"] * 6]), 1, "not finite"),
        (rows(["soon"]), 1, "another shape: ValueError"),
    ],
    ids=str,
)
def test_a_lasting_fault_names_address_symbol_window_and_cause(
    door: BybitDoor, vendor: Any, fault: object, tries: int, words: str
) -> None:
    """After bounded tries the error says what came instead of an answer, and from where."""
    vendor.faults.extend([fault] * 3)
    with pytest.raises(SourceError) as caught:
        door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-08 16:00"), utc("2024-03-08 17:00"))
    message = str(caught.value)
    assert words in message
    assert f"{vendor.url} klines of BTCUSDT in (2024-03-08 16:00:00+00:00" in message
    assert len(vendor.asked) == tries


def test_a_limit_whose_reset_is_already_past_is_survived(door: BybitDoor, vendor: Any) -> None:
    """With the vendor's clock behind ours, the wait is zero and not negative."""
    vendor.headers["X-Bapi-Limit-Reset-Timestamp"] = "1000"
    vendor.faults.append(busy(10006))
    assert len(door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)) == 48


def test_two_different_bars_of_one_hour_are_refused(door: BybitDoor, vendor: Any) -> None:
    """Neither of two contradicting rows is believed."""
    other = kline(int(OPENED))
    other[4] = "1"
    vendor.faults.append(rows(kline(int(OPENED)), other))
    with pytest.raises(SourceError, match="two different rows for 2024-03-08 17:00"):
        door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-08 16:00"), utc("2024-03-08 17:00"))


def test_an_empty_answer_where_bars_must_exist_is_an_error(door: BybitDoor, vendor: Any) -> None:
    """Coins trade around the clock: no bar at all is never true."""
    vendor.answer = lambda path, query: rows()
    with pytest.raises(SourceError, match=r"gave no crypto bar in .* the calendar 24/7 has 48"):
        door.fetch_ohlcv(CRYPTO, None, START, END)
    with pytest.raises(SourceError, match="gave no funding"):
        door.fetch_facts("funding", CRYPTO, START, END)


def test_an_unknown_symbol_is_named(door: BybitDoor) -> None:
    """The exchange's refusal comes through with the symbol; text that is no ticker is not sent at all."""
    with pytest.raises(SourceError, match=r"klines of BTCUSDX .* code 10001: params error: Symbol Is Invalid"):
        door.fetch_ohlcv(CRYPTO, ["BTCUSDX"], START, END)
    with pytest.raises(SettingError, match="no ticker"):
        door.fetch_ohlcv(CRYPTO, ["BTCUSDT&category=spot"], START, END)


def test_slow_and_absent_servers_are_named(door: BybitDoor, vendor: Any) -> None:
    """No answer in time, and nobody listening, are different messages."""
    vendor.faults.extend(["slow"] * 3)
    hasty = replace(door, patience=replace(PATIENCE, attempts=2, timeout_seconds=0.1))
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)
    vendor.close()
    with pytest.raises(SourceError, match=f"{vendor.url} klines of BTCUSDT .*not reachable"):
        door.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)


def test_funding_is_paged_by_two_hundred(door: BybitDoor, vendor: Any) -> None:
    """A hundred days of three settlements a day need two pages and an empty one; each settlement comes once."""
    table = door.fetch_facts("funding", CRYPTO, utc("2023-11-01"), utc("2024-02-09"))
    assert len(table) == 300 * 2
    assert table.dtypes.equals(tables.RAW_FUNDING.empty().dtypes)
    assert tables.RAW_FUNDING.conform(table).num_rows == 600
    assert (table["funding"] == 0.0001).all() and (table["available_at"] == table["timestamp"]).all()
    assert table["timestamp"].min() == utc("2023-11-01 08:00") and table["timestamp"].max() == utc("2024-02-09")
    assert len(vendor.asked) == 2 * 3


def test_only_funding_is_there_beside_bars(door: BybitDoor) -> None:
    """What an exchange has not, it says."""
    assert door.missing_reason("funding") is None
    assert door.missing_reason("news") == "Bybit has no news"
    assert len(door.fetch_facts("news", CRYPTO, START, END)) == 0


def test_history_goes_back_as_far_as_asked(door: BybitDoor) -> None:
    """The bars of the days before, up to and including the end."""
    table = replace(door, history_days=3).history(CRYPTO, END)
    assert len(table) == 3 * 24 * 2 and table["timestamp"].max() == END
    assert len(door.history(CRYPTO, utc("2019-01-01"))) == 0
