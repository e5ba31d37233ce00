"""Collecting asks only for what is missing, loses nothing, and keeps revisions as rows of the day they were seen."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import DataError, SourceError
from alpha_pipeline.market.markets import CRYPTO, Market
from alpha_pipeline.resources.ingest.collector import Collector
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.vendors.protocols import FetchResult
from alpha_pipeline.tables import RAW_FUNDING

KEY = "crypto/raw_funding"
START = pd.Timestamp("2026-11-01", tz="UTC")
DAY = pd.Timedelta(days=1)
NO_LAG = pd.Timedelta(0)


@dataclass
class Vendor:
    """Gives one value a day and symbol at 08:00, known `lag` later; can fail, for a symbol or altogether."""

    name: str = "vendor"
    kind: str = "funding"
    lag: pd.Timedelta = NO_LAG
    values: dict[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    down_after: int = 1_000
    asked: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        self.asked.append((tuple(symbols), str(start.date()), str(end.date())))
        if len(self.asked) > self.down_after:
            raise SourceError("vendor is down")
        stamps = pd.date_range("2026-10-01 08:00", "2026-12-31 08:00", freq="D", tz="UTC").as_unit("us")
        rows = [
            (stamp, symbol, stamp + self.lag, self.values.get(f"{stamp:%m-%d}", stamp.day / 100))
            for stamp in stamps
            if start < stamp <= end
            for symbol in symbols
            if symbol not in self.broken
        ]
        table = pd.DataFrame(rows, columns=["timestamp", "symbol", "available_at", "funding"])
        table = table.astype(RAW_FUNDING.empty().dtypes.to_dict())
        return FetchResult(table, {symbol: "not today" for symbol in symbols if symbol in self.broken})


def collector(lake: Lake, vendor: Vendor, now: pd.Timestamp = START + 30 * DAY, **more: object) -> Collector:
    """Two symbols of one vendor."""
    return Collector(lake, KEY, CRYPTO, ("A", "B"), (vendor,), now=lambda: now, **more)  # type: ignore[arg-type]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(str(tmp_path))


def test_a_stored_day_is_not_fetched_again_and_keeps_its_bytes(lake: Lake) -> None:
    """What is there is not asked for; asked again on purpose, nothing changes."""
    vendor = Vendor()
    first = collector(lake, vendor).collect(START, START + 3 * DAY)
    assert (first.fetched_days, first.stored_days, len(first.table)) == (3, 0, 6)
    before = lake.read_bytes(f"{KEY}/day=2026-11-02/part-0.parquet")
    again = collector(lake, vendor).collect(START, START + 3 * DAY)
    assert (again.fetched_days, again.stored_days, len(vendor.asked)) == (0, 3, 1)
    pd.testing.assert_frame_equal(again.table, first.table)
    anew = collector(lake, vendor).collect(START, START + 3 * DAY, refetch=True)
    assert anew.counts == {"rows already stored": 6} and len(vendor.asked) == 2
    assert lake.read_bytes(f"{KEY}/day=2026-11-02/part-0.parquet") == before


def test_only_missing_days_and_symbols_are_fetched(lake: Lake) -> None:
    """A symbol that failed is named and asked for again, alone; what came is kept."""
    vendor = Vendor(broken={"B"})
    partly = collector(lake, vendor).collect(START, START + DAY)
    assert partly.failures == {"vendor: B": "not today"} and partly.table["symbol"].tolist() == ["A"]
    vendor.broken = set()
    whole = collector(lake, vendor).collect(START, START + 2 * DAY)
    assert [asked[0] for asked in vendor.asked] == [("A", "B"), ("B",), ("A", "B")]
    assert whole.table.groupby("symbol").size().to_dict() == {"A": 2, "B": 2}


def test_a_backfill_goes_on_where_it_stopped(lake: Lake) -> None:
    """Stretches that came are stored before the next is asked for."""
    vendor = Vendor(down_after=2)
    told: list[str] = []
    with pytest.raises(SourceError, match="vendor is down"):
        collector(lake, vendor, required=True, batch_days=5).collect(START, START + 20 * DAY, log=told.append)
    assert told[-1] == "2 of 4: 2026-11-06 to 2026-11-10, 10 rows"
    vendor.down_after = 99
    rest = collector(lake, vendor, required=True, batch_days=5).collect(START, START + 20 * DAY)
    assert (rest.stored_days, rest.fetched_days, len(rest.table)) == (10, 10, 40)
    assert vendor.asked[-1][2] == "2026-11-21" and len(vendor.asked) == 5


def test_a_vendor_that_is_down_costs_its_rows_and_is_fetched_again(lake: Lake) -> None:
    """Where rows are not required the day is empty, says why, and is not taken for complete."""
    vendor = Vendor(down_after=0)
    empty = collector(lake, vendor).collect(START, START + DAY)
    assert empty.table.empty and empty.failures == {"vendor": "vendor is down"}
    vendor.down_after = 99
    assert len(collector(lake, vendor).collect(START, START + DAY).table) == 2


def test_a_revision_lies_on_the_day_it_was_seen_and_the_old_row_stays(lake: Lake) -> None:
    """As of any day one reads what was known then, whatever the vendor says now."""
    vendor = Vendor()
    collector(lake, vendor, START + 2 * DAY).collect(START, START + 2 * DAY)
    vendor.values = {"11-01": 9.0}
    seen = START + 3 * DAY + pd.Timedelta(minutes=30)
    third = collector(lake, vendor, seen).collect(START + 2 * DAY, START + 3 * DAY)
    assert third.counts["revised values, stored as new rows"] == 2
    assert third.table["timestamp"].dt.day.tolist() == [3, 3]  # seen after the day was over
    fourth = collector(lake, vendor, seen + DAY).collect(START + 3 * DAY, START + 4 * DAY)
    assert "revised values, stored as new rows" not in fourth.counts
    revised = fourth.table[fourth.table["funding"] == 9.0]
    assert set(revised["available_at"]) == {seen} and set(revised["timestamp"].dt.day) == {1}
    old = lake.read(KEY, "2026-11-01", "2026-11-01")
    assert old["funding"].tolist() == [0.01, 0.01]


def test_what_is_published_late_enters_the_day_it_became_known(lake: Lake) -> None:
    """A value of yesterday known at noon today is a row of today."""
    vendor = Vendor(lag=pd.Timedelta(hours=20))
    found = collector(lake, vendor).collect(START + DAY, START + 2 * DAY).table
    assert found["timestamp"].dt.day.tolist() == [1, 1] and found["available_at"].dt.day.tolist() == [2, 2]


def test_a_row_nobody_mentioned_at_its_time_is_known_from_now_on(lake: Lake) -> None:
    """A vendor that adds an old row later does not change the past."""
    vendor = Vendor(values={"11-02": np.nan})
    collector(lake, vendor, START + 2 * DAY).collect(START, START + 2 * DAY)
    stored = lake.read(KEY, "2026-11-02", "2026-11-02")
    lake.write_range(KEY, stored.iloc[:0], "2026-11-02", "2026-11-02")  # as if the vendor had left the day out
    vendor.values = {}
    seen = START + 3 * DAY + pd.Timedelta(hours=1)
    late = collector(lake, vendor, seen).collect(START + 2 * DAY, START + 3 * DAY)
    assert late.counts["late rows, available from now on"] == 2
    assert lake.read(KEY, "2026-11-02", "2026-11-02").empty
    assert set(lake.read(f"observed/{KEY}", "2026-11-04", "2026-11-04")["available_at"]) == {seen}


def test_what_is_not_accepted_never_replaces_what_is_stored(lake: Lake) -> None:
    """A failed check leaves the stored day as it was, and the day is asked for again."""
    vendor = Vendor()
    collector(lake, vendor).collect(START, START + DAY)
    before = lake.read_bytes(f"{KEY}/day=2026-11-01/part-0.parquet")

    def refuse(rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        raise DataError("no good")

    with pytest.raises(DataError, match="no good"):
        collector(lake, vendor).collect(START, START + 2 * DAY, accept=refuse, refetch=True)
    assert lake.read_bytes(f"{KEY}/day=2026-11-01/part-0.parquet") == before
    assert lake.days(KEY) == ["2026-11-01"]


def test_rejected_rows_are_no_revisions(lake: Lake) -> None:
    """Answers are judged before they are compared with stored rows; rejected rows of earlier days are counted."""

    class Doubtful(Vendor):
        def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
            answer = super().fetch(market, symbols, start, end).table
            return FetchResult(pd.concat([answer, answer.assign(funding=9.0)], ignore_index=True))

    def judge(
        rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, look_back: pd.Timedelta = NO_LAG
    ) -> pd.DataFrame:
        assert rows["available_at"].min() > start - look_back and rows["available_at"].max() <= end
        return rows[rows["funding"] != 9.0]

    for day in (0, 1):
        span = START + day * DAY, START + (day + 1) * DAY
        collection = collector(lake, Doubtful()).collect(*span, judge=judge)
        assert len(collection.table) == 2
        assert collection.counts["vendor: rejected rows of earlier days"] == 14
    assert lake.days(f"observed/{KEY}") == []


def test_a_symbol_without_a_valid_row_failed(lake: Lake) -> None:
    """It is named and fetched again, as if the vendor had not answered for it."""
    vendor = Vendor()
    only_a = lambda rows, start, end, look_back: rows[rows["symbol"] == "A"]  # noqa: E731
    first = collector(lake, vendor).collect(START, START + DAY, judge=only_a)
    assert first.failures == {"vendor: B": "all of its rows were rejected"}
    collector(lake, vendor).collect(START, START + DAY)
    assert [symbols for symbols, *_ in vendor.asked] == [("A", "B"), ("B",)]


def test_rows_of_former_vendors_are_not_mixed_in(lake: Lake) -> None:
    """Another source for the same days starts from nothing: its rows are no revisions of the other's."""
    collector(lake, Vendor(name="old")).collect(START, START + DAY)
    other = collector(lake, Vendor(name="new", values={"11-01": 5.0})).collect(START, START + DAY)
    assert other.table["funding"].tolist() == [5.0, 5.0] and other.counts == {}


def test_without_vendors_a_day_is_empty_and_stored(lake: Lake) -> None:
    """Absent facts are no failure."""
    nobody = Collector(lake, KEY, CRYPTO, ("A",), ())
    assert nobody.collect(START, START + DAY).table.empty and lake.days(KEY) == ["2026-11-01"]
    assert nobody.collect(START, START + DAY).stored_days == 1


class DiedError(Exception):
    """The process is gone."""


@dataclass
class Snapshot(Vendor):
    """A vendor that tells the present only: what it once gave it does not give again."""

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        answer = super().fetch(market, symbols, start, end)
        return answer if len(self.asked) == 1 else FetchResult(RAW_FUNDING.empty())


@pytest.mark.parametrize("writes", range(1, 8))
def test_a_run_that_dies_at_any_write_loses_nothing(lake: Lake, writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that reached the lake stay, though the vendor never says them again, and no day is taken for complete."""
    left = writes
    publish = type(lake.files).publish

    def dying(files: object, path: str, data: bytes) -> str:
        nonlocal left
        if left == 0:
            raise DiedError
        left -= 1
        return publish(files, path, data)  # type: ignore[arg-type]

    vendor = Snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(type(lake.files), "publish", dying)
        with suppress(DiedError):
            collector(lake, vendor).collect(START, START + 2 * DAY)
    stored = lake.read_days(KEY, lake.days(KEY))[0]
    again = collector(lake, vendor).collect(START, START + 2 * DAY).table
    assert len(again.merge(stored)) == len(stored)


def test_a_symbol_added_by_setting_has_its_past(lake: Lake) -> None:
    """What was never asked for is not late: its days hold it as the vendor stamped it, whatever was collected first."""
    vendor = Vendor()
    two = collector(lake, vendor, START + 9 * DAY)
    two.collect(START, START + 5 * DAY)
    three = Collector(lake, KEY, CRYPTO, ("A", "B", "C"), (vendor,), now=lambda: START + 9 * DAY)
    newest = three.collect(START + 5 * DAY, START + 6 * DAY)
    assert newest.counts.keys() == {"rows already stored"} and lake.days(f"observed/{KEY}") == []
    past = three.collect(START, START + 5 * DAY).table
    assert past.groupby("symbol").size().to_dict() == {"A": 5, "B": 5, "C": 5}
    assert (past["available_at"] == past["timestamp"]).all()


def test_a_symbol_that_failed_is_known_from_when_it_came_and_its_day_can_be_mended(lake: Lake) -> None:
    """The next day brings what failed, as observed then; asked again, the day itself has it as if it had not failed."""
    vendor = Vendor(broken={"B"})
    collector(lake, vendor, START + DAY).collect(START, START + DAY)
    vendor.broken = set()
    later = collector(lake, vendor, START + 2 * DAY + pd.Timedelta(hours=1)).collect(START + DAY, START + 2 * DAY)
    assert later.counts["late rows, available from now on"] == 1
    mended = collector(lake, vendor, START + 3 * DAY).collect(START, START + DAY).table
    assert mended["symbol"].tolist() == ["A", "B"] and (mended["available_at"] == mended["timestamp"]).all()


def test_a_failed_day_is_not_mended_by_what_was_revised_since(lake: Lake) -> None:
    """The value the vendor said first is on record: another one cannot have been known before it."""
    vendor = Vendor(broken={"B"})
    collector(lake, vendor, START + DAY).collect(START, START + DAY)
    vendor.broken = set()
    collector(lake, vendor, START + 2 * DAY + pd.Timedelta(hours=1)).collect(START + DAY, START + 2 * DAY)
    vendor.values = {"11-01": 9.0}
    again = collector(lake, vendor, START + 3 * DAY).collect(START, START + DAY)
    assert again.table["symbol"].tolist() == ["A"] and again.counts["revised values, stored as new rows"] == 1


def test_a_row_missing_from_a_signed_day_does_not_enter_it_when_fetched_again(lake: Lake) -> None:
    """Asking again on purpose changes no past: what was not said at its time is known from now on."""
    vendor = Vendor(values={"11-01": np.nan})
    drop = lambda rows, start, end: rows.dropna()  # noqa: E731  # as the gate would
    collector(lake, vendor, START + DAY).collect(START, START + DAY, accept=drop)
    vendor.values = {}
    seen = START + 2 * DAY + pd.Timedelta(hours=1)
    again = collector(lake, vendor, seen).collect(START, START + DAY, accept=drop, refetch=True)
    assert again.table.empty and again.counts["late rows, available from now on"] == 2
    third = collector(lake, vendor, START + 3 * DAY).collect(START + 2 * DAY, START + 3 * DAY, accept=drop).table
    assert (third["available_at"] == seen).sum() == 2


def test_a_refused_batch_leaves_no_observations(lake: Lake) -> None:
    """Nonsense about the days before is not remembered either, or it would be refused for ever."""
    vendor = Vendor()
    collector(lake, vendor, START + DAY).collect(START, START + DAY)
    vendor.values = {"11-01": 1e9}

    def refuse(rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        if (rows["funding"] > 1).any():
            raise DataError("nonsense")
        return rows

    with pytest.raises(DataError, match="nonsense"):
        collector(lake, vendor, START + 2 * DAY).collect(START + DAY, START + 2 * DAY, accept=refuse)
    assert lake.days(f"observed/{KEY}") == [] and lake.days(KEY) == ["2026-11-01"]
    vendor.values = {}
    assert len(collector(lake, vendor).collect(START + DAY, START + 2 * DAY, accept=refuse).table) == 2


def test_another_source_and_back_again_starts_from_nothing_each_time(lake: Lake) -> None:
    """A day holds the rows of the source that is set, not of the one that was asked last."""
    old, new = Vendor(name="old"), Vendor(name="new", values={"11-01": 5.0})
    for vendor, value in ((old, 0.01), (new, 5.0), (old, 0.01)):
        found = collector(lake, vendor).collect(START, START + DAY)
        assert found.table["funding"].tolist() == [value] * 2 and found.counts == {}


def test_days_of_another_source_are_nothing_to_revise(lake: Lake) -> None:
    """The days before, by another source, neither make revisions nor late rows."""
    collector(lake, Vendor(name="old")).collect(START, START + 3 * DAY)
    found = collector(lake, Vendor(name="new", values={"11-02": 5.0})).collect(START + 3 * DAY, START + 4 * DAY)
    assert found.counts == {} and lake.days(f"observed/{KEY}") == []


def test_a_day_that_is_not_over_is_fetched_again(lake: Lake) -> None:
    """What was collected at noon is not taken for the whole day."""
    vendor = Vendor()
    collector(lake, vendor, START + DAY / 2).collect(START, START + DAY)
    assert collector(lake, vendor, START + DAY).collect(START, START + DAY).fetched_days == 1
    assert collector(lake, vendor, START + DAY).collect(START, START + DAY).stored_days == 1


def test_a_damaged_day_is_fetched_again(lake: Lake) -> None:
    """The message about a damaged file says to run it again: that mends the day, alone."""
    vendor = Vendor()
    whole = collector(lake, vendor).collect(START, START + 3 * DAY).table
    file = Path(lake.root) / KEY / "day=2026-11-02" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:-9])
    found = collector(lake, vendor).collect(START, START + 3 * DAY)
    assert (found.fetched_days, found.stored_days) == (1, 2)
    assert found.counts["days with a damaged file, fetched again"] == 1
    pd.testing.assert_frame_equal(found.table, whole)


def test_what_another_process_observed_after_a_day_was_collected_is_added_to_it(lake: Lake) -> None:
    """A revision seen a moment before midnight by a backfill still enters its day."""
    vendor = Vendor()
    collector(lake, vendor, START + 2 * DAY).collect(START, START + 2 * DAY)
    vendor.values = {"11-01": 9.0}
    collector(lake, vendor, START + 2 * DAY - pd.Timedelta(1, "s")).collect(START, START + DAY, refetch=True)
    found = collector(lake, vendor, START + 3 * DAY).collect(START + DAY, START + 2 * DAY)
    assert found.stored_days == 1 and (found.table["funding"] == 9.0).sum() == 2
    assert (lake.read(KEY, "2026-11-02", "2026-11-02")["funding"] == 9.0).sum() == 2
