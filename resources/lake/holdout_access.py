"""Ledger of holdout accesses: one line per evaluation on a market's sealed bars, never deleted."""

import json
from collections.abc import Mapping

from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.lake.lake import Lake


def holdout_accesses(lake: Lake, market: Market) -> int:
    """Number of holdout accesses of a market so far."""
    path = _ledger(market)
    return len(lake.read_bytes(path).splitlines()) if lake.exists(path) else 0


def record_holdout_access(lake: Lake, market: Market, access: Mapping[str, object]) -> int:
    """
    Record an access before anything is measured, so that a failed evaluation counts, too.

    Args:
        lake: stores the ledger, `holdout_access/<market>.jsonl`.
        market: whose sealed bars are read.
        access: who evaluates what, as one line of JSON.

    Returns:
        Number of this access, from 1.

    Raises:
        LakeError: the store failed; nothing may be measured then.
    """
    path = _ledger(market)
    before = lake.read_bytes(path) if lake.exists(path) else b""
    lake.atomic_write(path, before + json.dumps(access).encode() + b"\n")
    return len(before.splitlines()) + 1


def _ledger(market: Market) -> str:
    return f"holdout_access/{market.name}.jsonl"
