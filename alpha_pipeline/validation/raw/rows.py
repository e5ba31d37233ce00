"""
Rows that cannot be true are quarantined, each with the reason; what is left is checked as a whole in `data_quality`.

A rule looks at single rows, or at rows that claim the same; it repairs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes
from alpha_pipeline.tables import Table

Rule = tuple[str, Callable[[pd.DataFrame], pd.Series]]
PRICES = ("open", "high", "low", "close")
# Between these a value keeps its unit; beyond them somebody changed it, or it is an error.
BOUNDS = {
    "funding": (-0.05, 0.05),  # a fraction of notional per stamp; venues cap it well below
    "open_interest": (0.0, np.inf),
    "book_imbalance": (-1.0, 1.0),
    "news_sentiment": (-1.0, 1.0),
    "social_sentiment": (-1.0, 1.0),
    "posts": (0.0, np.inf),
    "supply": (0.0, np.inf),
    "stablecoin_supply": (0.0, np.inf),
    "tvl": (0.0, np.inf),
    "active_addresses": (0.0, np.inf),
    "whale_balance": (0.0, np.inf),
    "mvrv": (0.0, 1_000.0),
    "hash_rate": (0.0, np.inf),
    "transactions": (0.0, np.inf),
    "fee_rate": (0.0, np.inf),
    "adjusted_close": (0.0, np.inf),
    "dividend": (0.0, np.inf),
    "split": (0.0, 1_000.0),
}


# What is wrong with which bar, for doors and gate alike; a NaN open, high or low breaks nothing.
BAR_RULES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "no close": lambda f: f["close"].isna(),
    "a price that is not finite": lambda f: f[list(PRICES)].isin([np.inf, -np.inf]).any(axis=1),
    "a price that is not positive": lambda f: (f[list(PRICES)] <= 0).any(axis=1),
    "a volume that is missing, negative or not finite": lambda f: ~(np.isfinite(f["volume"]) & (f["volume"] >= 0)),
    "high below low": lambda f: f["high"] < f["low"],
    "open or close outside low and high": lambda f: (
        (f[["open", "close"]].max(axis=1) > f["high"]) | (f[["open", "close"]].min(axis=1) < f["low"])
    ),
}


@dataclass(frozen=True)
class RowVerdicts:
    """
    A raw table in two.

    Args:
        good: rows that may be true, as they came.
        bad: the others, with a column `why`.
    """

    good: pd.DataFrame
    bad: pd.DataFrame

    def reasons(self) -> dict[str, int]:
        """How many rows were quarantined for what, the commonest first."""
        return {str(why): int(count) for why, count in self.bad["why"].value_counts().items()}


def split_rows(
    frame: pd.DataFrame, table: Table, market: Market, start: pd.Timestamp, end: pd.Timestamp
) -> RowVerdicts:
    """
    Set aside the rows that cannot be true.

    Args:
        frame: columns of `table`.
        table: a raw table.
        market: its calendar says where bars may close.
        start: exclusive, UTC; rows became known after it.
        end: inclusive, UTC; rows became known by it.

    Returns:
        A row is bad for the first rule it breaks: no symbol, known before it happened, known outside the window; for
        bars: closes where the calendar has none, a price or volume that is missing, not finite or not positive, high
        below low, open or close outside them; for facts: a value that is not finite, or outside the bounds of its unit;
        for news: no title or no web address, the same title twice a day for a symbol; and a repetition of its keys.
    """
    why = pd.Series("", index=frame.index, dtype=object)
    for reason, broken in _rules(table, market, start, end):
        found = broken(frame).to_numpy(dtype=bool) & (why == "").to_numpy()
        why[found] = reason
    kept = why == ""
    return RowVerdicts(frame[kept].reset_index(drop=True), frame[~kept].assign(why=why[~kept]).reset_index(drop=True))


def _rules(table: Table, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> list[Rule]:
    rules: list[Rule] = [
        ("no symbol", lambda f: f["symbol"].isna() | (f["symbol"] == "")),
        ("known before it happened", lambda f: ~(f["available_at"] >= f["timestamp"])),
        ("known outside the window", lambda f: ~((f["available_at"] > start) & (f["available_at"] <= end))),
    ]
    names = [column.name for column in table.columns]
    if "close" in names:
        rules += [("closes where the calendar has no bar", lambda f: _off_calendar(f, market)), *BAR_RULES.items()]
    else:
        rules += [("not finite", _infinite)]
        rules += [(f"{name} out of its unit's bounds", _outside(name, *BOUNDS[name])) for name in BOUNDS]
    if "url" in names:
        rules += [
            ("no title", lambda f: f["title"].fillna("").str.strip() == ""),
            ("no web address", lambda f: ~f["url"].fillna("").str.match(r"https?://")),
            ("the same headline again", _same_headline),
        ]
    return [*rules, ("repeated", lambda f: f.duplicated(list(table.keys)))]


def _off_calendar(frame: pd.DataFrame, market: Market) -> pd.Series:
    if frame.empty:
        return pd.Series(dtype=bool)
    first, last = frame["timestamp"].min(), frame["timestamp"].max()
    closes = expected_closes(market, first - market.bar_length, last)
    return ~frame["timestamp"].isin(closes)


def _infinite(frame: pd.DataFrame) -> pd.Series:
    numbers = frame.select_dtypes("number")
    return pd.Series(np.isinf(numbers.to_numpy(float)).any(axis=1), index=frame.index)


def _outside(name: str, low: float, high: float) -> Callable[[pd.DataFrame], pd.Series]:
    def broken(frame: pd.DataFrame) -> pd.Series:
        if name not in frame:
            return pd.Series(False, index=frame.index)
        return (frame[name] < low) | (frame[name] > high)

    return broken


def _same_headline(frame: pd.DataFrame) -> pd.Series:
    """A title that stood on the same day for the same symbol at another address; a changed one at the same is none."""
    folded = frame["title"].fillna("").str.casefold().str.split().str.join(" ")
    claims = frame.assign(_title=folded, _day=frame["timestamp"].dt.floor("D")).sort_values("available_at")
    again = claims.duplicated(["symbol", "_day", "_title"]) & ~claims.duplicated(["symbol", "_day", "_title", "url"])
    return again.reindex(frame.index)
