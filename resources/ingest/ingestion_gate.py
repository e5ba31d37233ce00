"""
What may enter the lake: rows that cannot be true are quarantined in a file of their own, the rest is checked as a whole.

Rules and suites are `validation`'s; this keeps the record of what they said.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market, expected_closes, partition_days
from alpha_pipeline.tables import Table
from alpha_pipeline.validation.raw.contracts import Quality, check_facts, check_ohlcv
from alpha_pipeline.validation.raw.rows import split_rows
from resources.lake.lake import Lake

# Set aside beyond this share, a stretch is no longer believed at all; a few rows are always let off.
MOST = 0.2
FEW = 20


@dataclass
class Gate:
    """
    The entrance of one raw table, for one run.

    Args:
        lake: bad rows go to `quarantine/<key>/<first day>.json`.
        key: of the asset.
        table: its columns.
        market: its calendar.
        quality: of each stretch that was checked, in order.
        reasons: why rows were quarantined, and how many.
    """

    lake: Lake
    key: str
    table: Table
    market: Market
    quality: list[Quality] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def accept(self, rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        """
        The rows that may be stored.

        Raises:
            DataError: too many rows were quarantined, or the rest breaks its contract; says what. Nothing was stored but
                the rows quarantined.
        """
        found = split_rows(rows, self.table, self.market, start, end)
        self.reasons.update(found.reasons())
        if len(found.bad):
            self._set_aside(found.bad, f"quarantine/{self.key}/{start:%Y-%m-%d}.json")
        if len(found.bad) > max(FEW, MOST * len(rows)):
            raise DataError(
                f"{self.key} in ({start}, {end}]: {len(found.bad)} of {len(rows)} rows cannot be true "
                f"({', '.join(f'{n} x {why}' for why, n in found.reasons().items())}); the stretch was not stored"
            )
        self._check(found.good, start, end)
        return found.good

    def _set_aside(self, bad: pd.DataFrame, path: str) -> None:
        """Beside what was quarantined there before: a symbol asked for again does not replace what another one gave."""
        earlier = json.loads(self.lake.read_bytes(path)) if self.lake.exists(path) else []
        rows = json.loads(bad.to_json(orient="records", date_format="iso", date_unit="us"))
        once = {json.dumps(row): None for row in [*earlier, *rows]}
        self.lake.atomic_write(path, f"[{', '.join(once)}]".encode())

    def results(self) -> pd.DataFrame:
        """Every expectation that was checked, the failed ones first."""
        frames = [quality.results for quality in self.quality]
        if not frames:
            return pd.DataFrame({"expectation": [], "passed": [], "unexpected": [], "found": []})
        return pd.concat(frames, ignore_index=True).sort_values("passed", kind="stable", ignore_index=True)

    def _check(self, rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> None:
        if "close" in rows.columns:
            # What was seen late belongs to earlier days, what was revised is there already: they are no bars of these.
            told = rows[rows["timestamp"] > start].sort_values("available_at", kind="stable")
            bars = told.drop_duplicates(["timestamp", "symbol"]).sort_index()
            due = 0 if end - start < self.market.bar_length else len(expected_closes(self.market, start, end))
            if bars.empty and not due:
                return
            quality = check_ohlcv(bars, self.market, start, end)
        elif rows.empty:
            return
        else:
            quality = check_facts(rows, self.table, start, end)
        self.quality.append(quality)
        if not quality.passed:
            raise DataError(
                f"{self.key} in ({start}, {end}] breaks its contract and was not stored: {quality.failures()}"
            )


def quarantined(lake: Lake, key: str, days: Sequence[str], back: int = 31) -> dict[str, int]:
    """
    How many rows of a raw table lie in quarantine, by the day on which they became known.

    Args:
        lake: where the files are.
        key: of the asset.
        days: ISO days to count.
        back: a file is named by the first day of its stretch, so many days before the first of them are looked at too.
    """
    first = pd.Timestamp(days[0]) - pd.Timedelta(days=back)
    counts: Counter[str] = Counter()
    for file in pd.date_range(first, days[-1]).strftime("%Y-%m-%d"):
        path = f"quarantine/{key}/{file}.json"
        rows = json.loads(lake.read_bytes(path)) if lake.exists(path) else []
        known = pd.to_datetime(pd.Series([row.get("available_at") for row in rows]), utc=True, errors="coerce")
        days_known = partition_days(known).dt.strftime("%Y-%m-%d").where(known.notna(), file)
        counts.update(days_known)
    return {day: counts[day] for day in days}
