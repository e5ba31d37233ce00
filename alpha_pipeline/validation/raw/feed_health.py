"""
Health of a feed of bars: gaps, staleness, jumps, periods without volume, late stamps; warnings, not rejections.

Contracts are in `contracts`, validity of single rows in `rows`.
"""

from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.typing import Array, Flags

# Thresholds of warnings; thin markets exceed them and are processed all the same.
COVERAGE = 0.98
STALE_BARS = 3
ZERO_RUN_DAYS = 1.0
JUMP = 0.5  # of the log price from one bar to the next: +65 % or -39 %
SKEW = pd.Timedelta(hours=1)
# Price ratios typical of splits.
SPLITS = np.array(
    [1 / 20, 1 / 15, 1 / 10, 1 / 8, 1 / 5, 1 / 4, 1 / 3, 2 / 5, 1 / 2, 2 / 3, 3 / 2, 2, 3, 4, 5, 8, 10, 15, 20]
)


def measure_feed_health(table: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """
    One row per symbol.

    Args:
        table: columns of `tables.RAW_OHLCV`.
        market: its calendar has the bars due.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        `symbol`; `coverage`, share of the calendar's bars present since the symbol's first bar; `stale_bars`, bars of
        the calendar after its last one; `zero_run`, longest run of bars without volume; `jump`, largest absolute log
        return between neighbours, its time `jumped_at`, and `split_like`, whether it is a typical split ratio;
        `skew_seconds`, longest delay from a close to its availability. Sorted by symbol; no rows without bars. Of a
        revised bar the first version counts.
    """
    closes = expected_closes(market, start, end)
    rows = []
    for symbol, bars in table.sort_values(["timestamp", "available_at"]).groupby("symbol"):
        firsts = bars.drop_duplicates("timestamp")
        stamps, prices = firsts["timestamp"], np.log(firsts["close"].to_numpy(float))
        moves = np.abs(np.diff(prices))
        worst = int(np.nanargmax(moves)) if np.isfinite(moves).any() else -1
        due = int((closes >= stamps.iloc[0]).sum())
        rows.append(
            {
                "symbol": symbol,
                "coverage": len(firsts) / due if due else np.nan,
                "stale_bars": int((closes > stamps.iloc[-1]).sum()),
                "zero_run": _longest_run(firsts["volume"].to_numpy(float) == 0),
                "jump": float(moves[worst]) if worst >= 0 else np.nan,
                "jumped_at": stamps.iloc[worst + 1] if worst >= 0 else pd.NaT,
                "split_like": bool(worst >= 0 and split_like(prices[worst + 1] - prices[worst])),
                "skew_seconds": float((firsts["available_at"] - stamps).dt.total_seconds().max()),
            }
        )
    health = pd.DataFrame(rows, columns=list(_TYPES))
    # A column of NaT alone has no time zone.
    return health.assign(jumped_at=pd.to_datetime(health["jumped_at"], utc=True)).astype(_TYPES)


def feed_warnings(health: pd.DataFrame, market: Market) -> list[str]:
    """Warnings, one sentence each, with the symbols."""
    zero_bars = ZERO_RUN_DAYS * market.bars_per_day
    jumped = health[health["jump"] > JUMP]
    warnings = [
        _sentence(health[health["coverage"] < COVERAGE], f"have less than {COVERAGE:.0%} of the calendar's bars"),
        _sentence(health[health["stale_bars"] > STALE_BARS], f"end more than {STALE_BARS} bars before the window"),
        _sentence(health[health["zero_run"] > zero_bars], f"had no volume for more than {zero_bars:.0f} bars"),
        _sentence(jumped[jumped["split_like"]], "jumped by a ratio typical of splits"),
        _sentence(jumped[~jumped["split_like"]], f"moved by more than {np.expm1(JUMP):.0%} from one bar to the next"),
        _sentence(
            health[health["skew_seconds"] > SKEW.total_seconds()], "became known more than an hour after their close"
        ),
    ]
    return [line for line in warnings if line]


_TYPES: dict[str, Any] = {
    "symbol": "str", "coverage": float, "stale_bars": int, "zero_run": int, "jump": float,
    "jumped_at": "datetime64[us, UTC]", "split_like": bool, "skew_seconds": float,
}  # fmt: skip


def _sentence(rows: pd.DataFrame, predicate: str, limit: int = 8) -> str:
    names = rows["symbol"].tolist()
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{', '.join(names[:limit])}{more} {predicate}" if names else ""


def _longest_run(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def split_like(moves: Array) -> Flags:
    """Whether log returns are within 4 % of a ratio typical of splits; any shape."""
    nearest: Array = np.abs(np.exp(np.asarray(moves))[..., None] / SPLITS - 1).min(axis=-1)
    return nearest < 0.04
