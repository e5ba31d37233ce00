"""
Which vendor gave which symbols on which day, and which it was asked for and did not give.

What follows from it, what to ask for and what counts as late, is `collect`'s business.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from resources.lake.lake import Lake

FAILED = "failed"  # beside the names of vendors; none is called so


@dataclass(frozen=True)
class Receipt:
    """
    Of one day.

    Args:
        given: vendor -> symbols it answered for; none when its rows may be stored and the answer is not signed yet.
        failed: vendor -> symbols it was asked for in vain.
    """

    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def asked(self, vendor: str) -> frozenset[str]:
        """The symbols a vendor was asked for, whatever came."""
        return self.given.get(vendor, frozenset()) | self.failed.get(vendor, frozenset())


@dataclass(frozen=True)
class Receipts:
    """
    The receipts of one raw table.

    Args:
        lake: where they lie, `receipts/<key>/<day>.json`.
        key: of the asset.
        vendors: whose rows count; a day on which none of them wrote anything has no receipt.
    """

    lake: Lake
    key: str
    vendors: Collection[str]

    def of(self, day: str) -> Receipt:
        """What is known of a day."""
        path = self._path(day)
        told = json.loads(self.lake.read_bytes(path)) if self.lake.exists(path) else {}
        failed = told.pop(FAILED, {})
        if not set(told) & set(self.vendors):
            return Receipt()
        return Receipt(_sets(told), _sets(failed))

    def claim(self, days: Sequence[str]) -> None:
        """
        Before rows are written: that they will be these vendors', so that a run which dies in between loses none.

        What other vendors had signed is void, for their rows are about to be replaced.
        """
        for day in days:
            receipt = self.of(day)
            new = not self.lake.exists(f"{self.key}/day={day}/part-0.parquet")
            given = {name: receipt.given.get(name, frozenset()) for name in self.vendors}
            self._write(day, Receipt({**receipt.given, **given}, receipt.failed) if receipt.given or new else Receipt())

    def sign(self, days: Sequence[str], asked: Mapping[str, Collection[str]], failures: Mapping[str, set[str]]) -> None:
        """
        After rows were written: what came.

        Args:
            days: of the rows.
            asked: vendor -> symbols.
            failures: vendor -> what failed: symbols, or its own name where all did. A feed or metric that failed beside
                others does not keep the symbols from being signed, since some are refused for good.
        """
        given = {
            name: frozenset() if name in failures.get(name, ()) else frozenset(symbols) - failures.get(name, set())
            for name, symbols in asked.items()
            if name
        }
        for day in days:
            receipt = self.of(day)
            now = {name: receipt.given.get(name, frozenset()) | symbols for name, symbols in given.items()}
            failed = {name: (receipt.asked(name) | frozenset(asked[name])) - symbols for name, symbols in now.items()}
            self._write(day, Receipt({**receipt.given, **now}, {**receipt.failed, **failed}))

    def void(self, day: str) -> None:
        """Nothing of a day can be relied on."""
        self._write(day, Receipt())

    def _write(self, day: str, receipt: Receipt) -> None:
        told: dict[str, object] = {name: sorted(symbols) for name, symbols in receipt.given.items()}
        failed = {name: sorted(symbols) for name, symbols in receipt.failed.items() if symbols}
        told |= {FAILED: failed} if failed else {}
        self.lake.atomic_write(self._path(day), json.dumps(told, sort_keys=True).encode())

    def _path(self, day: str) -> str:
        return f"receipts/{self.key}/{day}.json"


def _sets(told: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(symbols) for name, symbols in told.items()}
