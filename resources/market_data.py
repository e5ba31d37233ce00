"""
The choice of market data sources by settings: the embedded sample or the live vendors.

The interfaces are in `vendors.protocols`; each vendor has a package beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal, TypeVar

import pandas as pd
from pydantic import Field

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.markets import Market, is_universe_file
from alpha_pipeline.resources.configuration import AT_RUN_TIME, COMMAS, Resource, described
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.ingest.collector import LOOK_BACK
from alpha_pipeline.resources.secrets import reveal, secret
from alpha_pipeline.resources.vendors.bybit import bars as bybit
from alpha_pipeline.resources.vendors.bybit.bars import BybitBars
from alpha_pipeline.resources.vendors.bybit.derivatives import BybitDerivatives, BybitFunding
from alpha_pipeline.resources.vendors.onchain import bitcoin_chain, coin_metrics, defillama
from alpha_pipeline.resources.vendors.onchain.bitcoin_chain import BitcoinChain
from alpha_pipeline.resources.vendors.onchain.coin_metrics import CoinMetrics, metrics_of
from alpha_pipeline.resources.vendors.onchain.defillama import DefiLlama
from alpha_pipeline.resources.vendors.protocols import FACTS, FactSource, FetchResult, MarketDataSource
from alpha_pipeline.resources.vendors.sample import ABSENT, SampleSource
from alpha_pipeline.resources.vendors.text import gdelt, hacker_news, reddit
from alpha_pipeline.resources.vendors.text.gdelt import GdeltNews
from alpha_pipeline.resources.vendors.text.hacker_news import HackerNews
from alpha_pipeline.resources.vendors.text.reddit import RedditPosts
from alpha_pipeline.resources.vendors.text.rss import DEFAULT_FEEDS, FeedNews
from alpha_pipeline.resources.vendors.yahoo.adjustments import YahooAdjustments
from alpha_pipeline.resources.vendors.yahoo.bars import YahooBars
from alpha_pipeline.resources.vendors.yahoo.news import YahooNews
from alpha_pipeline.settings import DataSettings, variable_of

__all__ = ["FACTS", "BarSource", "MarketDataResource", "MarketDataSource", "SourceSettings", "choose_source"]

SOURCES = ("sample", "live", "files")
# Asset type -> kinds of facts that its symbols cannot have.
NO_FACTS = {
    "crypto": {"adjustments": "coins have no dividends and no splits"},
    "stock": {
        "funding": "stocks have no funding rate",
        "derivatives": "stocks have no perpetual contracts",
        "onchain": "stocks have no chain metrics",
    },
}
SHORT_WAIT_SECONDS = 0.05  # between attempts at a stand-in
REVISED_KINDS = ("ohlcv", "onchain", "adjustments")
Score = Callable[[Sequence[str]], Sequence[float]]
Source = TypeVar("Source")


@dataclass(frozen=True)
class BarSource:
    """The bars of a market data source behind the interface of `FactSource`."""

    source: MarketDataSource
    kind: str = "ohlcv"

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.source.name

    def fetch(self, market: Market, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> FetchResult:
        """The finished bars of `symbols` that closed in (start, end]."""
        return self.source.fetch_bars(market, symbols, start, end)


@dataclass(frozen=True)
class SourceSettings:
    """
    Settings of the sources.

    Args:
        source: "sample" (embedded, offline) or "live" (the vendors; none needs a key) in place of that of each market;
            empty for the market's own.
        vendors_url: one address that stands in for all vendors, each below a folder of its name; empty for the vendors
            themselves. It is requested without rate limits and with short waits, so it must not forward to the vendors.
        symbols: market name -> symbols that replace the source's default ones.
        feeds: addresses of RSS or Atom feeds, for both markets, that replace the default ones.
        metrics: chain metrics of Coin Metrics that replace the default ones, as read by `coin_metrics.metrics_of`.
        without: names of fact sources to leave out.
        reddit_id: key of an application at Reddit; without it Reddit is left out.
        reddit_secret: the secret of the application.
        cache_folder: folder of the Yahoo client's time-zone cache; empty for a temporary folder.
    """

    source: str = ""
    vendors_url: str = ""
    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feeds: tuple[str, ...] = ()
    metrics: str = ""
    without: tuple[str, ...] = ()
    reddit_id: str = ""
    reddit_secret: str = field(default="", repr=False)
    cache_folder: str = ""

    def source_of(self, market: Market) -> str:
        """The source of a market: files stay files."""
        return market.source if market.source == "files" else self.source or market.source

    def address(self, vendor: str, public: str) -> str:
        """The base address of a vendor."""
        return f"{self.vendors_url.rstrip('/')}/{vendor}" if self.vendors_url else public

    def without_limits(self, source: Source) -> Source:
        """The source; one that requests a stand-in has no rate limit and waits briefly between its attempts."""
        if not self.vendors_url:
            return source
        values = {item.name: getattr(source, item.name) for item in fields(source)}  # type: ignore[arg-type]  # a dataclass
        limits = {name: replace(limit, disabled=True) for name, limit in values.items() if isinstance(limit, RateLimit)}
        policies = {
            name: replace(policy, wait_seconds=SHORT_WAIT_SECONDS, longest_wait_seconds=SHORT_WAIT_SECONDS)
            for name, policy in values.items()
            if isinstance(policy, RetryPolicy)
        }
        return replace(source, **limits, **policies)  # type: ignore[type-var]  # a dataclass


def choose_source(settings: SourceSettings, market: Market) -> MarketDataSource:
    """
    The source of bars and listings of one market.

    Raises:
        SettingError: the source is unknown, or does not serve the market.
    """
    only = _universe(market) or tuple(settings.symbols.get(market.name, ()))
    source = settings.source_of(market)
    if source == "files":
        from alpha_pipeline.resources.files.file_source import FileBars  # readers of files, not needed by vendors

        return FileBars(market, only)
    if source == "sample":
        return _dated(SampleSource(only), market)
    if source == "live" and market.vendor == "bybit":
        bars = BybitBars(only, settings.address("bybit", bybit.PUBLIC_URL))
        return _dated(settings.without_limits(bars), market)
    if source == "live":
        charts = YahooBars(only, settings.address("yahoo", ""), cache_folder=settings.cache_folder)
        return _dated(settings.without_limits(charts), market)
    raise SettingError(f"ALPHA_PIPELINE_SOURCE is {source!r}; expected one of {', '.join(SOURCES)}")


def fact_sources(settings: SourceSettings, market: Market, score: Score) -> list[FactSource]:
    """
    Every source of facts that the settings allow, of all kinds.

    Args:
        settings: of the sources; the embedded data have no facts.
        market: of the facts.
        score: sentiment of texts, for sources that count posts by the hour.

    Raises:
        SettingError: `without` has an unknown name.
    """
    files = _file_facts(market)
    if settings.source_of(market) != "live":
        return files
    at, yahoo, cache = settings.address, settings.address("yahoo", ""), settings.cache_folder
    by_type: dict[str, list[FactSource]] = {
        "crypto": [
            BybitFunding(at("bybit", bybit.PUBLIC_URL)),
            BybitDerivatives(at("bybit", bybit.PUBLIC_URL)),
            CoinMetrics(
                at("coinmetrics", coin_metrics.PUBLIC_URL), metrics_of(settings.metrics) or coin_metrics.DEFAULT
            ),
            DefiLlama(at("llama", defillama.PUBLIC_URL), at("stablecoins", defillama.STABLECOINS_URL)),
            BitcoinChain(at("blockchain", bitcoin_chain.CHARTS_URL), at("mempool", bitcoin_chain.MEMPOOL_URL)),
        ],
        "stock": [YahooAdjustments(yahoo, cache_folder=cache), YahooNews(yahoo, cache_folder=cache)],
    }
    feeds = _feeds(settings)
    both: list[FactSource] = [
        *([FeedNews(feeds)] if market.asset_type in feeds else []),
        GdeltNews(at("gdelt", gdelt.PUBLIC_URL)),
        HackerNews(score, at("hackernews", hacker_news.PUBLIC_URL)),
    ]
    if settings.reddit_id:
        keys = settings.reddit_id, settings.reddit_secret
        both.append(
            RedditPosts(score, *keys, url=at("reddit", reddit.PUBLIC_URL), token_url=at("reddit", reddit.TOKEN_URL))
        )
    sources = [*by_type.get(market.asset_type, []), *both, *files]
    names = {source.name for source in sources} | {source.name for group in by_type.values() for source in group}
    if unknown := sorted(set(settings.without) - names - {"reddit"}):
        raise SettingError(f"{variable_of('data', 'without')} names {unknown}; the sources are {sorted(names)}")
    return [settings.without_limits(source) for source in sources if source.name not in settings.without]


def _feeds(settings: SourceSettings) -> Mapping[str, tuple[str, ...]]:
    if settings.feeds:
        return dict.fromkeys(DEFAULT_FEEDS, settings.feeds)
    if settings.vendors_url:
        return dict.fromkeys(DEFAULT_FEEDS, (f"{settings.vendors_url.rstrip('/')}/feed/news.xml",))
    return DEFAULT_FEEDS


class MarketDataResource(Resource):
    """Market data as a Dagster resource."""

    source: Literal["", "sample", "live"] = Field(
        default="", description="In place of the source of each market; files stay files. Empty for the market's own."
    )
    vendors_url: str = described(DataSettings, "vendors_url")
    crypto_symbols: str = described(DataSettings, "crypto_symbols", COMMAS)
    equity_symbols: str = described(DataSettings, "equity_symbols", COMMAS)
    feeds: str = described(DataSettings, "feeds", COMMAS)
    metrics: str = described(DataSettings, "metrics")
    without: str = described(DataSettings, "without", COMMAS)
    reddit_id: str = described(DataSettings, "reddit_id")
    reddit_secret: str = described(DataSettings, "reddit_secret", AT_RUN_TIME)
    cache_folder: str = described(DataSettings, "cache_folder")

    @classmethod
    def of(cls, settings: DataSettings) -> "MarketDataResource":
        """The configured sources."""
        return cls(
            vendors_url=settings.vendors_url,
            crypto_symbols=",".join(settings.crypto_symbols),
            equity_symbols=",".join(settings.equity_symbols),
            feeds=",".join(settings.feeds),
            metrics=settings.metrics,
            without=",".join(settings.without),
            reddit_id=settings.reddit_id,
            reddit_secret=secret(settings.reddit_secret, "data", "reddit_secret"),
            cache_folder=settings.cache_folder,
        )

    @property
    def settings(self) -> SourceSettings:
        """The fields as the sources take them."""
        return SourceSettings(
            self.source,
            self.vendors_url,
            {"crypto": _names(self.crypto_symbols), "equities": _names(self.equity_symbols)},
            _names(self.feeds),
            self.metrics,
            _names(self.without),
            self.reddit_id,
            reveal(self.reddit_secret),
            self.cache_folder,
        )

    def look_back(self, market: Market, kind: str) -> pd.Timedelta:
        """How far back vendors are asked again: a week for kinds they revise, else a day; recordings never change."""
        if self.settings.source_of(market) != "live":
            return pd.Timedelta(0)
        return LOOK_BACK if kind in REVISED_KINDS else pd.Timedelta(days=1)

    def bar_source(self, market: Market) -> MarketDataSource:
        """The source of bars and listings of one market; see `choose_source`."""
        return choose_source(self.settings, market)

    def sources(self, market: Market, kind: str, score: Score) -> list[FactSource]:
        """The sources of one kind of rows: "ohlcv", or a key of `FACTS`."""
        if kind == "ohlcv":
            return [BarSource(self.bar_source(market))]
        if kind == "funding" and not market.funding:
            return []
        return [source for source in fact_sources(self.settings, market, score) if source.kind == kind]

    def missing_reason(self, market: Market, kind: str) -> str | None:
        """Why a key of `FACTS` has no rows, one sentence; None where it has a source."""
        if kind == "funding" and not market.funding:
            return f"markets.{market.name}.funding is false"
        if kind in market.facts:
            return None
        if reason := NO_FACTS.get(market.asset_type, {}).get(kind):
            return reason
        source = self.settings.source_of(market)
        if source == "sample":
            return ABSENT[kind]
        if source == "files":
            return f"no files of {kind}: markets.{market.name}.facts.{kind} is not set"
        available = any(source.kind == kind for source in fact_sources(self.settings, market, lambda texts: ()))
        return None if available else "every source of it is left out by settings"

    def instruments(self, market: Market) -> FetchResult:
        """Listings and delistings up to today; no rows where the source has no dates."""
        if self.settings.source_of(market) != "live":
            return FetchResult(tables.LISTINGS.empty(), {}, {})
        return self.bar_source(market).fetch_instruments(market)


def _file_facts(market: Market) -> list[FactSource]:
    """Sources of the kinds of facts that the market has files of and the graph a table for."""
    if not market.facts:
        return []
    from alpha_pipeline.resources.files.file_source import FileFacts

    return [FileFacts(kind, facts) for kind, facts in market.facts.items() if kind in FACTS]


def _universe(market: Market) -> tuple[str, ...]:
    """Symbols of the market's universe; those of a file are read."""
    if not is_universe_file(market.universe):
        return market.universe
    from alpha_pipeline.resources.files.universe_file import read_universe

    return read_universe(market.universe[0])


def _dated(source: MarketDataSource, market: Market) -> MarketDataSource:
    """The source without the bars of days on which a symbol does not belong to the universe; files do it themselves."""
    if market.source == "files" or not is_universe_file(market.universe):
        return source
    from alpha_pipeline.resources.files.universe_file import DatedUniverse, has_dates, universe_table

    table = universe_table(market.universe[0])
    return DatedUniverse(source, table) if has_dates(table) else source


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
