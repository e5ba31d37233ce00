"""
Adjusted closes, dividends and splits of Yahoo Finance, separate from bars because later events change them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.batch import Answer, gather
from alpha_pipeline.resources.vendors.parsing import in_window
from alpha_pipeline.resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from alpha_pipeline.resources.vendors.yahoo.bars import on_sessions, settled_closes
from alpha_pipeline.resources.vendors.yahoo.client import RATE_LIMIT, open_session, quotes


@dataclass(frozen=True)
class YahooAdjustments:
    """
    Closes adjusted for dividends and splits.

    Every dividend and split lowers all adjusted closes before it. A row is therefore available at its close, or when
    the last event after it took effect, whichever is later; fetched again after another event, a session has a
    second, later row. An event before the last one also has a row without an adjusted close, available at its session:
    otherwise a backfill would contain the last event only. The vendor may enter an event some days late; it was public
    before that
    took effect.

    Closes of `YahooBars` have splits applied already, so `split` must not be applied to them again. It explains the
    jump between bars stored before a split and bars fetched after it.

    Args:
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        retry_policy: attempts, waits and the time-out.
        cache_folder: folder of the client's time zones and cookies; empty for a temporary folder.
        now: the clock; later sessions are not settled.
        rate_limit: shared by all processes of this machine.
    """

    url: str = ""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    cache_folder: str = ""
    now: Callable[[], pd.Timestamp] = utc_now
    rate_limit: RateLimit = RATE_LIMIT
    name: str = "yahoo adjustments"
    kind: str = "adjustments"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Rows of `tables.RAW_ADJUSTMENTS` for the settled sessions in (start, end].

        Rows without a positive adjusted close, or with a negative dividend or split, are dropped and counted.

        Raises:
            SourceError: every symbol failed, or no session of the window is settled.
            SettingError: the window or a symbol is invalid, or the market has other than daily bars.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        now = self.now()
        closes = settled_closes(market, start, end, now, self.name)
        if len(closes) == 0:
            return FetchResult(tables.RAW_ADJUSTMENTS.empty())
        session = open_session(self.url.rstrip("/"), self.cache_folder, rate_limit=self.rate_limit)
        requests = {symbol: partial(_adjustments, session, symbol, closes, now, self.retry_policy) for symbol in picked}
        return gather(requests, tables.RAW_ADJUSTMENTS, self.name)


def _adjustments(
    session: Any, symbol: str, closes: pd.DatetimeIndex, now: pd.Timestamp, retry_policy: RetryPolicy
) -> Answer:
    """The answer reaches to the present, so that it has every event behind an adjusted close."""
    request = f"{session.address} adjusted closes of {symbol}, sessions {closes[0]:%Y-%m-%d} to {closes[-1]:%Y-%m-%d}"
    table, _ = quotes(session, symbol, closes[0], now, retry_policy, request)
    days = pd.DatetimeIndex(table.index).tz_convert("UTC")  # an event takes effect as its day begins at the exchange
    happened = ((table["dividend"] != 0) | (table["split"] != 0)).to_numpy() & (days <= now)
    latest = days[happened].max()  # NaT without any
    dated_rows = table.assign(before=days < latest)[days <= closes[-1]]
    dated, off = on_sessions(dated_rows, closes, symbol, request)
    adjusted = dated["adjusted_close"]
    faults = {
        "a session without a price": adjusted.isna(),
        "an adjusted close that is not finite or not above zero": ~(np.isfinite(adjusted) & (adjusted > 0)),
        "a dividend that is not finite or below zero": ~(np.isfinite(dated["dividend"]) & (dated["dividend"] >= 0)),
        "a split that is not finite or below zero": ~(np.isfinite(dated["split"]) & (dated["split"] >= 0)),
    }
    sound, counts = in_window(dated, faults, (closes[0] - pd.Timedelta(1, "us"), closes[-1]), symbol, request)
    rewritten = sound["before"] & (sound["timestamp"] < latest)
    rows = sound.assign(symbol=symbol, available_at=sound["timestamp"].mask(rewritten, latest))
    # The event itself was known at its session, whatever changed the adjusted close since.
    events = rows[rewritten & ((rows["dividend"] > 0) | (rows["split"] > 0))]
    events = events.assign(adjusted_close=np.nan, available_at=events["timestamp"])
    rows = pd.concat([rows, events], ignore_index=True).sort_values(["timestamp", "available_at"], ignore_index=True)
    rows = rows.astype({"symbol": "str", "available_at": tables.MOMENT})
    return rows[[column.name for column in tables.RAW_ADJUSTMENTS.columns]], {**off, **counts}
