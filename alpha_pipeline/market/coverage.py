"""
Data coverage of a run date: rows received and due, age of the newest row, and rejected rows per source.

Checks of single rows are in `validation.raw.rows`, checks of bar feeds in `validation.raw.feed_health`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.market.gaps import complete
from alpha_pipeline.market.markets import Market, expected_closes, partition_days
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import DATA_COVERAGE

BARS = "ohlcv"
PRESENT, LATE, ABSENT, CLOSED = "present", "late", "absent", "closed"
# Sources other than bars have no calendar: the longest age of a newest row that is not late.
_MAX_AGE_HOURS = {"24/7": 24.0}
_LONG_WEEKEND_HOURS = 96.0


def data_coverage(
    run_date: pd.Timestamp,
    market: Market,
    raw_tables: Mapping[str, pd.DataFrame],
    symbols: Sequence[str],
    reasons: Mapping[str, str],
    rejected: Mapping[str, int],
) -> pd.DataFrame:
    """
    One row per source as of a run date.

    Args:
        run_date: start of the day, UTC; rows available by its end count.
        market: gives the bars due.
        raw_tables: by source, rows of its raw table (`timestamp`, `symbol`, `available_at`), of the run date and days
            before it.
        symbols: traded symbols.
        reasons: by source, why it has no rows, where known.
        rejected: by source, number of rejected rows of the run date.

    Returns:
        Rows of `tables.DATA_COVERAGE`. Bars are late when not all bars due were received, other sources when the newest
        row is older than a day (24/7) or four days; a source without any row is absent. On a day without a session bars
        are closed, and none is due. A bar due was received in time, is carried, or is missing.
    """
    end = run_date + pd.Timedelta(days=1)
    rows = [
        _source(name, table[table["available_at"] <= end], run_date, end, market, symbols)
        | {"reason": reasons.get(name, ""), "rejected_rows": rejected.get(name, 0)}
        for name, table in raw_tables.items()
    ]
    columns = [column.name for column in DATA_COVERAGE.columns]
    return pd.DataFrame(rows, columns=columns) if rows else DATA_COVERAGE.empty()


def daily_share(bars: pd.DataFrame, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """
    Share of the bars due that were received, by symbol and day.

    Args:
        bars: rows of `tables.RAW_OHLCV`, at least `timestamp` and `symbol`.
        market: gives the bars due.
        start: exclusive, UTC.
        end: inclusive, UTC.

    Returns:
        Index symbols, columns days with bars due; fraction, 0 without any.
    """
    due = pd.Series(partition_days(pd.Series(expected_closes(market, start, end)))).value_counts().sort_index()
    inside = bars[(bars["timestamp"] > start) & (bars["timestamp"] <= end)].drop_duplicates(["timestamp", "symbol"])
    received = pd.crosstab(inside["symbol"], partition_days(inside["timestamp"]).to_numpy())
    return (received.reindex(columns=due.index, fill_value=0) / due).clip(upper=1.0)


def gap_counts(
    bars: pd.DataFrame, market: Market, symbols: int, start: pd.Timestamp, end: pd.Timestamp
) -> tuple[int, int]:
    """
    Number of the bars due in (start, end] that the panel carries, and of those that are missing in it.

    Args:
        bars: `timestamp`, `symbol` and `available_at` of raw bars, from `max_forward_fill` before `start` on.
        market: gives the bars due and `max_forward_fill`.
        symbols: number of traded symbols.
        start: exclusive, UTC.
        end: inclusive, UTC.
    """
    closes = bars["timestamp"]
    near = (closes > start - market.max_forward_fill - market.bar_length) & (closes <= end)
    on_time = bars.loc[near & (bars["available_at"] <= closes), ["timestamp", "symbol"]].drop_duplicates()
    panel = complete(Panel.from_table(on_time.assign(close=1.0)), market, end).after(start)
    carried = 0 if panel.carried is None else int(panel.carried.sum())
    present = int(np.isfinite(panel["close"]).sum()) if "close" in panel.fields else 0
    return carried, max(len(expected_closes(market, start, end)) * symbols - present, 0)


def daily_presence(raw_tables: Mapping[str, pd.DataFrame], symbols: int, days: pd.DatetimeIndex) -> pd.DataFrame:
    """
    Share of the symbols with a row, by source and day of `available_at`.

    Args:
        raw_tables: by source, rows of its raw table.
        symbols: number of traded symbols.
        days: UTC days.

    Returns:
        Index sources, columns days without time zone; fraction, 0 without any.
    """
    shares = {}
    for name, table in raw_tables.items():
        counts = table.groupby(partition_days(table["available_at"]))["symbol"].nunique() / max(symbols, 1)
        shares[name] = counts.reindex(days.tz_localize(None)).fillna(0.0).clip(upper=1.0)
    return pd.DataFrame(shares).T


def _source(
    name: str, table: pd.DataFrame, run_date: pd.Timestamp, end: pd.Timestamp, market: Market, symbols: Sequence[str]
) -> dict[str, object]:
    new = table[table["available_at"] > run_date]
    last = table["available_at"].max()
    age = (end - last).total_seconds() / 3600 if len(table) else np.nan
    symbol_count = int(new["symbol"].nunique())
    row = {"run_date": run_date, "source": name, "rows": len(new), "symbols": symbol_count, "symbols_due": len(symbols),
           "carried": 0, "missing": 0, "last_known": last, "age_hours": age}  # fmt: skip
    if name == BARS:
        due = len(expected_closes(market, run_date, end)) * len(symbols)
        received = new[new["timestamp"] > run_date].drop_duplicates(["timestamp", "symbol"])
        share = min(len(received) / due, 1.0) if due else np.nan
        status = CLOSED if not due else PRESENT if share >= 1.0 else LATE
        row["carried"], row["missing"] = gap_counts(table, market, len(symbols), run_date, end)
    else:
        share = min(symbol_count / len(symbols), 1.0) if symbols and len(table) else np.nan
        status = PRESENT if len(table) and age <= _MAX_AGE_HOURS.get(market.calendar, _LONG_WEEKEND_HOURS) else LATE
    return row | {"share": share, "status": status if len(table) or status == CLOSED else ABSENT}
