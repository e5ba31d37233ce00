"""The Yahoo door, through the real client, against a server on loopback that answers in the recorded shape."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market import CRYPTO, EQUITIES
from resources.patience import Patience
from resources.yahoo import YahooDoor

NOW = pd.Timestamp("2024-07-10 12:00", tz="UTC")
START, END = pd.Timestamp("2024-07-01", tz="UTC"), pd.Timestamp("2024-07-06", tz="UTC")
# Monday to Friday; the 3rd is a half day, the 4th a holiday.
CLOSES = ["2024-07-01 20:00", "2024-07-02 20:00", "2024-07-03 17:00", "2024-07-05 20:00"]
SPLIT_DAY = "2024-07-02"
PATIENCE = Patience(attempts=2, wait_seconds=0.0, longest_wait_seconds=0.0, timeout_seconds=2.0)
CHART = re.compile(r"/v8/finance/chart/(?P<symbol>[A-Z]+)")
LISTED = {"AAPL": 200.0, "MSFT": 400.0}
NOT_FOUND = {
    "chart": {"result": None, "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"}}
}


def sessions(first: int, last: int) -> list[pd.Timestamp]:
    """Openings of the sessions in [first, last) unix seconds: weekdays at 9:30 in New York but for the holiday."""
    days = pd.bdate_range("2024-06-03", "2024-07-10", tz="America/New_York")
    opens = [day + pd.Timedelta(hours=9.5) for day in days if str(day.date()) not in ("2024-06-19", "2024-07-04")]
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
def door(vendor: Any, tmp_path: Path) -> YahooDoor:
    return YahooDoor(("AAPL", "MSFT"), vendor.url, PATIENCE, cache_folder=str(tmp_path), now=lambda: NOW)


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_a_week_has_its_sessions_at_their_closes(door: YahooDoor, vendor: Any) -> None:
    """Half day and holiday included: four closes of two symbols, raw prices, typed and sorted."""
    table = door.fetch_ohlcv(EQUITIES, None, START, END)
    assert table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)
    assert tables.RAW_OHLCV.conform(table).num_rows == 8
    assert table["timestamp"].unique().tolist() == [utc(close) for close in CLOSES]
    assert table.iloc[0][["symbol", "open", "high", "low", "close", "volume"]].tolist() == [
        "AAPL", 200.0, 203.0, 198.0, 201.0, 1_000_001.0,
    ]  # fmt: skip
    assert (table["available_at"] == table["timestamp"]).all()
    assert vendor.asked


def test_adjusted_closes_and_splits_are_kept_apart(door: YahooDoor) -> None:
    """The bars carry prices as traded; what later events do to them is another table."""
    table = door.fetch_adjustments(EQUITIES, ["AAPL"], START, END)
    assert table["adjusted_close"].tolist() == [100.5, 101.0, 101.5, 102.5]
    assert table["split"].tolist() == [0.0, 4.0, 0.0, 0.0]
    assert table["dividend"].tolist() == [0.0] * 4


def test_an_unsettled_session_is_not_returned(door: YahooDoor) -> None:
    """Ten minutes after the close the bar may still move; half an hour later it is there."""
    early = replace(door, now=lambda: utc("2024-07-05 20:10"))
    assert early.fetch_ohlcv(EQUITIES, None, START, END)["timestamp"].max() == utc("2024-07-03 17:00")
    with pytest.raises(SourceError, match=r"no session of .* is settled at 2024-07-05 20:10"):
        early.fetch_ohlcv(EQUITIES, None, utc("2024-07-05"), utc("2024-07-06"))
    late = replace(door, now=lambda: utc("2024-07-05 20:30"))
    assert late.fetch_ohlcv(EQUITIES, None, START, END)["timestamp"].max() == utc("2024-07-05 20:00")


def test_a_holiday_asks_nobody(door: YahooDoor, vendor: Any) -> None:
    """No session: an empty table of the right columns, and no request."""
    table = door.fetch_ohlcv(EQUITIES, None, utc("2024-07-04"), utc("2024-07-05"))
    assert len(table) == 0 and table.dtypes.equals(tables.RAW_OHLCV.empty().dtypes)
    assert vendor.asked == []


def test_an_empty_answer_for_a_session_is_an_error(door: YahooDoor, vendor: Any) -> None:
    """The client returns an empty frame without a word; the door does not."""
    vendor.answer = lambda path, query: chart("AAPL", 0, 0) if "chart" in path else yahoo(path, query)
    with pytest.raises(SourceError, match=r"daily bars of AAPL, sessions 2024-07-01 to 2024-07-05: "):
        door.fetch_ohlcv(EQUITIES, None, START, END)


def test_a_session_without_a_price_is_an_absent_row(
    door: YahooDoor, vendor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A null close is left out, and the log says so."""

    def holed(path: str, query: dict[str, str]) -> object:
        answer: Any = yahoo(path, query)
        if "period1" in query:
            quote = answer["chart"]["result"][0]["indicators"]["quote"][0]
            for column in quote:
                quote[column][1] = None
        return answer

    caplog.set_level("WARNING", logger="resources.yahoo")
    vendor.answer = holed
    table = door.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    assert utc("2024-07-02 20:00") not in set(table["timestamp"]) and len(table) == 3
    assert "1 sessions without a price" in caplog.text


def test_a_passing_fault_is_survived_and_not_remembered(door: YahooDoor, vendor: Any) -> None:
    """A bad answer about a past day is not served again from the client's memory."""
    for fault in ("500", "html", "truncate"):
        door.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
        vendor.faults.extend([fault])
        assert len(door.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)) == 4, fault


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "HTTP 429: too many requests (tried 2 times)"),
        ("500", "HTTP 500 (tried 2 times)"),
        ("403", "HTTP 403"),
        ("html", "not understood: JSONDecodeError"),
        ("truncate", "not reachable or cut short"),
        ("list", "no price data found"),
        ({"chart": {"result": [{"meta": {}, "indicators": {"quote": [{"open": [1]}]}}]}}, "KeyError"),
        ((404, NOT_FOUND), "No data found, symbol may be delisted"),
    ],
    ids=str,
)
def test_a_lasting_fault_names_address_symbol_window_and_cause(
    door: YahooDoor, vendor: Any, fault: object, words: str
) -> None:
    """After bounded tries the error says what came instead of an answer, and from where."""
    door.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)  # the client has looked up the time zone
    vendor.faults.extend([fault] * 20)
    with pytest.raises(SourceError) as caught:
        door.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    assert words in str(caught.value)
    assert f"{vendor.url} daily bars of AAPL, sessions 2024-07-01 to 2024-07-05" in str(caught.value)


def test_an_unknown_symbol_is_named(door: YahooDoor) -> None:
    """A delisted or misspelt ticker is an error, not a silent gap; text that is no ticker is not sent."""
    with pytest.raises(SourceError, match=r"daily bars of AAPLE, .*delisted"):
        door.fetch_ohlcv(EQUITIES, ["AAPLE"], START, END)
    with pytest.raises(SettingError, match="no ticker"):
        door.fetch_ohlcv(EQUITIES, ["../v1"], START, END)


def test_slow_and_absent_servers_are_named(door: YahooDoor, vendor: Any) -> None:
    """No answer in time, and nobody listening, are different messages."""
    hasty = replace(door, patience=replace(PATIENCE, timeout_seconds=0.2))
    hasty.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    vendor.faults.extend(["slow"] * 2)
    with pytest.raises(SourceError, match="no answer in time"):
        hasty.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)
    vendor.close()
    with pytest.raises(SourceError, match=f"{vendor.url} daily bars of AAPL.*not reachable"):
        door.fetch_ohlcv(EQUITIES, ["AAPL"], START, END)


def test_only_daily_bars_and_no_facts(door: YahooDoor) -> None:
    """Hourly markets are refused; every kind of fact has its reason."""
    with pytest.raises(SettingError, match="serves daily bars; market crypto asks for '1h'"):
        door.fetch_ohlcv(CRYPTO, None, START, END)
    assert door.missing_reason("funding") == "stocks have no funding rate"
    assert len(door.fetch_facts("funding", EQUITIES, START, END)) == 0


def test_history_ends_where_asked(door: YahooDoor) -> None:
    """The sessions of the days before, up to and including the end."""
    table = replace(door, history_days=10).history(EQUITIES, END)
    assert table["timestamp"].max() == utc("2024-07-05 20:00")
    assert table["timestamp"].min() == utc("2024-06-26 20:00")
