"""
Chain metrics of DefiLlama: value locked on the symbol's own chain, and the dollars in circulation.

How daily values become rows is done in `daily`; what the fields mean stands in `onchain_fields`.
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
from resources.http.client import HttpClient
from resources.http.rate_limit import RateLimit
from resources.http.retry import RetryPolicy
from resources.vendors.onchain.coins import coin_of
from resources.vendors.onchain.daily_series import (
    RETRY_POLICY,
    Days,
    Reading,
    Values,
    answered,
    days_within,
    facts,
    read_rows,
    require_question,
)
from resources.vendors.protocols import FetchResult, utc_now

PUBLIC_URL = "https://api.llama.fi"
STABLECOINS_URL = "https://stablecoins.llama.fi"
RATE_LIMIT = RateLimit("defillama", 2, 1.0)  # no published quota; a run date asks some twenty times
LAG = pd.Timedelta(
    hours=6
)  # a day's value is first written in the day itself; what protocols report late comes in hours
FIELDS = ("tvl", "stablecoin_supply")
DOLLARS = "peggedUSD"  # other pegs are below 1 % of the whole, and their dollars move with exchange rates


@dataclass(frozen=True)
class DefiLlama:
    """
    Daily value locked per chain, and dollar-pegged coins of the whole market; without a key.

    A symbol without a chain of its own has `stablecoin_supply` only. Past values may be rewritten by the vendor.

    Args:
        url: base address of the chains; a stand-in on loopback serves as well.
        stablecoins_url: base address of the stablecoins.
        retry_policy: attempts, waits and the time-out; a series comes whole, some hundred kilobytes.
        rate_limit: of both addresses together.
        now: the clock that tells finished days from the running one.
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
        Facts of the days that ended in (start, end]; see `FactSource`. Each chain is asked once.

        A chain that fails is a failure named after it; so is `stablecoin_supply`.
        """
        request = require_question(self.name, market, symbols, start, end)
        days = days_within(start, end, self.now())
        owners: dict[str, list[str]] = {}
        for symbol in request:
            owners.setdefault(coin_of(symbol).chain, []).append(symbol)
        counts = Counter({"symbols without a chain of their own": len(owners.pop("", []))})
        questions: list[tuple[str, str, Callable[[Days], Reading], list[str]]]
        questions = [(f"tvl of {chain}", "tvl", partial(self._tvl, chain), owners[chain]) for chain in sorted(owners)]
        questions.append(("stablecoin_supply", "stablecoin_supply", self._stablecoins, request))
        columns: dict[tuple[str, str], Values] = {}
        failures: dict[str, str] = {}
        for what, name, ask, symbols_of_it in questions if not days.is_empty else ():
            try:
                reading = ask(days)
            except SourceError as error:
                failures[what] = str(error)
                continue
            columns |= {(symbol, name): reading.values for symbol in symbols_of_it}
            counts.update({f"{what}: {why}": count for why, count in reading.exclusion_reason.items()})
        return answered(self.name, facts(columns, FIELDS, LAG), failures, counts, len(questions))

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
