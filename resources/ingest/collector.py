"""
Fetching what is not there yet, a stretch of days at a time, each stored as soon as it is accepted.

A stretch that was stored is not asked for again: a backfill that was broken off goes on where it stopped, and a day
asked for twice is the same bytes. What counts as another value is said by `observations`, what is acceptable by the
caller.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.errors import CorruptFileError, SourceError
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.revisions import LATER, compare, observed, unite
from alpha_pipeline.tables import Table
from resources.ingest.receipts import Receipts
from resources.lake.lake import Lake, days_between, table_of
from resources.vendors.protocols import FactSource, FetchResult, utc_now

# Vendors publish up to two days late and correct themselves for some days more: that far back is asked again.
BACK = pd.Timedelta(days=7)
STRETCH_DAYS = 31

Accept = Callable[[pd.DataFrame, pd.Timestamp, pd.Timestamp], pd.DataFrame]


@dataclass
class Collection:
    """
    What came of collecting.

    Args:
        table: rows that became known in the window, stored ones too.
        failures: what was asked and did not come -> why. It is asked for again next time.
        notes: what vendors and collecting have to tell, as counts.
        fetched_days: days that were asked for.
        kept_days: days that were there.
    """

    table: pd.DataFrame
    failures: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    fetched_days: int = 0
    kept_days: int = 0

    def count(self, note: str, number: int) -> None:
        """Add to a note; nothing is said of nothing."""
        if number:
            self.notes[note] = self.notes.get(note, 0) + number


@dataclass(frozen=True)
class Collector:
    """
    One raw table of one market, and who fills it.

    Args:
        lake: where rows, receipts and observations are kept.
        key: of the asset, `crypto/raw_funding`.
        market: of the symbols.
        symbols: whose rows are wanted.
        sources: the vendors.
        required: nothing at all from every vendor is an error, not an empty day.
        back: how far before the window vendors are asked again for late and corrected rows.
        stretch_days: days fetched and stored at once.
        now: the moment at which something is observed.
    """

    lake: Lake
    key: str
    market: Market
    symbols: Sequence[str]
    sources: Sequence[FactSource]
    required: bool = False
    back: pd.Timedelta = BACK
    stretch_days: int = STRETCH_DAYS
    now: Callable[[], pd.Timestamp] = utc_now

    @property
    def table(self) -> Table:
        """What is stored under the key."""
        return table_of(self.key)

    def collect(
        self,
        start: pd.Timestamp,
        end: pd.Timestamp,
        accept: Accept = lambda rows, start, end: rows,
        refetch: bool = False,
        tell: Callable[[str], None] = lambda line: None,
    ) -> Collection:
        """
        Everything that became known in (start, end].

        Args:
            start: beginning of a day, UTC.
            end: end of a day, UTC.
            accept: gives the rows to store of a stretch, or raises; then nothing of the stretch is stored. It is shown
                what a door quarantined as well, so that one place keeps the record of it.
            refetch: ask for stored days too; what vendors now say otherwise becomes a row of its own.
            tell: told how far it is.

        Raises:
            SourceError: `required` and no vendor answered. Earlier stretches are stored.
        """
        done = Collection(self.table.empty())
        days = days_between(start.date(), (end - pd.Timedelta(days=1)).date())
        stretches = list(self._stretches(days, refetch))
        parts = []
        for number, (these, missing) in enumerate(stretches, 1):
            try:
                parts.append(self._stretch(these, missing, accept, done))
            except CorruptFileError:
                if not (damaged := self._damaged(these)):
                    raise
                for day in damaged:
                    self._receipts.void(day)
                done.count("days whose file was damaged, asked for anew", len(damaged))
                parts += [self._stretch(*again, accept, done) for again in self._stretches(these, refetch)]
            if missing and len(stretches) > 1:
                tell(f"{number} of {len(stretches)}: {these[0]} to {these[-1]}, {len(parts[-1]):,} rows")
        filled = [part for part in parts if len(part)]
        done.table = pd.concat(filled, ignore_index=True) if filled else parts[0]
        return done

    @property
    def _receipts(self) -> Receipts:
        return Receipts(self.lake, self.key, [source.name for source in self.sources])

    def _stretches(self, days: Sequence[str], refetch: bool) -> Iterator[tuple[list[str], Mapping[str, list[str]]]]:
        """Days in order, cut where what is missing changes and at `stretch_days`; what is missing, by vendor."""
        held: list[str] = []
        before: dict[str, list[str]] = {}
        for day in days:
            missing = self._missing(day, refetch)
            if held and (missing != before or (missing and len(held) == self.stretch_days)):
                yield held, before
                held = []
            held, before = [*held, day], missing
        if held:
            yield held, before

    def _missing(self, day: str, refetch: bool) -> dict[str, list[str]]:
        if not self.lake.exists(f"{self.key}/day={day}/part-0.parquet"):
            return {source.name: sorted(self.symbols) for source in self.sources} or {"": []}
        given = {} if refetch else self._receipts.of(day).given
        missing = {source.name: sorted(set(self.symbols) - given.get(source.name, set())) for source in self.sources}
        return {name: symbols for name, symbols in missing.items() if symbols}

    def _stretch(
        self, days: list[str], missing: Mapping[str, list[str]], accept: Accept, done: Collection
    ) -> pd.DataFrame:
        """
        The rows of one stretch, asked for, accepted and stored where something is missing.

        First it is said whose rows will come, then they are stored, then what was observed about other days, and the
        receipt last: whatever a run that dies leaves is kept, and what it did not sign is asked for again. One process
        at a time does this.
        """
        first, last = _bounds(days)
        answers, failures = self._ask(missing, first, last, done) if missing else ({}, {})
        with self.lake.files.store.lock(f"observed/{self.key}"):
            moment = self.now()
            if not missing:
                stored = self._stored(days)
                rows = accept(unite([stored, self._became_known(first, last)], self.table), first, last)
                if len(rows) > len(stored):  # another process observed them after it was collected
                    self.lake.write_range(self.key, rows, days[0], days[-1])
                done.kept_days += len(days)
                return rows
            merged, seen = self._merged(days, answers, moment, done)
            rows = accept(_beside(merged, answers, first, last), first, last)
            seen = accept(seen, moment - pd.Timedelta(1, "us"), moment) if len(seen) else seen
            self._receipts.claim(days)
            self.lake.write_range(self.key, rows, days[0], days[-1])
            self._observe(seen, moment)
            over = [day for day in days if _bounds([day])[1] <= moment]
            self._receipts.sign(over, missing, failures)
            done.fetched_days += len(days)
            return rows

    def _merged(
        self, days: list[str], answers: Mapping[str, FetchResult], moment: pd.Timestamp, done: Collection
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows of the days: what was stored, what is new, and what was observed on them; and what is observed now."""
        first, last = _bounds(days)
        around = [*self._before(first), *days]
        receipts = {day: receipt for day in around if (receipt := self._receipts.of(day)).given}
        stored = self._stored([day for day in days if day in receipts])
        earlier = self._stored([day for day in around if day in receipts and day not in days])
        said = [earlier, stored, self._journal(first - self.back, moment)]
        known = pd.concat([part for part in said if len(part)] or [stored], ignore_index=True)
        fresh, seen = [], []
        for name, answer in answers.items():
            rows = answer.table[(answer.table[LATER] > first - self.back) & (answer.table[LATER] <= last)]
            given = _marked(rows, {day: receipt.given.get(name, frozenset()) for day, receipt in receipts.items()})
            asked = _marked(rows, {day: receipt.asked(name) for day, receipt in receipts.items()})
            # Of what was never asked for nothing is late: it is what one would have heard then.
            unheard = (rows[LATER] > first) & ~given & ~self._told_otherwise(rows, known, last)
            then = compare(rows[unheard], known[known[LATER] <= last], self.table)
            since = compare(then.revised, known, self.table)
            others = compare(rows[~unheard], known, self.table)
            revised = unite([others.revised, since.revised], self.table)
            late = others.unseen[_among(others.unseen, rows[asked], self.table)]
            fresh.append(then.unseen)
            seen += [revised, late]
            done.count("rows known already", others.repeated + then.repeated + since.repeated)
            done.count("revised values, kept as new rows", len(revised))
            done.count("rows that came late, known from now on", len(late))
        new = unite([observed(part, moment) for part in [self.table.empty(), *seen]], self.table)
        return unite([stored, *fresh, self._became_known(first, last, new)], self.table), new

    def _told_otherwise(self, rows: pd.DataFrame, known: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
        """Rows about events first heard of after `last`, which said something else then: no one heard this before."""
        later = known[known[LATER] > last].sort_values(LATER, kind="stable")
        event = [key for key in self.table.keys if key != LATER]
        firsts = later.groupby(event, as_index=False, dropna=False).first() if len(later) else later
        return _among(rows, compare(rows, firsts, self.table).revised, self.table)

    def _ask(
        self, missing: Mapping[str, list[str]], first: pd.Timestamp, last: pd.Timestamp, done: Collection
    ) -> tuple[dict[str, FetchResult], dict[str, set[str]]]:
        """Answers by vendor, and by vendor what failed; the vendor's own name where all did."""
        answers, failures = {}, {}
        for source in self.sources:
            if source.name not in missing:
                continue
            try:
                answer = source.fetch(self.market, missing[source.name], first - self.back, last)
            except SourceError as error:
                done.failures[source.name] = str(error)
                failures[source.name] = {source.name}
                continue
            answers[source.name] = answer
            failures[source.name] = set(answer.failures)
            done.failures |= {f"{source.name}: {what}": why for what, why in answer.failures.items()}
            for note, number in answer.notes.items():
                done.count(f"{source.name}: {note}", number)
        if self.required and any(failures.values()) and not any(len(answer.table) for answer in answers.values()):
            raise SourceError("; ".join(f"{what}: {why}" for what, why in list(done.failures.items())[:3]))
        return answers, failures

    def _before(self, first: pd.Timestamp) -> list[str]:
        """The days that are asked again."""
        if self.back <= pd.Timedelta(0):
            return []
        return days_between((first - self.back).date(), (first - pd.Timedelta(days=1)).date())

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
        """Rows observed on these days, in whichever run that was."""
        there = [day for day in self.lake.days(f"observed/{self.key}") if str(first.date()) <= day <= str(last.date())]
        return self.lake.read_days(f"observed/{self.key}", there, allow_missing=True)[0]

    def _became_known(self, first: pd.Timestamp, last: pd.Timestamp, also: pd.DataFrame | None = None) -> pd.DataFrame:
        """Rows observed in (first, last]."""
        seen = unite([self._journal(first, last), *([] if also is None else [also])], self.table)
        return seen[(seen[LATER] > first) & (seen[LATER] <= last)]

    def _observe(self, rows: pd.DataFrame, moment: pd.Timestamp) -> None:
        """Add to the journal of the day; the days that become known then will hold the rows."""
        if rows.empty:
            return
        day = str((moment - pd.Timedelta(1, "us")).date())
        key = f"observed/{self.key}"
        earlier = self.lake.read_days(key, [day], allow_missing=True)[0]
        self.lake.write_range(key, unite([earlier, rows], self.table), day, day)


def _beside(
    rows: pd.DataFrame, answers: Mapping[str, FetchResult], first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """The rows, then those of the stretch that doors quarantined: no news and no revisions, as nobody believes them."""
    aside = [answer.aside for answer in answers.values() if len(answer.aside)]
    inside = [part[(part["available_at"] > first) & (part["available_at"] <= last)] for part in aside]
    return pd.concat([rows, *inside], ignore_index=True) if inside else rows


def _bounds(days: Sequence[str]) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(days[0], tz="UTC"), pd.Timestamp(days[-1], tz="UTC") + pd.Timedelta(days=1)


def _marked(rows: pd.DataFrame, symbols: Mapping[str, frozenset[str]]) -> pd.Series:
    """Rows that became known on a day of one of its symbols."""
    days = partition_days(rows[LATER]).dt.strftime("%Y-%m-%d")
    pairs = zip(days, rows["symbol"], strict=True)
    return pd.Series([symbol in symbols.get(day, ()) for day, symbol in pairs], rows.index, dtype=bool)


def _among(rows: pd.DataFrame, others: pd.DataFrame, table: Table) -> pd.Series:
    """Rows with the keys of one of the others."""
    keys = list(table.keys)
    return pd.Series(pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(others[keys])), rows.index)
