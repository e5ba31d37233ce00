"""
Validity rules for single raw rows: a row that breaks one is rejected with its reason.

Nothing is repaired. Contracts of a table as a whole are in `contracts`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market, may_close
from alpha_pipeline.tables import Table

Rule = tuple[str, Callable[[pd.DataFrame], pd.Series]]
PRICES = ("open", "high", "low", "close")
# Plausible range of each field; a value outside has another unit or is an error.
BOUNDS = {
    "funding": (-0.05, 0.05),  # fraction of notional per settlement; venues cap it well below
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

NO_VOLUME = "a volume that is missing, negative or not finite"
# Reason -> rule for bars; a NaN open, high or low breaks no rule.
BAR_RULES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "no close": lambda f: f["close"].isna(),
    "a price that is not finite": lambda f: f[list(PRICES)].isin([np.inf, -np.inf]).any(axis=1),
    "a price that is not positive": lambda f: (f[list(PRICES)] <= 0).any(axis=1),
    NO_VOLUME: lambda f: ~(np.isfinite(f["volume"]) & (f["volume"] >= 0)),
    "high below low": lambda f: f["high"] < f["low"],
    "open or close outside low and high": lambda f: (
        (f[["open", "close"]].max(axis=1) > f["high"]) | (f[["open", "close"]].min(axis=1) < f["low"])
    ),
}


@dataclass(frozen=True)
class RowVerdicts:
    """
    A raw table split by validity.

    Args:
        valid: rows that break no rule, unchanged.
        rejected: the other rows, with a column `reason`.
    """

    valid: pd.DataFrame
    rejected: pd.DataFrame

    def counts(self) -> dict[str, int]:
        """Reason -> rejected rows, the most frequent first."""
        return {str(reason): int(count) for reason, count in self.rejected["reason"].value_counts().items()}


def split_rows(
    frame: pd.DataFrame, table: Table, market: Market, start: pd.Timestamp, end: pd.Timestamp
) -> RowVerdicts:
    """
    Reject rows that cannot be true.

    Args:
        frame: columns of `table`.
        table: a raw table.
        market: its calendar has the closes of bars.
        start: exclusive, UTC; bounds `available_at`.
        end: inclusive, UTC; bounds `available_at`.

    Returns:
        A row is rejected for the first rule it breaks: no symbol, available before its event or outside the window; for
        bars: a close outside the calendar, a price or volume that is missing, not finite or not positive, high below
        low, open or close outside low and high; for facts: a value that is not finite or out of bounds; for news: no
        title or no web address; and keys that repeat those of an earlier row.
    """
    return _split(frame, _rules(frame, table, market, start, end))


def split_file_bars(bars: pd.DataFrame, now: pd.Timestamp) -> RowVerdicts:
    """
    Reject bars of a user's file that cannot be true, by the rules of vendors' bars for the columns that the file has.

    Args:
        bars: `timestamp`, `symbol`, `close` and any other fields. A missing volume breaks no rule.
        now: UTC; later closes are of unfinished bars, or of a wrong year.
    """
    absent = [name for name in PRICES if name not in bars]
    rules: list[Rule] = [("closes in the future", lambda f: f["timestamp"] > now)]
    rules += [(reason, rule) for reason, rule in BAR_RULES.items() if reason != NO_VOLUME]
    if "volume" in bars:
        rules += [("a volume that is negative or not finite", lambda f: (f["volume"] < 0) | np.isinf(f["volume"]))]
    verdicts = _split(bars.assign(**dict.fromkeys(absent, np.nan)), rules)
    return RowVerdicts(verdicts.valid.drop(columns=absent), verdicts.rejected.drop(columns=absent))


def split_repeated_headlines(frame: pd.DataFrame) -> RowVerdicts:
    """Reject news rows whose title appeared on the same day for the same symbol at another address."""
    return _split(frame, [("the same headline again", _same_headline)])


def _split(frame: pd.DataFrame, rules: list[Rule]) -> RowVerdicts:
    number = np.full(len(frame), len(rules), dtype=np.int16)  # of the first rule that a row breaks
    for k, (_, is_broken) in enumerate(rules):
        number[is_broken(frame).to_numpy(dtype=bool) & (number == len(rules))] = k
    valid = number == len(rules)
    reasons = np.array([reason for reason, _ in rules], dtype=object)[number[~valid]]
    rejected = frame[~valid].assign(reason=reasons)
    return RowVerdicts(frame[valid].reset_index(drop=True), rejected.reset_index(drop=True))


def _rules(frame: pd.DataFrame, table: Table, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> list[Rule]:
    rules: list[Rule] = [
        ("no symbol", lambda f: f["symbol"].isna() | (f["symbol"] == "")),
        ("available before the event", lambda f: ~(f["available_at"] >= f["timestamp"])),
        ("available outside the window", lambda f: ~((f["available_at"] > start) & (f["available_at"] <= end))),
    ]
    names = [column.name for column in table.columns]
    if "close" in names:
        has_volume = market.source != "files" or frame["volume"].notna().any()
        rules += [("closes where the calendar has no bar", lambda f: _off_calendar(f, market))]
        rules += [(reason, rule) for reason, rule in BAR_RULES.items() if has_volume or reason != NO_VOLUME]
    else:
        rules += [("not finite", _infinite)]
        rules += [(f"{name} out of bounds", _outside(name, *BOUNDS[name])) for name in BOUNDS]
    if "url" in names:
        rules += [
            ("no title", lambda f: f["title"].fillna("").str.strip() == ""),
            ("no web address", lambda f: ~f["url"].fillna("").str.match(r"https?://")),
        ]
    return [*rules, ("repeated keys", lambda f: f.duplicated(list(table.keys)))]


def _off_calendar(frame: pd.DataFrame, market: Market) -> pd.Series:
    if frame.empty:
        return pd.Series(dtype=bool)
    return ~may_close(market, frame["timestamp"])


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
    """Titles seen before on the same day for the same symbol at another address; a revision at one address is none."""
    folded = frame["title"].fillna("").str.casefold().str.split().str.join(" ")
    claims = frame.assign(_title=folded, _day=frame["timestamp"].dt.floor("D")).sort_values("available_at")
    repeated = claims.duplicated(["symbol", "_day", "_title"]) & ~claims.duplicated(["symbol", "_day", "_title", "url"])
    return repeated.reindex(frame.index)
