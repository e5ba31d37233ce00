"""
How well a feed of bars is: gaps, staleness, jumps, stretches without trade, late stamps; signs to look at, no verdict.

What must hold is `data_quality`'s business, single rows that cannot be true `quarantine`'s.
"""

from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes

# Where to begin to look; a warning, so that thin markets are seen and go on.
COVERAGE = 0.98
STALE_BARS = 3
ZERO_RUN_DAYS = 1.0
JUMP = 0.5  # of the log price from one bar to the next: half as much again, or 40 % less
SKEW = pd.Timedelta(hours=1)
# Ratios of prices that splits make, and little else.
SPLITS = np.array(
    [1 / 20, 1 / 15, 1 / 10, 1 / 8, 1 / 5, 1 / 4, 1 / 3, 2 / 5, 1 / 2, 2 / 3, 3 / 2, 2, 3, 4, 5, 8, 10, 15, 20]
)


def feed_health(table: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """
    One row per symbol.

    Args:
        table: columns of `tables.RAW_OHLCV`.
        market: says which bars there should be.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        `symbol`; `coverage`, share of the calendar's bars that are there, from the symbol's first bar on; `stale_bars`,
        bars of the calendar after its last one; `zero_run`, longest run of bars without volume; `jump`, largest size of
        the log return between neighbours, `jumped_at`, and `split_like`, whether that is a ratio splits make;
        `skew_seconds`, longest time from a close to when it was known. Sorted by symbol; no rows without bars. Of a
        revised bar the first version counts.
    """
    closes = expected_closes(market, start, end)
    rows = []
    for symbol, bars in table.sort_values(["timestamp", "available_at"]).groupby("symbol"):
        known = bars.drop_duplicates("timestamp")
        stamps, prices = known["timestamp"], np.log(known["close"].to_numpy(float))
        moves = np.abs(np.diff(prices))
        worst = int(np.nanargmax(moves)) if np.isfinite(moves).any() else -1
        due = int((closes >= stamps.iloc[0]).sum())
        rows.append(
            {
                "symbol": symbol,
                "coverage": len(known) / due if due else np.nan,
                "stale_bars": int((closes > stamps.iloc[-1]).sum()),
                "zero_run": _longest_run(known["volume"].to_numpy(float) == 0),
                "jump": float(moves[worst]) if worst >= 0 else np.nan,
                "jumped_at": stamps.iloc[worst + 1] if worst >= 0 else pd.NaT,
                "split_like": bool(worst >= 0 and _split_like(prices[worst + 1] - prices[worst])),
                "skew_seconds": float((known["available_at"] - stamps).dt.total_seconds().max()),
            }
        )
    health = pd.DataFrame(rows, columns=list(_TYPES))
    # One bar a symbol has no neighbours: a column of NaT alone has no zone, and is converted to none.
    return health.assign(jumped_at=pd.to_datetime(health["jumped_at"], utc=True)).astype(_TYPES)


def ailments(health: pd.DataFrame, market: Market) -> list[str]:
    """What to look at, a sentence each, the symbols named."""
    zero_bars = ZERO_RUN_DAYS * market.bars_per_day
    jumped = health[health["jump"] > JUMP]
    said = [
        _say(health[health["coverage"] < COVERAGE], f"have less than {COVERAGE:.0%} of the calendar's bars"),
        _say(health[health["stale_bars"] > STALE_BARS], f"end more than {STALE_BARS} bars before the window"),
        _say(health[health["zero_run"] > zero_bars], f"traded nothing for more than {zero_bars:.0f} bars"),
        _say(jumped[jumped["split_like"]], "jumped by a ratio that splits make"),
        _say(jumped[~jumped["split_like"]], f"moved by more than {np.expm1(JUMP):.0%} from one bar to the next"),
        _say(health[health["skew_seconds"] > SKEW.total_seconds()], "were known more than an hour after their close"),
    ]
    return [line for line in said if line]


_TYPES: dict[str, Any] = {
    "symbol": "str", "coverage": float, "stale_bars": int, "zero_run": int, "jump": float,
    "jumped_at": "datetime64[us, UTC]", "split_like": bool, "skew_seconds": float,
}  # fmt: skip


def _say(rows: pd.DataFrame, words: str, most: int = 8) -> str:
    names = rows["symbol"].tolist()
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more} {words}" if names else ""


def _longest_run(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _split_like(move: float) -> bool:
    return bool(np.abs(np.exp(move) / SPLITS - 1).min() < 0.04)
