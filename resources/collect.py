"""
Fetching what is not there yet, a stretch of days at a time, each stored as soon as it is accepted.

A stretch that was stored is not asked for again: a backfill that was broken off goes on where it stopped, and a day
asked for twice is the same bytes. What counts as another value is said by `observations`, what is acceptable by the
caller.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.market import Market, partition_days
from alpha_pipeline.observations import compare, observed, unite
from alpha_pipeline.tables import Table
from resources.door import FactSource, Fetched, utc_now
from resources.lake import Lake, days_between, table_of

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
                what a door set aside as well, so that one place keeps the record of it.
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
            first, last = _bounds(these)
            if not missing:
                rows = accept(self._stored(these), first, last)
                done.kept_days += len(these)
            else:
                answers, failures = self._ask(missing, first, last, done)
                rows = accept(_beside(self._merged(these, answers, done), answers, first, last), first, last)
                self.lake.write_range(self.key, rows, these[0], these[-1])
                self._sign(these, missing, failures)
                done.fetched_days += len(these)
                if len(stretches) > 1:
                    tell(f"{number} of {len(stretches)}: {these[0]} to {these[-1]}, {len(rows):,} rows")
            parts.append(rows)
        filled = [part for part in parts if len(part)]
        done.table = pd.concat(filled, ignore_index=True) if filled else parts[0]
        return done

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
        signed = self._receipt(day)
        missing = {
            source.name: sorted(set(self.symbols) - set(() if refetch else signed.get(source.name, ())))
            for source in self.sources
        }
        return {name: symbols for name, symbols in missing.items() if symbols}

    def _merged(self, days: list[str], answers: Mapping[str, Fetched], done: Collection) -> pd.DataFrame:
        """Rows of the days: what was stored, what is new, and what was observed on them."""
        first, last = _bounds(days)
        fetched = unite([self.table.empty(), *(answer.table for answer in answers.values())], self.table)
        ours = {source.name for source in self.sources}
        stored = self._stored([day for day in days if ours & set(self._receipt(day))])
        moment = self.now()
        before = self._earlier(first)
        journal = self._journal(first - self.back, moment)
        known = pd.concat([frame for frame in (before, stored, journal) if len(frame)] or [stored])
        news = compare(fetched, known, self.table)
        when = news.unseen["available_at"]
        fresh = news.unseen[(when > first) & (when <= last)]
        # Of a day that was never collected, nothing is late.
        collected = partition_days(when).dt.strftime("%Y-%m-%d").isin(self.lake.days(self.key))
        late = news.unseen[(when <= first) & (when > first - self.back) & collected]
        done.count("rows known already", news.repeated)
        done.count("revised values, kept as new rows", len(news.revised))
        done.count("rows that came late, known from now on", len(late))
        self._observe(unite([news.revised, late], self.table), moment)
        seen = self._journal(first, last)
        inside = seen[(seen["available_at"] > first) & (seen["available_at"] <= last)]
        return unite([stored, fresh, inside], self.table)

    def _ask(
        self, missing: Mapping[str, list[str]], first: pd.Timestamp, last: pd.Timestamp, done: Collection
    ) -> tuple[dict[str, Fetched], dict[str, set[str]]]:
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

    def _earlier(self, first: pd.Timestamp) -> pd.DataFrame:
        if self.back <= pd.Timedelta(0):
            return self.table.empty()
        before = (first - self.back).date(), (first - pd.Timedelta(days=1)).date()
        return self.lake.read_days(self.key, days_between(*before), allow_missing=True)[0]

    def _stored(self, days: Sequence[str]) -> pd.DataFrame:
        return self.lake.read_days(self.key, days, allow_missing=True)[0]

    def _journal(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """Rows observed on these days, in whichever run that was."""
        there = [day for day in self.lake.days(f"observed/{self.key}") if str(first.date()) <= day <= str(last.date())]
        return self.lake.read_days(f"observed/{self.key}", there, allow_missing=True)[0]

    def _observe(self, rows: pd.DataFrame, moment: pd.Timestamp) -> None:
        """Add to the journal of the day; the days that become known then will hold the rows."""
        if rows.empty:
            return
        day = str((moment - pd.Timedelta(1, "us")).date())
        key = f"observed/{self.key}"
        earlier = self.lake.read_days(key, [day], allow_missing=True)[0]
        self.lake.write_range(key, unite([earlier, observed(rows, moment)], self.table), day, day)

    def _receipt(self, day: str) -> dict[str, list[str]]:
        path = f"receipts/{self.key}/{day}.json"
        return json.loads(self.lake.read_bytes(path)) if self.lake.exists(path) else {}

    def _sign(self, days: list[str], missing: Mapping[str, list[str]], failures: Mapping[str, set[str]]) -> None:
        """
        Say of each day which vendor gave which symbols.

        A vendor that failed altogether gave none. A feed or metric that failed beside others is not asked for again by
        itself, since some are refused for good; what it has to say of the last days is asked for with the next ones.
        """
        given = {
            source.name: set(missing.get(source.name, ())) - failures.get(source.name, set())
            for source in self.sources
            if source.name not in failures.get(source.name, ())
        }
        for day in days:
            signed = self._receipt(day)
            came = signed | {name: sorted(set(signed.get(name, ())) | symbols) for name, symbols in given.items()}
            self.lake.atomic_write(f"receipts/{self.key}/{day}.json", json.dumps(came, sort_keys=True).encode())


def _beside(
    rows: pd.DataFrame, answers: Mapping[str, Fetched], first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """The rows, then those of the stretch that doors set aside: no news and no revisions, as nobody believes them."""
    aside = [answer.aside for answer in answers.values() if len(answer.aside)]
    inside = [part[(part["available_at"] > first) & (part["available_at"] <= last)] for part in aside]
    return pd.concat([rows, *inside], ignore_index=True) if inside else rows


def _bounds(days: Sequence[str]) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(days[0], tz="UTC"), pd.Timestamp(days[-1], tz="UTC") + pd.Timedelta(days=1)
