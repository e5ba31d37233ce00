"""Whatever vendors say and whenever runs die: no statement is lost, changed, or known before it could have been."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.market.markets import CRYPTO, Market
from alpha_pipeline.resources.ingest.collector import Collector
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.vendors.protocols import FetchResult
from alpha_pipeline.tables import RAW_FUNDING, RAW_ONCHAIN, TABLES

START = pd.Timestamp("2026-11-01", tz="UTC")
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
Statement = tuple[pd.Timestamp, str, pd.Timestamp, str, float]  # event, symbol, known, column, value


@dataclass
class World:
    """The present moment, what was published until when, and what may break."""

    rng: np.random.Generator
    now: pd.Timestamp = START
    writes: int = 10**9


class DiedError(Exception):
    """The process is gone."""


@dataclass
class Vendor:
    """Says one column; publishes some events late, corrects some, back to an older value too; fails now and then."""

    world: World
    name: str
    column: str
    lag: pd.Timedelta
    kind: str = "any"
    said: dict[tuple[pd.Timestamp, str], list[tuple[pd.Timestamp, float]]] = field(default_factory=dict)
    heard: dict[tuple[pd.Timestamp, str], float] = field(default_factory=dict)

    def publish(self, symbols: Sequence[str]) -> None:
        """Decide of every event of the month when it is said and what becomes of it."""
        rng = self.world.rng
        for event in pd.date_range(START - 3 * DAY, START + 14 * DAY, freq="8h").as_unit("us"):
            for symbol in symbols:
                first = event + self.lag + (DAY * int(rng.integers(1, 5)) + 5 * HOUR) * int(rng.random() < 0.15)
                versions = [(first, float(rng.integers(1, 4)) / 100)]
                while rng.random() < 0.3:
                    versions.append(
                        (versions[-1][0] + 7 * HOUR * int(rng.integers(1, 12)), float(rng.integers(1, 4)) / 100)
                    )
                self.said[event, symbol] = versions

    def value(self, event: pd.Timestamp, symbol: str) -> float | None:
        told = [value for moment, value in self.said[event, symbol] if moment <= self.world.now]
        return told[-1] if told else None

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        broken = {symbol for symbol in symbols if self.world.rng.random() < 0.15}
        rows = [
            (event, symbol, event + self.lag, value)
            for event, symbol in self.said
            if start < event <= end and symbol in symbols and symbol not in broken
            if (value := self.value(event, symbol)) is not None
        ]
        table = pd.DataFrame(rows, columns=["timestamp", "symbol", "available_at", self.column])
        times = dict.fromkeys(["timestamp", "available_at"], "datetime64[us, UTC]")
        return FetchResult(
            table.astype({**times, "symbol": "str", self.column: float}), dict.fromkeys(broken, "not now")
        )


def statements(frame: pd.DataFrame, columns: Sequence[str]) -> set[Statement]:
    """Every value that is there, apart."""
    return {
        (row.timestamp, row.symbol, row.available_at, column, value)
        for row in frame.itertuples()
        for column in columns
        if not np.isnan(value := getattr(row, column, np.nan))
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_lake_holds_what_was_known_when(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Days collected in order, again, in ranges, anew, with symbols added, vendors that fail and runs that die.

    Nothing stored goes; a signed day of a symbol gains no row but observations; a row with the vendor's stamp says what
    was heard first, one without it what the vendor said at that moment; in the end the last version is the vendor's.
    """
    rng = np.random.default_rng(seed)
    world = World(rng)
    table = RAW_ONCHAIN if seed % 2 else RAW_FUNDING
    key = f"crypto/{table.name}"
    assert table.name in TABLES
    vendors = [Vendor(world, "x", "tvl" if seed % 2 else "funding", 16 * HOUR)]
    if seed % 2:
        vendors.append(Vendor(world, "y", "netflow", (16 if seed % 4 == 1 else 3) * HOUR))
    symbols = ["A", "B", "C"]
    for vendor in vendors:
        vendor.publish(symbols)
    columns = {vendor.column: vendor for vendor in vendors}
    lake = Lake(str(tmp_path))
    publish = type(lake.files).publish

    def dying(files: object, path: str, data: bytes) -> str:
        world.writes -= 1
        if world.writes < 0:
            raise DiedError
        return publish(files, path, data)  # type: ignore[arg-type]

    monkeypatch.setattr(type(lake.files), "publish", dying)
    wanted = ["A", "B"]
    before: set[Statement] = set()
    closed: dict[tuple[str, str, str], set[Statement]] = {}

    def check() -> None:
        nonlocal before
        now = statements(lake.read_days(key, lake.days(key))[0], list(columns))
        assert before <= now, "a stored statement is gone"
        journal = statements(lake.read_days(f"observed/{key}", lake.days(f"observed/{key}"))[0], list(columns))
        for event, symbol, known, column, value in now:
            vendor = columns[column]
            moment = known if known != event + vendor.lag else None
            if moment is not None:
                told = [v for at, v in vendor.said[event, symbol] if at <= moment]
                assert told and told[-1] == value, "an observation the vendor did not make then"
            else:
                assert value in [v for at, v in vendor.said[event, symbol] if at <= world.now]
                first = vendor.heard.setdefault((event, symbol), value)
                assert first == value, "another value was heard first"
        for day in lake.days(key):
            end = pd.Timestamp(day, tz="UTC") + DAY
            for vendor in vendors:
                for symbol in collector()._receipts.of(day).given.get(vendor.name, ()):
                    mine = {
                        s
                        for s in now
                        if s[1] == symbol and s[3] == vendor.column and end - DAY < s[2] <= end
                        if s[2] == s[0] + vendor.lag
                    }
                    assert closed.setdefault((day, vendor.name, symbol), mine) == mine, "the past of a signed day"
        for event, symbol, _, column, value in sorted(journal, key=lambda said: said[2]):
            columns[column].heard.setdefault((event, symbol), value)
        before = now

    def collector() -> Collector:
        return Collector(lake, key, CRYPTO, wanted, vendors, batch_days=4, look_back=5 * DAY, now=lambda: world.now)

    def collect(first: int, last: int, refetch: bool = False) -> None:
        world.writes = int(rng.integers(0, 25)) if rng.random() < 0.3 else 10**9
        with suppress(DiedError):
            collector().collect(START + first * DAY, START + (last + 1) * DAY, refetch=refetch)
        world.writes = 10**9
        world.now += pd.Timedelta(int(rng.integers(1, 10**9)), "us")
        check()

    for today in range(1, 10):
        world.now = START + today * DAY + pd.Timedelta(int(rng.integers(1, 3 * 10**9)), "us")
        if rng.random() < 0.85:
            collect(today - 1, today - 1)
        if rng.random() < 0.4:
            first = int(rng.integers(0, today))
            collect(first, int(rng.integers(first, today)), bool(rng.random() < 0.5))
        if today == 6:
            wanted.append("C")
    for vendor in vendors:
        monkeypatch.setattr(vendor, "fetch", lambda *asked, v=vendor: _retried(v, *asked))
    world.now = START + 12 * DAY + HOUR
    collector().collect(START, START + 12 * DAY, refetch=True)
    check()
    whole = pd.concat([lake.read_days(k, lake.days(k))[0] for k in (key, f"observed/{key}")])
    latest = {(e, s, c): value for e, s, _, c, value in sorted(statements(whole, list(columns)), key=lambda x: x[2])}
    for vendor in vendors:
        for event, symbol in vendor.said:
            told = vendor.value(event, symbol)
            if told is not None and START < event + vendor.lag <= START + 12 * DAY:
                assert latest[event, symbol, vendor.column] == told


def _retried(vendor: Vendor, *asked: object) -> FetchResult:
    """The answer of a vendor that is asked until nothing fails."""
    while (answer := Vendor.fetch(vendor, *asked)).failures:  # type: ignore[arg-type]
        pass
    return answer
