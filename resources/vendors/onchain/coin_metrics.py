"""
Daily chain metrics of Coin Metrics: flows, addresses, supply and valuation, without a key.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pandas as pd

from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.http.client import HttpClient, rows_of, status_of
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.vendors.onchain.coins import coin_of
from alpha_pipeline.resources.vendors.onchain.daily_series import (
    DAY_SECONDS,
    RETRY_POLICY,
    Day,
    Days,
    Values,
    day_of_text,
    days_within,
    facts,
    number,
    read_days,
    require_request,
)
from alpha_pipeline.resources.vendors.protocols import FetchResult, utc_now

PUBLIC_URL = "https://community-api.coinmetrics.io"
PATH = "/v4/timeseries/asset-metrics"
RATE_LIMIT = RateLimit("coin_metrics", 10, 6.0)  # its published limit per address
PAGE_SIZE = 10_000  # its maximum: six hundred days of seventeen coins
LAG = pd.Timedelta(hours=12)  # without a stamp of publication: it publishes within the next day

# The vendor's stamp of publication: seconds since 1970 at which all metrics of a coin's day were computed. A coin that
# was added later has late stamps for the years before, which were not available then.
COMPLETED = "AssetEODCompletionTime"

# A plan that lacks one metric refuses the complete request without these parameters.
LENIENT = {"ignore_forbidden_errors": "true", "ignore_unsupported_errors": "true"}
REFUSALS = (400, 403, 404)

Refused = Mapping[tuple[str, str], str]  # (metric, coin) -> reason


@dataclass(frozen=True)
class Metric:
    """
    The definition of a field.

    Args:
        field: its name in `fields`.
        plus: the vendor's metric; never negative.
        minus: a metric to subtract; empty for none.
    """

    field: str
    plus: str
    minus: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.plus, self.minus) if self.minus else (self.plus,)


def metrics_of(text: str) -> tuple["Metric", ...]:
    """
    Parse metrics of a setting: `netflow=FlowInExNtv-FlowOutExNtv, supply=SplyCur`.

    Raises:
        SettingError: a part is not a field and a metric.
    """
    metrics = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([a-z][a-z0-9_]*)=([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?", part)
        if not match:
            raise SettingError(f"{part!r} is not a chain metric; expected field=Metric or field=Metric-Metric")
        metrics.append(Metric(match[1], match[2], match[3] or ""))
    return tuple(metrics)


DEFAULT = (
    Metric("netflow", "FlowInExNtv", "FlowOutExNtv"),  # few coins have flows
    Metric("active_addresses", "AdrActCnt"),
    Metric("supply", "SplyCur"),
    Metric("mvrv", "CapMVRVCur"),
    Metric("whale_balance", "SplyAdrBal1in10K"),  # probably not in the free plan; then a failure
    Metric("exchange_balance", "SplyExNtv"),
)


@dataclass(frozen=True)
class CoinMetrics:
    """
    Daily metrics per coin of the community API; licensed for non-commercial use (CC BY-NC 4.0).

    Args:
        url: base address; a stand-in on loopback serves as well.
        metrics: of the fields.
        retry_policy: attempts, waits and the time-out.
        rate_limit: shared by all processes of this machine.
        now: the clock; later days are not finished.
    """

    url: str = PUBLIC_URL
    metrics: tuple[Metric, ...] = DEFAULT
    retry_policy: RetryPolicy = RETRY_POLICY
    rate_limit: RateLimit = RATE_LIMIT
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "coin_metrics"
    kind: str = "onchain"

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """
        Facts of the days that ended in (start, end]; see `FactSource`.

        Names of failures: a metric no coin has ("supply (SplyCur)"), a coin without a row while others have some
        ("btc"), a metric of a coin ("SplyCur of btc"), or the pages after one that failed. Symbols the vendor does not
        cover are counted, and so are metrics that a coin lacks while others have them: flows exist for few coins.
        """
        symbols = require_request(self.name, market, symbols, start, end)
        days = days_within(start, end, self.now())
        owners: dict[str, list[str]] = {}
        for symbol in symbols:
            owners.setdefault(coin_of(symbol).coin_metrics, []).append(symbol)
        counts = Counter({"symbols without a coin at the vendor": len(owners.pop("", []))})
        fields = tuple(metric.field for metric in self.metrics)
        if not owners or days.is_empty:
            return FetchResult(facts({}, fields, LAG), {}, dict(+counts))
        names = sorted({name for metric in self.metrics for name in metric.names})
        rows, failures, lacking = self._fetch_rows(names, sorted(owners), days)
        counts.update(lacking)
        series, excluded = _series(rows, [*names, COMPLETED], owners, f"{self.url}{PATH}", days)
        counts.update(excluded)
        published, unstamped = _published(series, owners, self.now())
        counts.update(unstamped)
        titles = {name: f"{metric.field} ({name})" for metric in self.metrics for name in metric.names}
        failures = {titles.get(item, item): reason for item, reason in failures.items()}
        columns = {
            (symbol, metric.field): _combined(series, metric, coin)
            for metric, (coin, owned) in product(self.metrics, owners.items())
            for symbol in owned
        }
        return FetchResult(facts(columns, fields, LAG, published), failures, dict(+counts))

    def _fetch_rows(
        self, names: list[str], coins: list[str], days: Days
    ) -> tuple[list[Any], dict[str, str], dict[str, int]]:
        """
        Rows, failures and counts of one request for everything, and of smaller ones where that is refused.

        Raises:
            SourceError: every request failed.
        """
        try:
            rows, cut = self._pages([*names, COMPLETED], coins, days, LENIENT)
        except SourceError as error:
            if status_of(error) not in REFUSALS:
                raise
            rows, refused, cut = self._narrowed(names, coins, days)
            if len(refused) == len(names) * len(coins):
                raise
            failures = _summary(refused, names, coins)
            lacking = 0
        else:
            failures, lacking = _absent(rows, names, coins)
        return rows, failures | cut, {"metrics a coin lacks": lacking}

    def _narrowed(self, names: list[str], coins: list[str], days: Days) -> tuple[list[Any], Refused, dict[str, str]]:
        """Request metric by metric, and coin by coin where a metric is refused: rows, refusals, and failed pages."""
        rows: list[Any] = []
        refused: dict[tuple[str, str], str] = {}
        cut: dict[str, str] = {}
        requests = [(name, coins) for name in [*names, COMPLETED]]
        while requests:
            name, some = requests.pop(0)
            try:
                page_rows, missing = self._pages([name], some, days, {})
                rows, cut = rows + page_rows, cut | missing
            except SourceError as error:
                if len(some) > 1 and status_of(error) in REFUSALS:
                    requests += [(name, [coin]) for coin in some]
                else:
                    refused |= {(name, coin): str(error) for coin in some if name != COMPLETED}
        return rows, refused, cut

    def _pages(
        self, names: Sequence[str], coins: Sequence[str], days: Days, lenient: Mapping[str, str]
    ) -> tuple[list[Any], dict[str, str]]:
        """All rows of a request, and the failure of later pages; SourceError when the first page failed."""
        web = HttpClient(self.url, self.rate_limit, self.retry_policy)
        query: dict[str, str] = {
            "assets": ",".join(coins),
            "metrics": ",".join(names),
            "frequency": "1d",
            "start_time": _date(days.first),
            "end_time": _date(days.last),
            "page_size": str(PAGE_SIZE),
            "paging_from": "start",
            **lenient,
        }
        rows: list[Any] = []
        earlier: list[dict[str, str]] = []
        while query:
            try:
                if query in earlier:
                    raise SourceError(f"{web.address(PATH)}: the next page repeats an earlier one")
                answer = web.json(PATH, query)
                rows += rows_of(answer, "data", web.address(PATH))
            except SourceError as error:
                if not earlier:
                    raise
                return rows, {f"pages after {len(earlier)} of {','.join(names)}": str(error)}
            earlier.append(query)
            # Only the query is followed, at our address: an answer must not choose the host.
            query = dict(parse_qsl(urlsplit(str(answer.get("next_page_url") or "")).query))
        return rows, {}


def _absent(rows: list[Any], names: list[str], coins: list[str]) -> tuple[dict[str, str], int]:
    """Gaps of a lenient answer: metrics and coins without any row, and the number of other missing pairs."""
    pairs = {(name, str(row.get("asset"))) for row in rows if isinstance(row, dict) for name in row}
    some_names, some_coins = {name for name, _ in pairs} & set(names), {coin for _, coin in pairs} & set(coins)
    if not some_coins:  # an empty day, or unreadable rows, which fail where they are parsed
        return {}, 0
    failures = dict.fromkeys(
        (name for name in names if name not in some_names),
        "no row of the answer has this metric: the plan lacks it, or it is unknown",
    )
    failures |= dict.fromkeys(
        (coin for coin in coins if coin not in some_coins),
        "no row of this coin in the window, although others have some: late, or unknown",
    )
    return failures, sum(pair not in pairs for pair in product(some_names, some_coins))


def _summary(refused: Refused, names: list[str], coins: list[str]) -> dict[str, str]:
    """Refusals by their shortest name: a metric of all coins, a coin of all metrics, a metric of a coin."""
    failures: dict[str, str] = {}
    for (name, coin), reason in refused.items():
        if all((name, other) in refused for other in coins):
            failures[name] = reason
        elif all((other, coin) in refused for other in names):
            failures[coin] = reason
        else:
            failures[f"{name} of {coin}"] = reason
    return failures


def _series(
    rows: list[Any], names: list[str], coins: Iterable[str], request: str, days: Days
) -> tuple[dict[tuple[str, str], Values], dict[str, int]]:
    """(metric, coin) -> its values, and counts of dropped rows; null is no value and not counted."""
    points: dict[tuple[str, str], list[tuple[object, object]]] = {pair: [] for pair in product(names, coins)}
    excluded: Counter[str] = Counter()
    for row in rows:
        coin = row.get("asset") if isinstance(row, dict) else None
        if not isinstance(coin, str) or (names[0], coin) not in points:
            excluded["rows of coins that were not requested"] += 1
            continue
        if day_of_text(row.get("time")) is None:
            excluded["rows without a readable day"] += 1
            continue
        for name in names:
            if row.get(name) is not None:
                points[name, coin].append((row["time"], row[name]))
    if rows and excluded.total() == len(rows):
        raise SourceError(f"{request}: none of {len(rows)} rows has a coin and a day; found {str(rows[0])[:200]}")
    series: dict[tuple[str, str], Values] = {}
    for (name, coin), some in points.items():
        readable = [point for point in some if number(point[1]) is not None]
        excluded[f"{name}: values that are not finite numbers"] += len(some) - len(readable)
        reading = read_days(readable, days, day_of_text, f"{request}, {name} of {coin}")
        series[name, coin] = reading.values
        excluded.update({f"{name}: {reason}": count for reason, count in reading.excluded.items()})
    return series, dict(excluded)


def _combined(series: Mapping[tuple[str, str], Values], metric: Metric, coin: str) -> Values:
    """The field's values on days on which all of its metrics have one."""
    plus = series[metric.plus, coin]
    if not metric.minus:
        return plus
    minus = series[metric.minus, coin]
    return {day: plus[day] - minus[day] for day in plus.keys() & minus.keys()}


def _published(
    series: Mapping[tuple[str, str], Values], owners: Mapping[str, list[str]], now: pd.Timestamp
) -> tuple[dict[tuple[str, Day], float], dict[str, int]]:
    """(symbol, day) -> the vendor's stamp of publication; one before the day's end or after `now` is dropped."""
    published: dict[tuple[str, Day], float] = {}
    implausible = 0
    for coin, symbols in owners.items():
        for day, stamp in series[COMPLETED, coin].items():
            if (day + 1) * DAY_SECONDS <= stamp <= now.timestamp():
                published |= {(symbol, day): stamp for symbol in symbols}
            else:
                implausible += 1
    return published, {"implausible stamps of publication": implausible}


def _date(day: Day) -> str:
    return f"{pd.Timestamp(day, unit='D'):%Y-%m-%d}"
