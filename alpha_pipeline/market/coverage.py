"""
What data a run date had to work with: per source what came, what was due, how old the newest row is, what was quarantined.

Whether single rows are true is `validation.quarantine`'s business, how well bars are fed `validation.feed_health`'s.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market, expected_closes, partition_days
from alpha_pipeline.tables import DATA_COVERAGE

BARS = "ohlcv"
PRESENT, LATE, ABSENT, CLOSED = "present", "late", "absent", "closed"
# Facts have no calendar: around the clock a day of silence is too long, elsewhere one longer than a long weekend.
_PATIENCE_HOURS = {"24/7": 24.0}
_LONG_WEEKEND_HOURS = 96.0


def data_coverage(
    run_date: pd.Timestamp,
    market: Market,
    known: Mapping[str, pd.DataFrame],
    symbols: Sequence[str],
    reasons: Mapping[str, str],
    rejected: Mapping[str, int],
) -> pd.DataFrame:
    """
    One row per source as of a run date.

    Args:
        run date: start of its day, UTC; what became known by the end of the day counts.
        market: says which bars were due.
        known: source to rows of its raw table (`timestamp`, `symbol`, `available_at`), of the run date and days before it.
        symbols: that are traded.
        reasons: why a source has nothing at all here, where that is known.
        rejected: quarantined rows of the run date, by source.

    Returns:
        Rows of `tables.DATA_COVERAGE`. Bars are late when less than all that were due came; other sources when the
        newest row is older than a day (24/7) or four days; a source without any row is absent. On a day without a
        session bars are closed, and nothing was due.
    """
    end = run_date + pd.Timedelta(days=1)
    rows = [
        _source(name, table[table["available_at"] <= end], run_date, end, market, symbols)
        | {"reason": reasons.get(name, ""), "rejected_rows": rejected.get(name, 0)}
        for name, table in known.items()
    ]
    columns = [column.name for column in DATA_COVERAGE.columns]
    return pd.DataFrame(rows, columns=columns) if rows else DATA_COVERAGE.empty()


def daily_share(bars: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """
    Share of the bars due each day that are there.

    Args:
        bars: rows of `tables.RAW_OHLCV`, at least `timestamp` and `symbol`.
        market: says which were due.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        Index symbols, columns days with bars due; fraction, 0 where none came.
    """
    due = pd.Series(partition_days(pd.Series(expected_closes(market, start, end)))).value_counts().sort_index()
    inside = bars[(bars["timestamp"] > start) & (bars["timestamp"] <= end)].drop_duplicates(["timestamp", "symbol"])
    there = pd.crosstab(inside["symbol"], partition_days(inside["timestamp"]).to_numpy())
    return (there.reindex(columns=due.index, fill_value=0) / due).clip(upper=1.0)


def daily_presence(known: Mapping[str, pd.DataFrame], symbols: int, days: pd.DatetimeIndex) -> pd.DataFrame:
    """
    Share of the symbols each source had a row for, by the day it became known.

    Args:
        known: source to rows of its raw table.
        symbols: how many are traded.
        days: UTC days, the columns.

    Returns:
        Index sources, columns days without time zone; fraction, 0 where nothing came.
    """
    shares = {}
    for name, table in known.items():
        counts = table.groupby(partition_days(table["available_at"]))["symbol"].nunique() / max(symbols, 1)
        shares[name] = counts.reindex(days.tz_localize(None)).fillna(0.0).clip(upper=1.0)
    return pd.DataFrame(shares).T


def _source(
    name: str, table: pd.DataFrame, run_date: pd.Timestamp, end: pd.Timestamp, market: Market, symbols: Sequence[str]
) -> dict[str, object]:
    context = table[table["available_at"] > run_date]
    last = table["available_at"].max()
    age = (end - last).total_seconds() / 3600 if len(table) else np.nan
    spoke = int(context["symbol"].nunique())
    row = {"run_date": run_date, "source": name, "rows": len(context), "symbols": spoke, "symbols_due": len(symbols),
           "last_known": last, "age_hours": age}  # fmt: skip
    if name == BARS:
        due = len(expected_closes(market, run_date, end)) * len(symbols)
        came = context[context["timestamp"] > run_date].drop_duplicates(["timestamp", "symbol"])
        share = min(len(came) / due, 1.0) if due else np.nan
        status = CLOSED if not due else PRESENT if share >= 1.0 else LATE
    else:
        share = min(spoke / len(symbols), 1.0) if symbols and len(table) else np.nan
        status = PRESENT if len(table) and age <= _PATIENCE_HOURS.get(market.calendar, _LONG_WEEKEND_HOURS) else LATE
    return row | {"share": share, "status": status if len(table) or status == CLOSED else ABSENT}
