"""The Bybit source, through the real client, against a server on loopback that answers in the recorded shape."""

import time
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
from alpha_pipeline.resources.vendors.bybit.bars import BybitBars

HOUR_MS = 3_600_000
NOW = pd.Timestamp("2024-03-10 12:20", tz="UTC")
START, END = pd.Timestamp("2024-03-08", tz="UTC"), pd.Timestamp("2024-03-10", tz="UTC")
RETRY_POLICY = RetryPolicy(attempts=3, wait_seconds=0.0, longest_wait_seconds=0.0, timeout_seconds=2.0)
OPENED = "1709913600000"  # 2024-03-08 16:00 UTC
KNOWN = ("BTCUSDT", "ETHUSDT")


def kline(opened_ms: int) -> list[str]:
    """A bar whose prices follow from its hour, as the strings the exchange sends."""
    hour = opened_ms // HOUR_MS % 500
    prices = [f"{hour + 100}", f"{hour + 102.5}", f"{hour + 99}", f"{hour + 101}"]
    return [str(opened_ms), *prices, "12.5", f"{12.5 * (hour + 101)}"]


def exchange(path: str, query: dict[str, str]) -> object:
    """Klines and funding, newest first, with the exchange's page limits; the running hour is included."""
    if query["symbol"] not in KNOWN:
        return {"retCode": 10001, "retMsg": "params error: Symbol Is Invalid", "result": {}, "time": 0}
    now = NOW.value // 1_000_000
    if path == "/v5/market/kline":
        assert query["category"] == "linear" and query["interval"] == "60"
        first, last = -(-int(query["start"]) // HOUR_MS) * HOUR_MS, min(int(query["end"]), now)
        newest = range(first, last + 1, HOUR_MS)[-int(query["limit"]) :]
        found: list[Any] = [kline(opened) for opened in newest]
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
def source(vendor: Any, tmp_path: Path) -> BybitBars:
    rate_limit = RateLimit("bybit", 10_000, 1.0, str(tmp_path))
    return BybitBars(only=KNOWN, url=vendor.url, retry_policy=RETRY_POLICY, now=lambda: NOW, rate_limit=rate_limit)


def test_a_window_of_bars_arrives_whole_stamped_at_the_close(source: BybitBars) -> None:
    """Two days of two symbols: 96 bars, sorted, typed, and the prices of the right hour."""
    table = source.fetch_ohlcv(CRYPTO, None, START, END)
    assert table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)
    assert tables.RAW_OHLCV.conform(table).num_rows == 96
    assert table["timestamp"].min() == START + pd.Timedelta("1h") and table["timestamp"].max() == END
    first = table.iloc[0]
    hour = START.value // 1_000_000 // HOUR_MS % 500
    assert first[["open", "high", "low", "close"]].tolist() == [hour + 100, hour + 102.5, hour + 99, hour + 101]
    assert first["available_at"] == first["timestamp"]


def test_pages_are_walked_backwards_without_loss_or_repeat(source: BybitBars, vendor: Any) -> None:
    """Ninety days need three pages of a thousand hours; each hour comes once."""
    table = source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2023-12-01"), utc("2024-02-29"))
    assert len(table) == 90 * 24
    assert table["timestamp"].diff().dropna().eq(pd.Timedelta("1h")).all()
    assert len(vendor.requests) == 3
    ends = [int(query["end"]) for _, query in vendor.requests]
    assert ends == sorted(ends, reverse=True)


def test_the_running_bar_is_never_returned(source: BybitBars) -> None:
    """At 12:20 the last bar is the one that closed at 12:00, whatever the exchange sends."""
    table = source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-10"), utc("2024-03-11"))
    assert table["timestamp"].max() == utc("2024-03-10 12:00")
    with pytest.raises(SourceError, match=r"no bar of .* is finished at 2024-03-10 12:20"):
        source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-11"), utc("2024-03-12"))


def test_duplicates_and_disorder_of_the_vendor_are_harmless(source: BybitBars, vendor: Any) -> None:
    """The same row twice counts once; the order of a page does not matter."""
    clean = source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)
    answer: Any = exchange("/v5/market/kline", vendor.requests[0][1])
    page = answer["result"]["list"]
    answer["result"]["list"] = page[5:] + page[:9]
    vendor.faults.append(answer)
    pd.testing.assert_frame_equal(source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END), clean)


def test_a_short_page_does_not_lose_the_older_rows(source: BybitBars, vendor: Any) -> None:
    """A page cut by the vendor is followed by another question, not taken for the end."""
    clean = source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)
    answer: Any = exchange("/v5/market/kline", vendor.requests[0][1])
    answer["result"]["list"] = answer["result"]["list"][:7]
    vendor.faults.append(answer)
    pd.testing.assert_frame_equal(source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END), clean)


def rows(*given: list[str]) -> dict[str, object]:
    """An answer that holds these rows."""
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(given)}}


def busy(code: int) -> dict[str, object]:
    """An error of the exchange, sent with HTTP status 200."""
    return {"retCode": code, "retMsg": "Too many visits!", "result": {}, "time": 0}


@pytest.mark.parametrize("fault", ["429", "500", "html", "truncate", busy(10006), busy(10016)], ids=str)
def test_a_passing_fault_is_survived(source: BybitBars, vendor: Any, fault: object) -> None:
    """Two faults, then the answer: the caller sees nothing of it."""
    vendor.faults.extend([fault, fault])
    assert len(source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)) == 48
    assert len(vendor.requests) == 3


@pytest.mark.parametrize(
    ("fault", "tries", "words"),
    [
        ("429", 3, "HTTP 429 (tried 3 times)"),
        ("500", 3, "HTTP 500 (tried 3 times)"),
        ("403", 1, "HTTP 403: address banned"),
        ("html", 3, "not JSON (truncated, or a web page of a proxy) (tried 3 times)"),
        ("truncate", 3, "truncated (tried 3 times)"),
        ("list", 1, "not a JSON object"),
        (busy(10006), 3, "code 10006: Too many visits! (tried 3 times)"),
        ({"retCode": 0, "retMsg": "OK", "result": {"rows": []}}, 1, "malformed answer: no list 'list'"),
        ({"retCode": 0, "retMsg": "OK", "result": []}, 1, "malformed answer: no object 'result'"),
        (rows([OPENED, "1", "x"]), 1, "none of 1 rows is usable: {'BTCUSDT: a price is missing': 1}"),
        (rows([OPENED, *["nan"] * 6]), 1, "none of 1 rows is usable: {'BTCUSDT: a price is missing': 1}"),
        (rows(["soon"]), 1, "no row is stamped in the requested milliseconds"),
        (rows(["1709913600", *["1"] * 6]), 1, "found [1709913600]"),
    ],
    ids=str,
)
def test_a_lasting_fault_names_address_symbol_window_and_cause(
    source: BybitBars, vendor: Any, fault: object, tries: int, words: str
) -> None:
    """After bounded tries the error says what came instead of an answer, and from where."""
    vendor.faults.extend([fault] * 3)
    with pytest.raises(SourceError) as caught:
        source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], utc("2024-03-08 16:00"), utc("2024-03-08 17:00"))
    message = str(caught.value)
    assert words in message
    assert f"{vendor.url} klines of BTCUSDT in (2024-03-08 16:00:00+00:00" in message
    assert len(vendor.requests) == tries


def test_a_limit_whose_reset_is_already_past_is_survived(source: BybitBars, vendor: Any) -> None:
    """With the vendor's clock behind ours, the wait is zero and not negative."""
    vendor.headers["X-Bapi-Limit-Reset-Timestamp"] = "1000"
    vendor.faults.append(busy(10006))
    assert len(source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)) == 48


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({4: "NaN"}, "a price is missing"),
        ({4: None}, "a price is missing"),
        ({0: "1709913600001"}, "open off the grid of bars"),
        ({0: "tomorrow"}, "no stamp"),
        ({0: "1710028800000"}, "stamp outside the window"),
    ],
)
def test_a_bar_that_cannot_be_read_is_dropped_and_counted(
    source: BybitBars, vendor: Any, changed: dict[int, Any], reason: str
) -> None:
    """One unreadable row costs one hour; the other 47 are kept."""
    hours = range(int(OPENED) - 16 * HOUR_MS, int(OPENED) + 32 * HOUR_MS, HOUR_MS)
    page = [kline(opened) for opened in hours]
    page[16] = [changed.get(place, cell) for place, cell in enumerate(page[16])]
    vendor.faults.append(rows(*page))
    fetched = source.fetch_bars(CRYPTO, ["BTCUSDT"], START, END)
    assert len(fetched.table) == 47 and utc("2024-03-08 17:00") not in set(fetched.table["timestamp"])
    assert fetched.counts == {f"BTCUSDT: {reason}": 1} and fetched.failures == {}


def test_a_bar_that_cannot_be_true_is_left_to_the_ingestion_gate(source: BybitBars, vendor: Any) -> None:
    """The source parses; it does not judge."""
    page = [kline(opened) for opened in range(int(OPENED), int(OPENED) + 3 * HOUR_MS, HOUR_MS)]
    page[1][3] = "-5"
    vendor.faults.append(rows(*page))
    fetched = source.fetch_bars(CRYPTO, ["BTCUSDT"], utc("2024-03-08 16:00"), utc("2024-03-08 19:00"))
    assert fetched.table["low"].tolist()[1] == -5.0 and len(fetched.table) == 3 and fetched.counts == {}


def test_of_two_different_bars_of_one_hour_neither_is_believed(source: BybitBars, vendor: Any) -> None:
    """Both rows are counted; when nothing else came, the answer is refused."""
    other = kline(int(OPENED))
    other[4] = str(float(other[1]) + 0.5)
    start, end = utc("2024-03-08 16:00"), utc("2024-03-08 17:00")
    vendor.faults.append(rows(kline(int(OPENED)), other))
    with pytest.raises(SourceError, match="none of 2 rows is usable.* conflicting rows of one stamp': 2"):
        source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], start, end)
    vendor.faults.append(rows(kline(int(OPENED)), kline(int(OPENED))))
    fetched = source.fetch_bars(CRYPTO, ["BTCUSDT"], start, end)
    assert len(fetched.table) == 1 and fetched.counts == {"BTCUSDT: repeated rows": 1}


def test_numbers_and_further_columns_are_understood(source: BybitBars, vendor: Any) -> None:
    """A vendor that sends numbers for strings, or one column more, changes nothing."""
    clean = source.fetch_bars(CRYPTO, ["BTCUSDT"], START, END).table
    answer: Any = exchange("/v5/market/kline", vendor.requests[0][1])
    answer["result"]["list"] = [[row[0], *map(float, row[1:]), "new"] for row in answer["result"]["list"]]
    vendor.faults.append(answer)
    pd.testing.assert_frame_equal(source.fetch_bars(CRYPTO, ["BTCUSDT"], START, END).table, clean)


def test_changed_units_of_volume_are_refused(source: BybitBars, vendor: Any) -> None:
    """Turnover over volume is no price any more: the answer as a whole is nonsense."""
    answer: Any = rows(*[[*kline(int(OPENED) - hour * HOUR_MS)[:5], "12500", "1262.5"] for hour in range(9)])
    vendor.faults.append(answer)
    with pytest.raises(SourceError, match="times the close; expected about 1: the units have changed"):
        source.fetch_bars(CRYPTO, ["BTCUSDT"], utc("2024-03-08 08:00"), utc("2024-03-08 17:00"))


def test_a_tenfold_jump_is_counted_and_kept(source: BybitBars, vendor: Any) -> None:
    """A crash and a price in other units look the same: the rows stay, a note says where to look."""
    opened = [int(OPENED) - hour * HOUR_MS for hour in range(3)]
    vendor.faults.append(
        rows([str(opened[0]), *["1"] * 6], [str(opened[1]), *["20"] * 4, "1", "20"], [str(opened[2]), *["1"] * 6])
    )
    fetched = source.fetch_bars(CRYPTO, ["BTCUSDT"], utc("2024-03-08 14:00"), utc("2024-03-08 17:00"))
    assert fetched.table["close"].tolist() == [1.0, 20.0, 1.0]
    assert fetched.counts == {"BTCUSDT: closes tenfold or a tenth of the previous one, kept": 2}


def test_what_came_of_many_symbols_is_kept(source: BybitBars) -> None:
    """A symbol the exchange refuses is a failure with its reason; the others are there."""
    fetched = source.fetch_bars(CRYPTO, ["BTCUSDT", "BTCUSDX", "ETHUSDT"], START, END)
    assert set(fetched.table["symbol"]) == set(KNOWN) and len(fetched.table) == 96
    assert list(fetched.failures) == ["BTCUSDX"] and "Symbol Is Invalid" in fetched.failures["BTCUSDX"]
    assert fetched.table["timestamp"].is_monotonic_increasing


def test_a_ban_ends_the_asking(source: BybitBars, vendor: Any) -> None:
    """After 403 no further symbol is asked, for that makes the ban longer; all of them are failures."""
    vendor.faults.extend(["ok", "403"])
    fetched = source.fetch_bars(CRYPTO, ["BTCUSDT", "CCCUSDT", "ETHUSDT"], START, END)
    assert set(fetched.table["symbol"]) == {"BTCUSDT"} and len(vendor.requests) == 2
    assert "HTTP 403" in fetched.failures["CCCUSDT"]
    assert fetched.failures["ETHUSDT"].startswith("not requested: ") and "HTTP 403" in fetched.failures["ETHUSDT"]


def test_failures_are_logged_where_a_table_is_returned(source: BybitBars, caplog: pytest.LogCaptureFixture) -> None:
    """`fetch_ohlcv` keeps what came too, and says the rest aloud."""
    caplog.set_level("WARNING", logger="alpha_pipeline.resources.vendors.batch")
    assert set(source.fetch_ohlcv(CRYPTO, ["BTCUSDT", "BTCUSDX"], START, END)["symbol"]) == {"BTCUSDT"}
    assert "bybit failed for BTCUSDX: " in caplog.text


def test_a_symbol_listed_later_is_noted(source: BybitBars, vendor: Any) -> None:
    """No bar of one symbol is no failure, for it may not have been listed; the note says it."""
    vendor.answer = lambda path, query: rows() if query["symbol"] == "ETHUSDT" else exchange(path, query)
    fetched = source.fetch_bars(CRYPTO, None, START, END)
    assert set(fetched.table["symbol"]) == {"BTCUSDT"} and fetched.failures == {}
    assert fetched.counts == {"ETHUSDT: no bar in the window": 1}


def test_a_window_fetched_twice_gives_the_same_bars(source: BybitBars) -> None:
    """Later, with more bars there, a past window has not changed."""
    first = source.fetch_bars(CRYPTO, None, START, END).table
    later = replace(source, now=lambda: NOW + pd.Timedelta(days=30))
    pd.testing.assert_frame_equal(later.fetch_bars(CRYPTO, None, START, END).table, first)


def test_three_years_of_hours_are_twenty_seven_pages(source: BybitBars, vendor: Any) -> None:
    """A backfill needs nothing of its own: every hour once, and no page more than it takes."""
    start, end = utc("2021-03-10"), utc("2024-03-09")
    table = source.fetch_bars(CRYPTO, ["BTCUSDT"], start, end).table
    assert len(table) == 26_280 and table["timestamp"].is_unique
    assert len(vendor.requests) == 27


def test_every_request_waits_for_its_pace(source: BybitBars, tmp_path: Path) -> None:
    """Three pages at two in a fifth of a second take that long at least."""
    begun = time.monotonic()
    paced = replace(source, rate_limit=RateLimit("bybit", 2, 0.2, str(tmp_path / "slow")))
    paced.fetch_bars(CRYPTO, ["BTCUSDT"], utc("2023-12-01"), utc("2024-02-29"))
    assert time.monotonic() - begun > 0.19


def test_an_empty_answer_where_bars_must_exist_is_an_error(source: BybitBars, vendor: Any) -> None:
    """Coins trade around the clock: no bar at all is never true."""
    vendor.answer = lambda path, query: rows()
    with pytest.raises(SourceError, match=r"gave no crypto bar in .* the calendar 24/7 has 48"):
        source.fetch_ohlcv(CRYPTO, None, START, END)


def test_an_unknown_symbol_is_named(source: BybitBars) -> None:
    """The exchange's refusal comes through with the symbol; text that is not a ticker is not sent at all."""
    with pytest.raises(SourceError, match=r"klines of BTCUSDX .* code 10001: params error: Symbol Is Invalid"):
        source.fetch_ohlcv(CRYPTO, ["BTCUSDX"], START, END)
    with pytest.raises(SettingError, match="not a ticker"):
        source.fetch_ohlcv(CRYPTO, ["BTCUSDT&category=spot"], START, END)


def test_slow_and_absent_servers_are_named(source: BybitBars, vendor: Any) -> None:
    """No answer in time, and nobody listening, are different messages."""
    vendor.faults.extend(["slow"] * 3)
    hasty = replace(source, retry_policy=replace(RETRY_POLICY, attempts=2, timeout_seconds=0.1))
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)
    vendor.close()
    with pytest.raises(SourceError, match=f"{vendor.url} klines of BTCUSDT .*not reachable"):
        source.fetch_ohlcv(CRYPTO, ["BTCUSDT"], START, END)


def test_history_covers_the_configured_days(source: BybitBars) -> None:
    """The bars of the days before, up to and including the end."""
    table = replace(source, history_days=3).history(CRYPTO, END)
    assert len(table) == 3 * 24 * 2 and table["timestamp"].max() == END
    assert len(source.history(CRYPTO, utc("2019-01-01"))) == 0
