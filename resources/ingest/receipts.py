"""
Receipts: the symbols each vendor answered for on each day, and those it was asked for without success.

What to fetch and which rows count as late follows from them in `collector`.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from alpha_pipeline.resources.lake.lake import Lake

FAILED = "failed"  # a key beside the names of vendors; no vendor has this name


@dataclass(frozen=True)
class Receipt:
    """
    The receipt of one day.

    Args:
        given: vendor -> symbols it answered for; no symbols when its rows may be stored but are not signed yet.
        failed: vendor -> symbols it was asked for without success.
    """

    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def requested(self, vendor: str) -> frozenset[str]:
        """The symbols a vendor was asked for, with or without success."""
        return self.given.get(vendor, frozenset()) | self.failed.get(vendor, frozenset())


@dataclass(frozen=True)
class Receipts:
    """
    The receipts of one raw table.

    Args:
        lake: holds the files, `receipts/<key>/<day>.json`.
        key: of the asset.
        vendors: whose rows count; a day on which none of them wrote anything has no receipt.
    """

    lake: Lake
    key: str
    vendors: Collection[str]

    def of(self, day: str) -> Receipt:
        """The receipt of a day, empty without one."""
        path = self._path(day)
        content = json.loads(self.lake.read_bytes(path)) if self.lake.exists(path) else {}
        failed = content.pop(FAILED, {})
        if not set(content) & set(self.vendors):
            return Receipt()
        return Receipt(_sets(content), _sets(failed))

    def claim(self, days: Sequence[str]) -> None:
        """
        Announce rows of these vendors before they are written, so that a run that dies in between loses none.

        Signatures of other vendors become void, since their rows are about to be replaced.
        """
        for day in days:
            receipt = self.of(day)
            new = not self.lake.exists(f"{self.key}/day={day}/part-0.parquet")
            given = {name: receipt.given.get(name, frozenset()) for name in self.vendors}
            self._write(day, Receipt({**receipt.given, **given}, receipt.failed) if receipt.given or new else Receipt())

    def sign(
        self, days: Sequence[str], requested: Mapping[str, Collection[str]], failures: Mapping[str, set[str]]
    ) -> None:
        """
        Record the answers after their rows were written.

        Args:
            days: of the rows.
            requested: vendor -> symbols.
            failures: vendor -> failed symbols, or its own name where it failed as a whole. A failed feed or metric does
                not keep symbols from being signed, since some are refused for good.
        """
        given = {
            name: frozenset() if name in failures.get(name, ()) else frozenset(symbols) - failures.get(name, set())
            for name, symbols in requested.items()
            if name
        }
        for day in days:
            receipt = self.of(day)
            now = {name: receipt.given.get(name, frozenset()) | symbols for name, symbols in given.items()}
            failed = {
                name: (receipt.requested(name) | frozenset(requested[name])) - symbols for name, symbols in now.items()
            }
            self._write(day, Receipt({**receipt.given, **now}, {**receipt.failed, **failed}))

    def void(self, day: str) -> None:
        """Remove every signature of a day."""
        self._write(day, Receipt())

    def _write(self, day: str, receipt: Receipt) -> None:
        content: dict[str, object] = {name: sorted(symbols) for name, symbols in receipt.given.items()}
        failed = {name: sorted(symbols) for name, symbols in receipt.failed.items() if symbols}
        content |= {FAILED: failed} if failed else {}
        self.lake.atomic_write(self._path(day), json.dumps(content, sort_keys=True).encode())

    def _path(self, day: str) -> str:
        return f"receipts/{self.key}/{day}.json"


def _sets(content: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(symbols) for name, symbols in content.items()}
