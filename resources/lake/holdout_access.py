"""How often somebody looked at the sealed bars of a market: one line per opening, kept for good."""

import json
from collections.abc import Mapping

from alpha_pipeline.market.markets import Market
from resources.lake.lake import Lake


def openings(lake: Lake, market: Market) -> int:
    """How often the sealed bars of a market were looked at."""
    path = _ledger(market)
    return len(lake.read_bytes(path).splitlines()) if lake.exists(path) else 0


def record_holdout_access(lake: Lake, market: Market, opening: Mapping[str, object]) -> int:
    """
    Note an opening before anything is measured: a look that fails afterwards was a look.

    Args:
        lake: keeps the ledger, `openings/<market>.jsonl`.
        market: whose bars.
        opening: who looked at what, as one line of JSON.

    Returns:
        Number of this opening, from 1.

    Raises:
        LakeError: the store refused; nothing may be measured then.
    """
    path = _ledger(market)
    before = lake.read_bytes(path) if lake.exists(path) else b""
    lake.atomic_write(path, before + json.dumps(opening).encode() + b"\n")
    return len(before.splitlines()) + 1


def _ledger(market: Market) -> str:
    return f"openings/{market.name}.jsonl"
