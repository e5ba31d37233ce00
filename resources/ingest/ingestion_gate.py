"""
The gate of the lake: rows that cannot be true go to quarantine, merged rows must satisfy the contract of their table.

Rules and contracts are defined in `validation.raw`; the gate applies them and keeps the record.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market, expected_closes, partition_days
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import Table
from alpha_pipeline.validation.raw.contracts import Quality, check_facts, check_ohlcv
from alpha_pipeline.validation.raw.rows import RowVerdicts, split_repeated_headlines, split_rows

# An answer with more rejected rows than this share is refused as a whole; a few rows are always tolerated.
MAXIMUM_REJECTED_SHARE = 0.2
TOLERATED_ROWS = 20
NO_LOOK_BACK = pd.Timedelta(0)


@dataclass
class IngestionGate:
    """
    The gate of one raw table in one run.

    Args:
        lake: rejected rows are written to `quarantine/<key>/<day>.json`, by the day on which they became known.
        key: of the asset.
        table: its columns.
        market: its calendar.
        quality: contract results, one per checked batch of days, in order.
        rejected: reason -> number of rejected rows.
    """

    lake: Lake
    key: str
    table: Table
    market: Market
    quality: list[Quality] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    def judge(
        self, rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, look_back: pd.Timedelta = NO_LOOK_BACK
    ) -> pd.DataFrame:
        """
        The valid rows of one vendor's answer, before it is merged with stored rows.

        Args:
            rows: columns of the table.
            start: exclusive, UTC; bounds `available_at`.
            end: inclusive, UTC; bounds `available_at`.
            look_back: rows that became known up to this long before `start` are judged too. Rejected ones are dropped
                without a record, since the run of their own day made it.

        Raises:
            DataError: too many rows were rejected; they are in quarantine all the same.
        """
        verdicts = split_rows(rows, self.table, self.market, start - look_back, end)
        if look_back > NO_LOOK_BACK:
            earlier = verdicts.rejected["available_at"] <= start
            recent = int((rows["available_at"] > start).sum())
            self._record(RowVerdicts(verdicts.valid, verdicts.rejected[~earlier]), recent, start, end)
        else:
            self._record(verdicts, len(rows), start, end)
        return verdicts.valid

    def accept(self, rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        """
        Merged rows that may be stored: headlines repeated between vendors are rejected, the contract is checked.

        Raises:
            DataError: the contract is broken; nothing was stored but the quarantined rows.
        """
        if "title" in rows.columns:
            verdicts = split_repeated_headlines(rows)
            self._record(verdicts, len(rows), start, end)
            rows = verdicts.valid
        self._check(rows, start, end)
        return rows

    def results(self) -> pd.DataFrame:
        """Every expectation that was checked, the failed ones first."""
        frames = [quality.results for quality in self.quality]
        if not frames:
            return pd.DataFrame({"expectation": [], "passed": [], "unexpected": [], "observed": []})
        return pd.concat(frames, ignore_index=True).sort_values("passed", kind="stable", ignore_index=True)

    def _record(self, verdicts: RowVerdicts, rows: int, start: pd.Timestamp, end: pd.Timestamp) -> None:
        rejected = verdicts.rejected
        if rejected.empty:
            return
        self.rejected.update(verdicts.counts())
        days = partition_days(rejected["available_at"]).dt.strftime("%Y-%m-%d").fillna(f"{start:%Y-%m-%d}")
        for day, part in rejected.groupby(days):
            self._quarantine(part, f"quarantine/{self.key}/{day}.json")
        if len(rejected) > max(TOLERATED_ROWS, MAXIMUM_REJECTED_SHARE * rows):
            reasons = ", ".join(f"{count} x {reason}" for reason, count in verdicts.counts().items())
            raise DataError(
                f"{self.key} in ({start}, {end}]: {len(rejected)} of {rows} rows cannot be true ({reasons}); "
                "these days were not stored"
            )

    def _quarantine(self, rejected: pd.DataFrame, path: str) -> None:
        """Add rows to a quarantine file; rows of earlier answers stay, equal rows are stored once."""
        earlier = json.loads(self.lake.read_bytes(path)) if self.lake.exists(path) else []
        rows = json.loads(rejected.to_json(orient="records", date_format="iso", date_unit="us"))
        unique = {json.dumps(row): None for row in [*earlier, *rows]}
        self.lake.atomic_write(path, f"[{', '.join(unique)}]".encode())

    def _check(self, rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> None:
        if "close" in rows.columns:
            # Late rows belong to earlier days, and a revision is not a second bar: neither counts for these days.
            recent = rows[rows["timestamp"] > start].sort_values("available_at", kind="stable")
            bars = recent.drop_duplicates(["timestamp", "symbol"]).sort_index()
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


def rejected_by_day(lake: Lake, key: str, days: Sequence[str]) -> dict[str, int]:
    """
    Number of quarantined rows of a raw table, by the day on which they became known.

    Args:
        lake: holds the quarantine files.
        key: of the asset.
        days: ISO days.
    """
    paths = {day: f"quarantine/{key}/{day}.json" for day in days}
    return {day: len(json.loads(lake.read_bytes(path))) if lake.exists(path) else 0 for day, path in paths.items()}
