"""
Adjusted closes, dividends and splits of Yahoo Finance, apart from bars because later events rewrite them.

How the vendor is asked is `yahoo_wire`; what a session is, `yahoo`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.market.markets import Market
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.batch import Answer, gather
from resources.vendors.parsing import in_window
from resources.vendors.protocols import FetchResult, require_symbols, require_window, utc_now
from resources.vendors.yahoo.bars import on_sessions, settled_closes
from resources.vendors.yahoo.client import RATE_LIMIT, open_session, quotes


@dataclass(frozen=True)
class YahooAdjustments:
    """
    What dividends and splits make of past closes.

    Every dividend and split makes all adjusted closes before it smaller. A row is therefore known at its close, or when
    the last event after it took effect, whichever is later; asked again after another event, a session has a second
    row, known later. An event before the last one has a row without an adjusted close too, known at its session: else a
    backfill would hold the last event alone. The vendor may enter an event some days late; it was public before it took
    effect.

    Closes of `yahoo` have splits applied already: what `split` says must not be applied to them again. It explains the
    jump between bars stored before a split and bars fetched after it.

    Args:
        url: base address that stands in for every Yahoo host; empty for the hosts themselves.
        retry_policy: attempts, waits and the time-out.
        cache_folder: where the client keeps time zones and cookies; empty for a folder of temporary files.
        now: the clock that tells finished sessions from the current one.
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

        Rows without a positive adjusted close, or with a negative dividend or split, are left out and counted.

        Raises:
            SourceError: no symbol came, or no session of the window is settled.
            SettingError: the window or a symbol is none, or the market has other than daily bars.
        """
        require_window(start, end)
        picked = require_symbols(symbols)
        now = self.now()
        closes = settled_closes(market, start, end, now, self.name)
        if len(closes) == 0:
            return FetchResult(tables.RAW_ADJUSTMENTS.empty())
        session = open_session(self.url.rstrip("/"), self.cache_folder, rate_limit=self.rate_limit)
        questions = {
            symbol: partial(_adjustments, session, symbol, closes, now, self.retry_policy) for symbol in picked
        }
        return gather(questions, tables.RAW_ADJUSTMENTS, self.name)


def _adjustments(
    session: Any, symbol: str, closes: pd.DatetimeIndex, now: pd.Timestamp, retry_policy: RetryPolicy
) -> Answer:
    """The answer reaches to the present, so that every event that went into an adjusted close is seen."""
    request = f"{session.address} adjusted closes of {symbol}, sessions {closes[0]:%Y-%m-%d} to {closes[-1]:%Y-%m-%d}"
    table, _ = quotes(session, symbol, closes[0], now, retry_policy, request)
    days = pd.DatetimeIndex(table.index).tz_convert("UTC")  # an event takes effect as its day begins at the exchange
    happened = ((table["dividend"] != 0) | (table["split"] != 0)).to_numpy() & (days <= now)
    latest = days[happened].max()  # NaT without any
    wanted = table.assign(before=days < latest)[days <= closes[-1]]
    dated, off = on_sessions(wanted, closes, symbol, request)
    adjusted = dated["adjusted_close"]
    broken = {
        "a session without a price": adjusted.isna(),
        "an adjusted close that is not finite or not above zero": ~(np.isfinite(adjusted) & (adjusted > 0)),
        "a dividend that is not finite or below zero": ~(np.isfinite(dated["dividend"]) & (dated["dividend"] >= 0)),
        "a split that is not finite or below zero": ~(np.isfinite(dated["split"]) & (dated["split"] >= 0)),
    }
    sound, counts = in_window(dated, broken, (closes[0] - pd.Timedelta(1, "us"), closes[-1]), symbol, request)
    rewritten = sound["before"] & (sound["timestamp"] < latest)
    known = sound.assign(symbol=symbol, available_at=sound["timestamp"].mask(rewritten, latest))
    # The event itself was known at its session, whatever rewrote the adjusted close since.
    events = known[rewritten & ((known["dividend"] > 0) | (known["split"] > 0))]
    events = events.assign(adjusted_close=np.nan, available_at=events["timestamp"])
    known = pd.concat([known, events], ignore_index=True).sort_values(["timestamp", "available_at"], ignore_index=True)
    known = known.astype({"symbol": "str", "available_at": tables.MOMENT})
    return known[[column.name for column in tables.RAW_ADJUSTMENTS.columns]], {**off, **counts}
