"""
Incremental collection of raw tables: fetch the days that are missing, in batches stored as soon as they are accepted.

A stored batch is not fetched again: an interrupted backfill continues where it stopped, and fetching a day twice gives
the same bytes. Revisions are defined in `market.revisions`, validity of rows in `ingestion_gate`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from alpha_pipeline.errors import CorruptFileError, SourceError
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.revisions import LATER, compare, observed, unite
from alpha_pipeline.resources.ingest.receipts import Receipts
from alpha_pipeline.resources.lake.lake import Lake, days_between, table_of
from alpha_pipeline.resources.vendors.protocols import FactSource, FetchResult, utc_now
from alpha_pipeline.tables import Table

# Vendors publish up to two days late and correct themselves for some days more: so far back they are asked again.
LOOK_BACK = pd.Timedelta(days=7)
BATCH_DAYS = 31

Accept = Callable[[pd.DataFrame, pd.Timestamp, pd.Timestamp], pd.DataFrame]


class Judge(Protocol):
    """The valid rows of an answer that became known in (start - look_back, end]; see `IngestionGate.judge`."""

    def __call__(
        self, rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, look_back: pd.Timedelta, /
    ) -> pd.DataFrame: ...


@dataclass
class Collection:
    """
    The result of collecting.

    Args:
        table: rows that became known in the window, stored ones included.
        failures: source, or source and symbol, feed or metric -> reason. What failed is fetched again next time.
        counts: remarks of vendors and of the collection -> number of rows or days.
        fetched_days: days that were fetched.
        stored_days: days that were complete in the lake.
    """

    table: pd.DataFrame
    failures: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    fetched_days: int = 0
    stored_days: int = 0

    def count(self, remark: str, number: int) -> None:
        """Add to the count of a remark; zero adds no entry."""
        if number:
            self.counts[remark] = self.counts.get(remark, 0) + number


@dataclass(frozen=True)
class Collector:
    """
    One raw table of one market and its sources.

    Args:
        lake: holds rows, receipts and observations.
        key: of the asset, `crypto/raw_funding`.
        market: of the symbols.
        symbols: to collect.
        sources: the vendors.
        required: an answer without rows from every vendor is an error, not an empty day.
        look_back: how far before the window vendors are asked again for late and corrected rows.
        batch_days: days fetched and stored at once.
        now: the clock that stamps observations.
    """

    lake: Lake
    key: str
    market: Market
    symbols: Sequence[str]
    sources: Sequence[FactSource]
    required: bool = False
    look_back: pd.Timedelta = LOOK_BACK
    batch_days: int = BATCH_DAYS
    now: Callable[[], pd.Timestamp] = utc_now

    @property
    def table(self) -> Table:
        """The columns stored under the key."""
        return table_of(self.key)

    def collect(
        self,
        start: pd.Timestamp,
        end: pd.Timestamp,
        accept: Accept = lambda rows, start, end: rows,
        refetch: bool = False,
        log: Callable[[str], None] = lambda line: None,
        judge: Judge = lambda rows, start, end, look_back: rows,
    ) -> Collection:
        """
        Everything that became known in (start, end].

        Args:
            start: beginning of a day, UTC.
            end: end of a day, UTC.
            accept: merged rows of a batch -> the rows to store; when it raises, nothing of the batch is stored.
            refetch: fetch stored days too; values that changed since become rows of their own.
            log: receives a line per fetched batch.
            judge: rows of one answer -> its valid rows, before they are compared with stored ones.

        Raises:
            SourceError: `required` and no vendor answered. Earlier batches are stored.
        """
        collection = Collection(self.table.empty())
        all_days = days_between(start.date(), (end - pd.Timedelta(days=1)).date())
        batches = list(self._batches(all_days, refetch))
        parts = []
        for number, (days, missing) in enumerate(batches, 1):
            try:
                parts.append(self._batch(days, missing, judge, accept, collection))
            except CorruptFileError:
                if not (damaged := self._damaged(days)):
                    raise
                for day in damaged:
                    self._receipts.void(day)
                collection.count("days with a damaged file, fetched again", len(damaged))
                parts += [self._batch(*batch, judge, accept, collection) for batch in self._batches(days, refetch)]
            if missing and len(batches) > 1:
                log(f"{number} of {len(batches)}: {days[0]} to {days[-1]}, {len(parts[-1]):,} rows")
        filled = [part for part in parts if len(part)]
        collection.table = pd.concat(filled, ignore_index=True) if filled else parts[0]
        return collection

    @property
    def _receipts(self) -> Receipts:
        return Receipts(self.lake, self.key, [source.name for source in self.sources])

    def _batches(self, days: Sequence[str], refetch: bool) -> Iterator[tuple[list[str], Mapping[str, list[str]]]]:
        """Days in order, cut where the missing symbols change and at `batch_days`; the missing symbols by vendor."""
        batch: list[str] = []
        batch_missing: dict[str, list[str]] = {}
        for day in days:
            missing = self._missing(day, refetch)
            if batch and (missing != batch_missing or (missing and len(batch) == self.batch_days)):
                yield batch, batch_missing
                batch = []
            batch, batch_missing = [*batch, day], missing
        if batch:
            yield batch, batch_missing

    def _missing(self, day: str, refetch: bool) -> dict[str, list[str]]:
        if not self.lake.exists(f"{self.key}/day={day}/part-0.parquet"):
            return {source.name: sorted(self.symbols) for source in self.sources} or {"": []}
        given = {} if refetch else self._receipts.of(day).given
        missing = {source.name: sorted(set(self.symbols) - given.get(source.name, set())) for source in self.sources}
        return {name: symbols for name, symbols in missing.items() if symbols}

    def _batch(
        self,
        days: list[str],
        missing: Mapping[str, list[str]],
        judge: Judge,
        accept: Accept,
        collection: Collection,
    ) -> pd.DataFrame:
        """
        The rows of one batch; where symbols are missing they are fetched, judged, merged and stored.

        The order of writes: claim of the days, rows, observations about other days, receipt. A run that dies loses
        nothing it stored, and days without a signed receipt are fetched again. One process at a time writes.
        """
        first, last = _bounds(days)
        answers, failures = self._fetch(missing, first, last, collection) if missing else ({}, {})
        with self.lake.files.store.lock(f"observed/{self.key}"):
            moment = self.now()
            if not missing:
                stored = self._stored(days)
                rows = accept(unite([stored, self._became_known(first, last)], self.table), first, last)
                if len(rows) > len(stored):  # another process observed them after the batch was collected
                    self.lake.write_range(self.key, rows, days[0], days[-1])
                collection.stored_days += len(days)
                return rows
            valid = {
                name: self._judged(name, answer.table, first, last, judge, failures, collection)
                for name, answer in answers.items()
            }
            merged, observations = self._merged(days, valid, moment, collection)
            rows = accept(merged, first, last)
            if len(observations):
                observations = accept(observations, moment - pd.Timedelta(1, "us"), moment)
            self._receipts.claim(days)
            self.lake.write_range(self.key, rows, days[0], days[-1])
            self._observe(observations, moment)
            finished = [day for day in days if _bounds([day])[1] <= moment]
            self._receipts.sign(finished, missing, failures)
            collection.fetched_days += len(days)
            return rows

    def _judged(
        self,
        name: str,
        answer: pd.DataFrame,
        first: pd.Timestamp,
        last: pd.Timestamp,
        judge: Judge,
        failures: dict[str, set[str]],
        collection: Collection,
    ) -> pd.DataFrame:
        """The valid rows of an answer; a symbol all of whose rows were rejected is a failure, fetched again later."""
        rows = answer[(answer[LATER] > first - self.look_back) & (answer[LATER] <= last)]
        valid = judge(rows, first, last, self.look_back)
        earlier = int((rows[LATER] <= first).sum() - (valid[LATER] <= first).sum())
        collection.count(f"{name}: rejected rows of earlier days", earlier)
        for symbol in sorted(set(rows["symbol"].dropna()) - set(valid["symbol"])):
            failures[name].add(symbol)
            collection.failures[f"{name}: {symbol}"] = "all of its rows were rejected"
        return valid

    def _merged(
        self, days: list[str], answers: Mapping[str, pd.DataFrame], moment: pd.Timestamp, collection: Collection
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows of the days (stored, new, and observed on them), and the observations made now."""
        first, last = _bounds(days)
        nearby = [*self._days_before(first), *days]
        receipts = {day: receipt for day in nearby if (receipt := self._receipts.of(day)).given}
        stored = self._stored([day for day in days if day in receipts])
        earlier = self._stored([day for day in nearby if day in receipts and day not in days])
        parts = [earlier, stored, self._journal(first - self.look_back, moment)]
        on_record = pd.concat([part for part in parts if len(part)] or [stored], ignore_index=True)
        fresh, observations = [], []
        for name, rows in answers.items():
            given = _marked(rows, {day: receipt.given.get(name, frozenset()) for day, receipt in receipts.items()})
            requested = _marked(rows, {day: receipt.requested(name) for day, receipt in receipts.items()})
            # Rows that were never requested are not late: they get the vendor's stamp, as if fetched in time.
            backfill = (rows[LATER] > first) & ~given & ~self._first_seen_otherwise(rows, on_record, last)
            then = compare(rows[backfill], on_record[on_record[LATER] <= last], self.table)
            since = compare(then.revised, on_record, self.table)
            others = compare(rows[~backfill], on_record, self.table)
            revised = unite([others.revised, since.revised], self.table)
            late = others.unseen[_among(others.unseen, rows[requested], self.table)]
            fresh.append(then.unseen)
            observations += [revised, late]
            collection.count("rows already stored", others.repeated + then.repeated + since.repeated)
            collection.count("revised values, stored as new rows", len(revised))
            collection.count("late rows, available from now on", len(late))
        new = unite([observed(part, moment) for part in [self.table.empty(), *observations]], self.table)
        return unite([stored, *fresh, self._became_known(first, last, new)], self.table), new

    def _first_seen_otherwise(self, rows: pd.DataFrame, on_record: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
        """Rows about events first seen after `last` with other values: these values cannot have been known before."""
        later = on_record[on_record[LATER] > last].sort_values(LATER, kind="stable")
        event = [key for key in self.table.keys if key != LATER]
        firsts = later.groupby(event, as_index=False, dropna=False).first() if len(later) else later
        return _among(rows, compare(rows, firsts, self.table).revised, self.table)

    def _fetch(
        self, missing: Mapping[str, list[str]], first: pd.Timestamp, last: pd.Timestamp, collection: Collection
    ) -> tuple[dict[str, FetchResult], dict[str, set[str]]]:
        """Answers by vendor, and failed symbols by vendor; the vendor's own name where it failed as a whole."""
        answers, failures = {}, {}
        for source in self.sources:
            if source.name not in missing:
                continue
            try:
                answer = source.fetch(self.market, missing[source.name], first - self.look_back, last)
            except SourceError as error:
                collection.failures[source.name] = str(error)
                failures[source.name] = {source.name}
                continue
            answers[source.name] = answer
            failures[source.name] = set(answer.failures)
            collection.failures |= {f"{source.name}: {item}": reason for item, reason in answer.failures.items()}
            for remark, number in answer.counts.items():
                collection.count(f"{source.name}: {remark}", number)
        if self.required and any(failures.values()) and not any(len(answer.table) for answer in answers.values()):
            reasons = [f"{item}: {reason}" for item, reason in collection.failures.items()]
            raise SourceError("; ".join(reasons[:3]))
        return answers, failures

    def _days_before(self, first: pd.Timestamp) -> list[str]:
        """The days of the look-back."""
        if self.look_back <= pd.Timedelta(0):
            return []
        return days_between((first - self.look_back).date(), (first - pd.Timedelta(days=1)).date())

    def _stored(self, days: Sequence[str]) -> pd.DataFrame:
        return self.lake.read_days(self.key, days, allow_missing=True)[0]

    def _damaged(self, days: Sequence[str]) -> list[str]:
        damaged = []
        for day in days:
            try:
                self._stored([day])
            except CorruptFileError:
                damaged.append(day)
        return damaged

    def _journal(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """Rows observed on these days, by any run."""
        days = [day for day in self.lake.days(f"observed/{self.key}") if str(first.date()) <= day <= str(last.date())]
        return self.lake.read_days(f"observed/{self.key}", days, allow_missing=True)[0]

    def _became_known(self, first: pd.Timestamp, last: pd.Timestamp, new: pd.DataFrame | None = None) -> pd.DataFrame:
        """Rows observed in (first, last], those of `new` included."""
        rows = unite([self._journal(first, last), *([] if new is None else [new])], self.table)
        return rows[(rows[LATER] > first) & (rows[LATER] <= last)]

    def _observe(self, rows: pd.DataFrame, moment: pd.Timestamp) -> None:
        """Add rows to the journal of the day; the days in which they become known will include them."""
        if rows.empty:
            return
        day = str((moment - pd.Timedelta(1, "us")).date())
        key = f"observed/{self.key}"
        earlier = self.lake.read_days(key, [day], allow_missing=True)[0]
        self.lake.write_range(key, unite([earlier, rows], self.table), day, day)


def _bounds(days: Sequence[str]) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(days[0], tz="UTC"), pd.Timestamp(days[-1], tz="UTC") + pd.Timedelta(days=1)


def _marked(rows: pd.DataFrame, symbols: Mapping[str, frozenset[str]]) -> pd.Series:
    """Rows that became known on a day whose set contains their symbol."""
    days = partition_days(rows[LATER]).dt.strftime("%Y-%m-%d")
    pairs = zip(days, rows["symbol"], strict=True)
    return pd.Series([symbol in symbols.get(day, ()) for day, symbol in pairs], rows.index, dtype=bool)


def _among(rows: pd.DataFrame, others: pd.DataFrame, table: Table) -> pd.Series:
    """Rows with the keys of one of the others."""
    keys = list(table.keys)
    return pd.Series(pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(others[keys])), rows.index)
