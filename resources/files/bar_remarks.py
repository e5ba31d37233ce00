"""
Remarks on the bars of a file: what their times mean, bars and gaps, closes outside sessions, jumps like splits.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from alpha_pipeline.market.calendars import ALWAYS, WEEKDAYS, may_close
from alpha_pipeline.market.markets import Market, market_clock
from alpha_pipeline.resources.files.bar_spacing import DAY_US, Spacing
from alpha_pipeline.resources.files.file_readings import index_of
from alpha_pipeline.resources.files.layout import Layout
from alpha_pipeline.resources.files.long_form import LongColumns
from alpha_pipeline.typing import Flags, Integers
from alpha_pipeline.validation.raw.feed_health import JUMP, split_like

UNITS = np.log([100.0, 1000.0])
UNIT_TOLERANCE = 0.15  # of the log ratio: a price moves while its unit changes
SHOWN = 4


def stamp_remark(
    columns: LongColumns, layout: Layout, moments: Integers, closes: Integers, market: Market, bar: str
) -> str:  # fmt: skip
    shown = f"{index_of(closes[-1:])[0]:%Y-%m-%d %H:%M} UTC"
    written = f"{index_of(moments[-1:])[0]:%Y-%m-%d}"
    kind = columns.stamps.remark
    is_exchange = market.calendar not in (ALWAYS, WEEKDAYS)
    if columns.stamps.are_dates or (is_exchange and bool((moments[:10_000] % DAY_US == 0).all()) and bar[-1] in "DWM"):
        where = f"the session of {market.calendar}" if is_exchange else "the day (midnight)"
        what = "closes of" if layout.stamp == "close" or bar == "1D" else f"first days of {bar} bars, which end with"
        line = f"times: {'dates' if kind == 'times' else kind}, {what} {where}; {written} closes at {shown}"
        starts = index_of(np.unique(moments)).day == 1
        if layout.stamp == "close" and bar == "1M" and starts.all():
            line += "; all are the first of a month: if they begin their bar, give --stamp open"
        return line
    where = "opens of bars, closing one bar later" if layout.stamp == "open" else "closes of bars"
    return f"times: {kind}, {where}; the last bar closes at {shown}"


def jump_remarks(bars: pd.DataFrame) -> list[str]:
    """Jumps of one bar by the ratio of a split without a split, and changes of unit."""
    close, symbol = bars["close"].to_numpy("float64"), bars["symbol"]
    codes = pd.factorize(symbol)[0]
    moves = np.diff(np.log(close))
    candidates = np.flatnonzero((np.abs(moves) > JUMP) & (codes[1:] == codes[:-1]))
    if "split" in bars:
        candidates = candidates[~(bars["split"].to_numpy("float64")[candidates + 1] > 0)]
    unit = np.abs(np.abs(moves[candidates])[:, None] - UNITS).min(axis=1, initial=np.inf) < UNIT_TOLERANCE
    split = ~unit & split_like(moves[candidates])
    lines = []
    for flags, text in (
        (split, "jumped by a ratio typical of splits without a value in a column `split`"),
        (unit, "changed about hundredfold or thousandfold from one bar to the next, as when a unit changes"),
    ):
        places = candidates[flags] + 1
        if len(places):
            shown = ", ".join(
                f"{symbol.iloc[p]} x{close[p] / close[p - 1]:.3g} at {bars['timestamp'].iloc[p]:%Y-%m-%d}"
                for p in places[:SHOWN]
            )
            more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
            lines.append(f"{shown}{more} {text}")
    return lines


def content_remarks(table: pd.DataFrame, distinct: pd.DatetimeIndex, sessions: Spacing, market: Market) -> list[str]:
    """Bars, symbols, gaps, closes outside sessions."""
    names = table["symbol"].nunique()
    per = "" if sessions.bar[-1] in "DWM" else f", {sessions.bars_per_session:g} a session"
    lines = [
        f"{len(table):,} bars of {sessions.bar}{per} ({sessions.periods_per_year:,.0f} a year), {names:,} symbols, "
        f"{distinct.min():%Y-%m-%d %H:%M} to {distinct.max():%Y-%m-%d %H:%M} UTC"
    ]
    codes, place = pd.factorize(table["symbol"])[0], np.searchsorted(distinct, table["timestamp"])
    first, last = np.full(names, len(distinct)), np.zeros(names, dtype=np.int64)
    np.minimum.at(first, codes, place)
    np.maximum.at(last, codes, place)
    missing = int((last - first + 1).sum()) - len(table)
    if missing:
        lines.append(f"gaps: {missing:,} missing between the first and the last bar of single symbols")
    if market.calendar == ALWAYS and not sessions.bar.endswith("M"):
        length = market_clock(ALWAYS, sessions.bar).bar_length
        absent = round((distinct.max() - distinct.min()) / length) + 1 - len(distinct)
        if absent:
            after = distinct[:-1][np.diff(distinct) > length]
            lines.append(f"gaps: {absent:,} missing of all symbols, the first after {after[0]:%Y-%m-%d %H:%M} UTC")
    if market.calendar not in (ALWAYS, WEEKDAYS) and sessions.bar[-1] not in "DWM":
        traded = pd.Series(distinct, name="timestamp")
        outside = traded[~_in_session(replace(market, bar=sessions.bar), traded)]
        if len(outside):
            lines.append(
                f"{len(outside):,} of {len(traded):,} closes are outside the sessions of {market.calendar}, such as "
                f"{outside.iloc[0]:%Y-%m-%d %H:%M} UTC; if times are of another zone, give --time-zone"
            )
    return lines


def _in_session(market: Market, closes: pd.Series) -> Flags:
    return np.asarray(may_close(market, closes), dtype=bool)


def days_without_session(days: Integers) -> str:
    shown = ", ".join(f"{day:%Y-%m-%d}" for day in index_of(days[:SHOWN]))
    return f"{shown} is" if len(days) == 1 else f"{len(days)} days ({shown}{', ...' if len(days) > SHOWN else ''}) are"
