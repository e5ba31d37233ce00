"""
Chain metrics of bitcoin: confirmed transactions and hash rate of blockchain.info, fees of mempool.space.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.errors import SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import HttpClient, rows_of
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

CHARTS_URL = "https://api.blockchain.info"
MEMPOOL_URL = "https://mempool.space"
CHARTS_PACE = RateLimit("blockchain_info", 1, 2.0)  # no published quota; two requests per run date
MEMPOOL_PACE = RateLimit("mempool_space", 1, 2.0)  # an unpublished limit, and a ban for those who keep passing it
LAG = pd.Timedelta(hours=3)  # blocks are public at once; the charts are updated within hours of midnight

CHARTS = {"transactions": "n-transactions", "hash_rate": "hash-rate"}
# The complete history has one point per day; shorter spans are counted back from the time of the request in finer
# steps, so that the same day would differ between requests.
FEES_PATH = "/api/v1/mining/blocks/fee-rates/all"
MEDIAN_FEE = "avgFee_50"
FIELDS = (*CHARTS, "fee_rate")


@dataclass(frozen=True)
class BitcoinChain:
    """
    Daily transactions, hash rate and fees of bitcoin; without a key. Symbols of other coins have no rows.

    Args:
        charts_url: base address of blockchain.info; a stand-in on loopback serves as well.
        mempool_url: base address of mempool.space.
        retry_policy: attempts, waits and the time-out.
        charts_pace: of blockchain.info.
        mempool_pace: of mempool.space.
        now: the clock; later days are not finished.
    """

    charts_url: str = CHARTS_URL
    mempool_url: str = MEMPOOL_URL
    retry_policy: RetryPolicy = RETRY_POLICY
    charts_pace: RateLimit = CHARTS_PACE
    mempool_pace: RateLimit = MEMPOOL_PACE
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bitcoin_chain"
    kind: str = "onchain"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """Facts of the days that ended in (start, end]; see `FactSource`. A field that fails is a failure."""
        symbols = require_request(self.name, market, symbols, start, end)
        days = days_within(start, end, self.now())
        bitcoin = [symbol for symbol in symbols if coin_of(symbol).base == "BTC"]
        counts = Counter({"symbols of other coins": len(symbols) - len(bitcoin)})
        columns: dict[tuple[str, str], Values] = {}
        failures: dict[str, str] = {}
        for name in FIELDS if bitcoin and not days.is_empty else ():
            try:
                reading = self._chart(CHARTS[name], days) if name in CHARTS else self._fees(days)
            except SourceError as error:
                failures[name] = str(error)
                continue
            columns |= {(symbol, name): reading.values for symbol in bitcoin}
            counts.update({f"{name}: {reason}": count for reason, count in reading.excluded.items()})
        return result_of(self.name, facts(columns, FIELDS, LAG), failures, counts, len(FIELDS))

    def _chart(self, chart: str, days: Days) -> Reading:
        web, path = HttpClient(self.charts_url, self.charts_pace, self.retry_policy), f"/charts/{chart}"
        query = {
            "start": f"{pd.Timestamp(days.first, unit='D'):%Y-%m-%d}",
            "timespan": f"{days.last - days.first + 1}days",
            "format": "json",
            "sampled": "false",  # otherwise long spans have 1,500 points at most
        }
        rows = rows_of(web.json(path, query), "values", web.address(path))
        return read_rows(rows, "x", lambda row: row.get("y"), days, web.address(path))

    def _fees(self, days: Days) -> Reading:
        web = HttpClient(self.mempool_url, self.mempool_pace, self.retry_policy)
        return read_rows(
            web.json(FEES_PATH), "timestamp", lambda row: row.get(MEDIAN_FEE), days, web.address(FEES_PATH)
        )
