"""The Yahoo source, through the real client, against a server on loopback that answers in the recorded shape."""

import re
import time
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
from alpha_pipeline.resources.vendors.yahoo.bars import YahooBars
from tests.helpers.listings import traded_at

HOLIDAYS = ("2024-03-29", "2024-05-27", "2024-06-19", "2024-07-04")
NOW = pd.Timestamp("2024-07-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-07-01", tz="UTC"), pd.Timestamp("2024-07-06", tz="UTC")
# Monday to Friday; the 3rd is a half day, the 4th a holiday.
CLOSES = ["2024-07-01 20:00", "2024-07-02 20:00", "2024-07-03 17:00", "2024-07-05 20:00"]
SPLIT_DAY = "2024-07-02"
RETRY_POLICY = RetryPolicy(attempts=2, wait_seconds=0.0, longest_wait_seconds=0.0, timeout_seconds=2.0)
CHART = re.compile(r"/v8/finance/chart/(?P<symbol>[A-Z]+)")
LISTED = {"AAPL": 200.0, "MSFT": 400.0}
NOT_FOUND = {
    "chart": {"result": None, "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"}}
}


def sessions(first: int, last: int) -> list[pd.Timestamp]:
    """Openings of the sessions in [first, last) unix seconds: weekdays at 9:30 in New York but for the holiday."""
    days = pd.bdate_range("2024-03-01", "2024-07-10")
    opens = [
        pd.Timestamp(f"{day:%Y-%m-%d} 09:30", tz="America/New_York") for day in days if str(day)[:10] not in HOLIDAYS
    ]
    return [moment for moment in opens if first <= moment.timestamp() < last]


def chart(symbol: str, first: int, last: int) -> dict[str, Any]:
    """The recorded shape of the chart endpoint: raw quotes, adjusted closes and events beside each other."""
    opens = sessions(first, last)
    stamps = [int(moment.timestamp()) for moment in opens]
    closes = [LISTED[symbol] + moment.day for moment in opens]
    quote = {
        "open": [price - 1 for price in closes],
        "high": [price + 2 for price in closes],
        "low": [price - 3 for price in closes],
        "close": closes,
        "volume": [1_000_000 + moment.day for moment in opens],
    }
    split = int(pd.Timestamp(f"{SPLIT_DAY} 09:30", tz="America/New_York").timestamp())
    events = {"splits": {str(split): {"date": split, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}}}
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "instrumentType": "EQUITY",
        "firstTradeDate": 345479400,
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EDT",
        "gmtoffset": -14400,
        "regularMarketTime": int(NOW.timestamp()),
        "regularMarketPrice": 1.0,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    indicators = {"quote": [quote], "adjclose": [{"adjclose": [price * 0.5 for price in closes]}]}
    result = {"meta": meta, "timestamp": stamps, "indicators": indicators}
    if split in stamps:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def yahoo(path: str, query: dict[str, str]) -> object:
    """Chart answers; the crumb and everything else the client asks for on the way."""
    found = CHART.fullmatch(path)
    if not found:
        return "crumb" if path.endswith("getcrumb") else (404, {"finance": {"error": "none"}})
    if found["symbol"] not in LISTED:
        return (404, NOT_FOUND)
    return chart(found["symbol"], int(query.get("period1", 0)), int(query.get("period2", 2_000_000_000)))


@pytest.fixture
def vendor(stand_in: Callable[..., Any]) -> Any:
    server = stand_in(yahoo)
    server.faulty_path = "/v8/finance/chart"
    return server


@pytest.fixture
def source(vendor: Any, tmp_path: Path) -> YahooBars:
    rate_limit = RateLimit("yahoo", 10_000, 1.0, str(tmp_path))
    return YahooBars(
        ("AAPL", "MSFT"), vendor.url, RETRY_POLICY, cache_folder=str(tmp_path), now=lambda: NOW, rate_limit=rate_limit
    )


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_a_week_has_its_sessions_at_their_closes(source: YahooBars, vendor: Any) -> None:
    """Half day and holiday included: four closes of two symbols, raw prices, typed and sorted."""
    table = source.fetch_ohlcv(EQUITIES, None, START, END)
    assert table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)
    assert tables.RAW_OHLCV.conform(table).num_rows == 8
    assert table["timestamp"].unique().tolist() == [utc(close) for close in CLOSES]
    assert table.iloc[0][["symbol", "open", "high", "low", "close", "volume"]].tolist() == [
        "AAPL", 200.0, 203.0, 198.0, 201.0, 1_000_001.0,
    ]  # fmt: skip
    assert (table["available_at"] == table["timestamp"]).all()
    assert vendor.requests


def test_an_unsettled_session_is_not_returned(source: YahooBars) -> None:
    """Ten minutes after the close the bar may still move; half an hour later it is there."""
    early = replace(source, now=lambda: utc("2024-07-05 20:10"))
    assert early.fetch_ohlcv(EQUITIES, None, START, END)["timestamp"].max() == utc("2024-07-03 17:00")
    with pytest.raises(SourceError, match=r"no session of .* is settled at 2024-07-05 20:10"):
        early.fetch_ohlcv(EQUITIES, None, utc("2024-07-05"), utc("2024-07-06"))
    late = replace(source, now=lambda: utc("2024-07-05 20:30"))
    assert late.fetch_ohlcv(EQUITIES, None, START, END)["timestamp"].max() == utc("2024-07-05 20:00")


def test_a_holiday_asks_nobody(source: YahooBars, vendor: Any) -> None:
    """No session: an empty table of the right columns, and no request."""
    table = source.fetch_ohlcv(EQUITIES, None, utc("2024-07-04"), utc("2024-07-05"))
    assert len(table) == 0 and table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)
    assert vendor.requests == []


def test_an_empty_answer_for_a_session_is_an_error(source: YahooBars, vendor: Any) -> None:
    """The client returns an empty frame without an error; the source raises."""
    vendor.answer = lambda path, query: chart("AAPL", 0, 0) if "chart" in path else yahoo(path, query)
    with pytest.raises(SourceError, match=r"daily bars of AAPL, sessions 2024-07-01 to 2024-07-05: "):
        source.fetch_ohlcv(EQUITIES, None, START, END)


def changed(vendor: Any, change: Callable[[dict[str, Any]], None], symbol: str = "AAPL") -> None:
    """The vendor's answers about a symbol's window, after `change` has had its way with the result."""

    def answer(path: str, query: dict[str, str]) -> object:
        told: Any = yahoo(path, query)
        if "period1" in query and path.endswith(symbol):
            change(told["chart"]["result"][0])
        return told

    vendor.answer = answer


def cell(column: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Put a value into the second session of the answer."""

    def change(result: dict[str, Any]) -> None:
        result["indicators"]["quote"][0][column][1] = value

    return change


def test_a_session_without_a_price_is_dropped_and_counted(source: YahooBars, vendor: Any) -> None:
    """The other sessions are kept."""
    changed(vendor, cell("close", None))
    fetched = source.fetch_bars(EQUITIES, ["AAPL"], START, END)
    assert len(fetched.table) == 3 and utc("2024-07-02 20:00") not in set(fetched.table["timestamp"])
    assert (
        fetched.counts == {"AAPL: a session without a price": 1, "AAPL: sessions without a bar": 1}
        and fetched.failures == {}
    )


@pytest.mark.parametrize(("column", "value"), [("close", float("inf")), ("low", 0.0), ("high", 1.0), ("volume", -1)])
def test_a_bar_that_cannot_be_true_is_left_to_the_ingestion_gate(
    source: YahooBars, vendor: Any, column: str, value: float
) -> None:
    """The source parses; it does not judge."""
    changed(vendor, cell(column, value))
    fetched = source.fetch_bars(EQUITIES, ["AAPL"], START, END)
    assert fetched.table[column].tolist()[1] == value and len(fetched.table) == 4


def test_a_price_the_vendor_has_not_is_not_a_number(source: YahooBars, vendor: Any) -> None:
    """Without an open the bar is kept; without a volume the client makes it zero."""
    changed(vendor, cell("open", None))
    assert source.fetch_bars(EQUITIES, ["AAPL"], START, END).table["open"].isna().tolist() == [
        False,
        True,
        False,
        False,
    ]
    changed(vendor, cell("volume", None))
    assert source.fetch_bars(EQUITIES, ["AAPL"], START, END).table["volume"].tolist()[1] == 0.0


def test_strings_duplicates_and_disorder_are_harmless(source: YahooBars, vendor: Any) -> None:
    """Prices as text, the same day twice and days in any order give the same bars; text that is no number does not."""
    clean = source.fetch_bars(EQUITIES, ["AAPL"], START, END).table

    def mixed(result: dict[str, Any]) -> None:
        quote, order = result["indicators"]["quote"][0], [2, 0, 3, 1, 2]
        result["timestamp"] = [result["timestamp"][place] for place in order]
        for column, values in quote.items():
            quote[column] = [str(values[place]) if column != "volume" else values[place] for place in order]
        adjusted = result["indicators"]["adjclose"][0]
        adjusted["adjclose"] = [adjusted["adjclose"][place] for place in order]

    changed(vendor, mixed)
    pd.testing.assert_frame_equal(source.fetch_bars(EQUITIES, ["AAPL"], START, END).table, clean)
    changed(vendor, cell("close", "much"))
    with pytest.raises(SourceError, match="daily bars of AAPL.*unexpected error"):
        source.fetch_bars(EQUITIES, ["AAPL"], START, END)


def test_days_that_are_no_session_are_left_out_and_counted(source: YahooBars, vendor: Any) -> None:
    """A row of a holiday is not stored; an answer of nothing else is refused."""
    stamp = int(pd.Timestamp("2024-07-04 09:30", tz="America/New_York").timestamp())

    def holiday(result: dict[str, Any]) -> None:
        result["timestamp"][-1] = stamp

    changed(vendor, holiday)
    fetched = source.fetch_bars(EQUITIES, ["AAPL"], START, END)
    assert fetched.counts == {"AAPL: days without a requested session": 1, "AAPL: sessions without a bar": 1}
    with pytest.raises(SourceError, match="none of 1 days is a requested session"):
        source.fetch_bars(EQUITIES, ["AAPL"], utc("2024-07-05"), END)


def test_another_currency_is_refused(source: YahooBars, vendor: Any) -> None:
    """Pence among dollars would be a hundredfold price; the symbol fails and the others are kept."""
    changed(vendor, lambda result: result["meta"].update(currency="GBp"))
    fetched = source.fetch_bars(EQUITIES, None, START, END)
    assert set(fetched.table["symbol"]) == {"MSFT"} and "prices are in 'GBp'; expected USD" in fetched.failures["AAPL"]


def test_a_tenfold_jump_is_counted_and_kept(source: YahooBars, vendor: Any) -> None:
    """Cents for dollars in one session look like a rise and a crash: a note says where to look."""

    def cents(result: dict[str, Any]) -> None:
        for column in ("open", "high", "low", "close"):
            result["indicators"]["quote"][0][column][1] *= 100

    changed(vendor, cents)
    fetched = source.fetch_bars(EQUITIES, ["AAPL"], START, END)
    assert len(fetched.table) == 4
    assert fetched.counts == {"AAPL: closes tenfold or a tenth of the previous one, kept": 2}


def test_sessions_keep_their_close_when_the_clock_changes(source: YahooBars) -> None:
    """New York closes at 21:00 UTC on the Friday before summer time and at 20:00 on the Monday after."""
    table = source.fetch_bars(EQUITIES, ["AAPL"], utc("2024-03-08"), utc("2024-03-12")).table
    assert table["timestamp"].tolist() == [utc("2024-03-08 21:00"), utc("2024-03-11 20:00")]
    assert table["close"].tolist() == [208.0, 211.0]


def test_what_came_of_many_symbols_is_kept(source: YahooBars, caplog: pytest.LogCaptureFixture) -> None:
    """A delisted symbol is a failure with its reason; where only a table is asked for, the log says it."""
    fetched = source.fetch_bars(EQUITIES, ["AAPL", "AAPLE", "MSFT"], START, END)
    assert len(fetched.table) == 8 and list(fetched.failures) == ["AAPLE"]
    assert "delisted" in fetched.failures["AAPLE"]
    caplog.set_level("WARNING", logger="alpha_pipeline.resources.vendors.batch")
    assert len(source.fetch_ohlcv(EQUITIES, ["AAPL", "AAPLE"], START, END)) == 4
    assert "yahoo failed for AAPLE: " in caplog.text


@pytest.mark.parametrize(("fault", "tries"), [("403", 1), ("429", 2)])
def test_a_ban_ends_the_asking(source: YahooBars, vendor: Any, fault: str, tries: int) -> None:
    """The vendor bans by address, with either status: after the last try no other symbol is asked."""
    source.fetch_bars(EQUITIES, None, START, END)  # the client has looked up the time zones
    vendor.requests.clear()
    vendor.faults.extend(["ok", *[fault] * 20])
    fetched = source.fetch_bars(EQUITIES, ["AAPL", "MSFT", "NVDA", "XOM"], START, END)
    assert set(fetched.table["symbol"]) == {"AAPL"}
    assert f"HTTP {fault}" in fetched.failures["MSFT"] and fetched.failures["XOM"].startswith("not requested: ")
    assert not any(path.endswith(("NVDA", "XOM")) for path, _ in vendor.requests)


def test_a_window_fetched_twice_gives_the_same_bars(source: YahooBars) -> None:
    """Some days later a past window has not changed."""
    first = source.fetch_bars(EQUITIES, None, utc("2024-06-03"), utc("2024-06-20")).table
    earlier = replace(source, now=lambda: utc("2024-06-25"))
    pd.testing.assert_frame_equal(earlier.fetch_bars(EQUITIES, None, utc("2024-06-03"), utc("2024-06-20")).table, first)


def test_every_request_waits_for_its_pace(source: YahooBars, tmp_path: Path) -> None:
    """Two symbols with their time zones are four requests: at two in a fifth of a second they take that long."""
    begun = time.monotonic()
    paced = replace(
        source, cache_folder=str(tmp_path / "zones"), rate_limit=RateLimit("yahoo", 2, 0.2, str(tmp_path / "slow"))
    )
    paced.fetch_bars(EQUITIES, None, START, END)
    assert time.monotonic() - begun > 0.19


def test_instruments_have_the_date_of_their_first_trade(source: YahooBars, vendor: Any) -> None:
    """The vendor forgets what is delisted, and the note says so; without a date a symbol is counted."""
    changed(vendor, lambda result: result["meta"].pop("firstTradeDate"), "MSFT")
    fetched = source.fetch_instruments(EQUITIES)
    assert tables.LISTINGS.conform(fetched.table).num_rows == 1
    assert fetched.table.dtypes.equals(tables.LISTINGS.empty().dtypes)
    row = fetched.table.iloc[0]
    assert row["listed_at"] == row["timestamp"] == row["available_at"] == utc("1980-12-12 14:30")
    assert row[["symbol", "status", "base", "quote"]].tolist() == ["AAPL", "Trading", "AAPL", "USD"]
    assert traded_at(fetched.table, NOW) == ("AAPL",) and traded_at(fetched.table, utc("1980-12-01")) == ()
    assert fetched.counts == {
        "MSFT: no first trade date": 1,
        "symbols that trade today; delisted ones are unknown": 1,
    }


def test_a_passing_fault_is_survived_and_not_remembered(source: YahooBars, vendor: Any) -> None:
    """A bad answer about a past day is not served again from the client's memory."""
    for fault in ("500", "html", "truncate"):
        source.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
        vendor.faults.extend([fault])
        assert len(source.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)) == 4, fault


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429: too many requests (tried 2 times)"),
        ("500", "HTTP 500 (tried 2 times)"),
        ("403", "HTTP 403: this address is blocked"),
        ("html", "unexpected error: JSONDecodeError"),
        ("truncate", "not reachable or truncated"),
        ("list", "no price data found"),
        ({"chart": {"result": [{"meta": {}, "indicators": {"quote": [{"open": [1]}]}}]}}, "KeyError"),
        ((404, NOT_FOUND), "No data found, symbol may be delisted"),
    ],
    ids=str,
)
def test_a_lasting_fault_names_address_symbol_window_and_cause(
    source: YahooBars, vendor: Any, fault: object, words: str
) -> None:
    """After bounded tries the error says what came instead of an answer, and from where."""
    source.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)  # the client has looked up the time zone
    vendor.faults.extend([fault] * 20)
    with pytest.raises(SourceError) as caught:
        source.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    assert words in str(caught.value)
    assert f"{vendor.url} daily bars of AAPL, sessions 2024-07-01 to 2024-07-05" in str(caught.value)


def test_an_unknown_symbol_is_named(source: YahooBars) -> None:
    """A delisted or misspelt ticker is an error, not a silent gap; text that is not a ticker is not sent."""
    with pytest.raises(SourceError, match=r"daily bars of AAPLE, .*delisted"):
        source.fetch_ohlcv(EQUITIES, ["AAPLE"], START, END)
    with pytest.raises(SettingError, match="not a ticker"):
        source.fetch_ohlcv(EQUITIES, ["../v1"], START, END)


def test_slow_and_absent_servers_are_named(source: YahooBars, vendor: Any) -> None:
    """No answer in time, and nobody listening, are different messages."""
    hasty = replace(source, retry_policy=replace(RETRY_POLICY, timeout_seconds=0.2))
    hasty.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    vendor.faults.extend(["slow"] * 2)
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    vendor.close()
    with pytest.raises(SourceError, match=f"{vendor.url} daily bars of AAPL.*not reachable"):
        source.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)


def test_only_daily_bars(source: YahooBars) -> None:
    """Hourly markets are refused."""
    with pytest.raises(SettingError, match="serves daily bars; market crypto asks for '1h'"):
        source.fetch_ohlcv(CRYPTO, None, START, END)


def test_history_ends_where_requested(source: YahooBars) -> None:
    """The sessions of the days before, up to and including the end."""
    table = replace(source, history_days=10).history(EQUITIES, END)
    assert table["timestamp"].max() == utc("2024-07-05 20:00")
    assert table["timestamp"].min() == utc("2024-06-26 20:00")
