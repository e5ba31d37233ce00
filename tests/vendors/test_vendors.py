"""The vendors that stand in for the real ones say the same twice, and break as they are told to."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from .running import Vendors, vendors

KLINES = (
    "/bybit/v5/market/kline?category=linear&symbol=BTCUSDT&interval=60&start=1790812800000&end=1790899199999&limit=99"
)
METRICS = (
    "/coinmetrics/v4/timeseries/asset-metrics?assets=btc,eth&metrics=AdrActCnt,FlowInExNtv&frequency=1d"
    "&start_time=2026-09-01&end_time=2026-09-30"
)


@pytest.fixture(scope="module")
def process() -> Iterator[Vendors]:
    with vendors() as found:
        yield found


@pytest.fixture
def running(process: Vendors) -> Vendors:
    process.order(reset=True)
    return process


def get(running: Vendors, path: str) -> Any:
    with urllib.request.urlopen(running.url + path, timeout=5) as answer:
        return json.loads(answer.read())


def test_another_process_gives_the_same_numbers(running: Vendors) -> None:
    """What is served follows from vendor, symbol and time alone."""
    with vendors() as other:
        for path in (KLINES, METRICS):
            here, there = get(running, path), get(other, path)
            here.pop("time", 0), there.pop("time", 0)
            assert here == there


def test_bars_are_coherent_from_one_to_the_next(running: Vendors) -> None:
    """Each opens where the one before closed, and lies within its high and low; the newest comes first."""
    rows = [[float(cell) for cell in row] for row in get(running, KLINES)["result"]["list"]]
    assert len(rows) == 24 and rows[0][0] > rows[1][0]
    for later, earlier in pairwise(rows):
        assert later[1] == earlier[4]
    assert all(low <= min(opened, close) <= max(opened, close) <= high for _, opened, high, low, close, *_ in rows)


def test_pages_lead_on_and_a_day_can_be_revised(running: Vendors) -> None:
    """Sixty rows in two pages; one value changes when it is told to, the rest does not."""
    first = get(running, METRICS)
    assert len(first["data"]) == 40
    rest = get(running, f"{METRICS}&next_page_token={first['next_page_token']}")
    assert len(rest["data"]) == 20 and "next_page_url" not in rest
    running.order(revise={"asset": "btc", "day": "2026-09-03", "metric": "AdrActCnt", "value": 7})
    changed = [row for row, was in zip(get(running, METRICS)["data"], first["data"], strict=True) if row != was]
    assert [(row["time"][:10], row["AdrActCnt"]) for row in changed] == [("2026-09-03", "7")]


def test_faults_come_in_turn_and_end(running: Vendors) -> None:
    """Of the next answers below a path only; every request is counted."""
    running.order(path="/bybit", faults=["500", "html"])
    with pytest.raises(urllib.error.HTTPError, match="500"):
        get(running, KLINES)
    with pytest.raises(json.JSONDecodeError):
        get(running, KLINES)
    assert get(running, KLINES)["retCode"] == 0
    told = running.told()
    assert told["total"] == told["vendors"]["bybit"] == 3 and len(running.asked("/bybit/v5/market/kline")) == 3


def test_a_fault_that_does_not_exist_is_refused(running: Vendors) -> None:
    """A misspelt fault would leave a test without its fault."""
    with pytest.raises(urllib.error.HTTPError, match="400"):
        running.order(path="/bybit", faults=["50O"])
