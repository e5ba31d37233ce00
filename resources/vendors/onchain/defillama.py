"""
Chain metrics of DefiLlama: value locked on the symbol's own chain, and stablecoins in circulation.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import HttpClient
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.onchain.coins import coin_of
from alpha_pipeline.resources.vendors.onchain.daily_series import (
    RETRY_POLICY,
    Days,
    Reading,
    Values,
    days_within,
    facts,
    read_rows,
    require_request,
    result_of,
)
from alpha_pipeline.resources.vendors.protocols import FetchResult, utc_now

PUBLIC_URL = "https://api.llama.fi"
STABLECOINS_URL = "https://stablecoins.llama.fi"
RATE_LIMIT = RateLimit("defillama", 2, 1.0)  # no published quota; about twenty requests per run date
LAG = pd.Timedelta(hours=6)  # late reports of protocols arrive within hours of the day's end
FIELDS = ("tvl", "stablecoin_supply")
DOLLARS = "peggedUSD"  # other pegs are below 1 % of the total, and their value moves with exchange rates


@dataclass(frozen=True)
class DefiLlama:
    """
    Daily value locked per chain, and dollar-pegged coins of the whole market; without a key.

    A symbol without a chain of its own has `stablecoin_supply` only. The vendor may revise past values.

    Args:
        url: base address of the chains; a stand-in on loopback serves as well.
        stablecoins_url: base address of the stablecoins.
        retry_policy: attempts, waits and the time-out; a series is one answer of some hundred kilobytes.
        rate_limit: of both addresses together.
        now: the clock; later days are not finished.
    """

    url: str = PUBLIC_URL
    stablecoins_url: str = STABLECOINS_URL
    retry_policy: RetryPolicy = RETRY_POLICY
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "defillama"
    kind: str = "onchain"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Facts of the days that ended in (start, end]; see `FactSource`. Each chain is requested once.

        A chain that fails is a failure of its name; so is `stablecoin_supply`.
        """
        symbols = require_request(self.name, market, symbols, start, end)
        days = days_within(start, end, self.now())
        owners: dict[str, list[str]] = {}
        for symbol in symbols:
            owners.setdefault(coin_of(symbol).chain, []).append(symbol)
        counts = Counter({"symbols without a chain of their own": len(owners.pop("", []))})
        series: list[tuple[str, str, Callable[[Days], Reading], list[str]]]
        series = [(f"tvl of {chain}", "tvl", partial(self._tvl, chain), owners[chain]) for chain in sorted(owners)]
        series.append(("stablecoin_supply", "stablecoin_supply", self._stablecoins, symbols))
        columns: dict[tuple[str, str], Values] = {}
        failures: dict[str, str] = {}
        for item, name, read, owners_of_series in series if not days.is_empty else ():
            try:
                reading = read(days)
            except SourceError as error:
                failures[item] = str(error)
                continue
            columns |= {(symbol, name): reading.values for symbol in owners_of_series}
            counts.update({f"{item}: {reason}": count for reason, count in reading.excluded.items()})
        return result_of(self.name, facts(columns, FIELDS, LAG), failures, counts, len(series))

    def _tvl(self, chain: str, days: Days) -> Reading:
        web, path = self._web(self.url), f"/v2/historicalChainTvl/{quote(chain, safe='')}"
        return read_rows(web.json(path), "date", lambda row: row.get("tvl"), days, web.address(path))

    def _stablecoins(self, days: Days) -> Reading:
        web, path = self._web(self.stablecoins_url), "/stablecoincharts/all"
        return read_rows(web.json(path), "date", _dollars, days, web.address(path))

    def _web(self, url: str) -> HttpClient:
        return HttpClient(url, self.rate_limit, self.retry_policy)


def _dollars(row: dict[str, Any]) -> object:
    pegs = row.get("totalCirculatingUSD")
    return pegs.get(DOLLARS) if isinstance(pegs, dict) else None
