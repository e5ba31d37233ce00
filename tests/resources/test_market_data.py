"""The choice of a source by setting, and the resource Dagster configures."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
import pytest

from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, configured_markets
from alpha_pipeline.resources.http.rate_limit import RateLimit
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.resources.market_data import MarketDataResource, SourceSettings, choose_source
from alpha_pipeline.resources.vendors.bybit.bars import PUBLIC_URL, BybitBars
from alpha_pipeline.resources.vendors.onchain.coin_metrics import CoinMetrics, Metric
from alpha_pipeline.resources.vendors.protocols import FACTS
from alpha_pipeline.resources.vendors.sample import SampleSource
from alpha_pipeline.resources.vendors.yahoo.bars import YahooBars
from alpha_pipeline.settings import load_settings


def test_the_default_is_the_embedded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set: offline."""
    monkeypatch.delenv("ALPHA_PIPELINE_SOURCE", raising=False)
    assert MarketDataResource.of(load_settings().data).bar_source(CRYPTO) == SampleSource()


def test_live_is_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ALPHA_PIPELINE_SOURCE=live` opens the exchange for coins and the quotes for stocks."""
    monkeypatch.setenv("ALPHA_PIPELINE_SOURCE", "live")
    resource, (crypto, equities) = MarketDataResource.of(load_settings().data), configured_markets(load_settings())
    assert resource.bar_source(crypto) == BybitBars(url=PUBLIC_URL)
    assert resource.bar_source(equities) == YahooBars()


def test_addresses_and_symbols_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field has its variable; symbols are separated by commas; one address stands in for all vendors."""
    settings = {
        "SOURCE": "live",
        "VENDORS_URL": "http://127.0.0.1:1/",
        "CRYPTO_SYMBOLS": "ETHUSDT, BTCUSDT",
        "EQUITY_SYMBOLS": "MSFT",
        "DATA__CACHE_FOLDER": "somewhere",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"ALPHA_PIPELINE_{name}", value)
    resource, (crypto, equities) = MarketDataResource.of(load_settings().data), configured_markets(load_settings())
    assert resource.bar_source(crypto).symbols(crypto) == ("BTCUSDT", "ETHUSDT")
    without_limits = resource.settings.without_limits
    assert resource.bar_source(crypto) == without_limits(BybitBars(("ETHUSDT", "BTCUSDT"), "http://127.0.0.1:1/bybit"))
    assert resource.bar_source(equities) == without_limits(
        YahooBars(("MSFT",), "http://127.0.0.1:1/yahoo", cache_folder="somewhere")
    )


def score(texts: Sequence[str]) -> list[float]:
    """No sentiment."""
    return [0.0] * len(texts)


@pytest.mark.parametrize(
    ("market", "kinds"),
    [
        (CRYPTO, {"adjustments": [], "funding": ["bybit funding"], "derivatives": ["bybit open interest"],
                  "onchain": ["coin_metrics", "defillama", "bitcoin_chain"], "news": ["rss", "gdelt"],
                  "social": ["hacker_news"]}),
        (EQUITIES, {"adjustments": ["yahoo adjustments"], "funding": [], "derivatives": [], "onchain": [],
                    "news": ["yahoo_news", "rss", "gdelt"], "social": ["hacker_news"]}),
    ],
)  # fmt: skip
def test_each_kind_of_facts_has_its_vendors_or_a_reason(market: Market, kinds: dict[str, list[str]]) -> None:
    """Live, without a key; what a market cannot have says why."""
    live = MarketDataResource(source="live")
    assert set(kinds) == set(FACTS)
    for kind, names in kinds.items():
        assert [source.name for source in live.sources(market, kind, score)] == names
        assert (live.missing_reason(market, kind) is None) == bool(names)
        reason = MarketDataResource().missing_reason(market, kind)
        assert reason and ("embedded" in reason or reason.startswith(("coins have no", "stocks have no")))
        assert MarketDataResource().sources(market, kind, score) == []


def test_chain_metrics_are_configuration() -> None:
    """Fields and the vendor's names for them, differences too; what is none is refused with what was found."""
    live = MarketDataResource(source="live", metrics="fees=FeeTotNtv, netflow=FlowInExNtv-FlowOutExNtv")
    source = next(source for source in live.sources(CRYPTO, "onchain", score) if isinstance(source, CoinMetrics))
    assert source.metrics == (Metric("fees", "FeeTotNtv"), Metric("netflow", "FlowInExNtv", "FlowOutExNtv"))
    with pytest.raises(SettingError, match="'SplyCur' is not a chain metric; expected field=Metric"):
        MarketDataResource(source="live", metrics="SplyCur").sources(CRYPTO, "onchain", score)


def test_a_key_adds_a_vendor_and_a_setting_leaves_one_out() -> None:
    """Reddit comes with its key, slow vendors go by name, a misspelt name is refused; no secret is shown."""
    keyed = MarketDataResource(source="live", reddit_id="me", reddit_secret="hidden", without="gdelt, coin_metrics")
    assert [source.name for source in keyed.sources(CRYPTO, "social", score)] == ["hacker_news", "reddit"]
    assert [source.name for source in keyed.sources(CRYPTO, "news", score)] == ["rss"]
    assert "hidden" not in repr(keyed.settings)
    with pytest.raises(SettingError, match=r"ALPHA_PIPELINE_DATA__WITHOUT names \['gdlet'\]"):
        MarketDataResource(source="live", without="gdlet").sources(CRYPTO, "news", score)


@pytest.mark.parametrize(("url", "lifted"), [("", False), ("http://127.0.0.1:1", True)])
def test_only_a_stand_in_has_no_rate_limit(url: str, lifted: bool) -> None:
    """Sources of vendors keep their rate limits and waits; those of a stand-in have none."""
    live = MarketDataResource(source="live", vendors_url=url, reddit_id="me")
    bar_sources = [live.bar_source(market) for market in (CRYPTO, EQUITIES)]
    sources = [
        source for market in (CRYPTO, EQUITIES) for kind in FACTS for source in live.sources(market, kind, score)
    ]
    assert len(sources) == 15
    for source in (*bar_sources, *sources):
        limits = [value for value in vars(source).values() if isinstance(value, (RateLimit, RetryPolicy))]
        assert len(limits) >= 2
        for limit in limits:
            assert (
                limit.disabled == lifted if isinstance(limit, RateLimit) else (limit.longest_wait_seconds < 1) == lifted
            )


@pytest.mark.parametrize(
    ("source", "market", "words"),
    [
        ("samples", CRYPTO, "ALPHA_PIPELINE_SOURCE is 'samples'; expected one of sample, live"),
    ],
)
def test_an_unknown_source_is_refused(source: str, market: Market, words: str) -> None:
    """A misspelt source is a typed error."""
    with pytest.raises(SettingError, match=words):
        choose_source(SourceSettings(source), market)


def test_a_run_gets_its_source_from_the_resource(stand_in: Callable[..., Any]) -> None:
    """Dagster builds the resource from its configuration; its source requests the configured address."""
    server = stand_in(lambda path, query: {"retCode": 10001, "retMsg": "nothing here", "result": {}})

    @dg.asset
    def listed(data: MarketDataResource) -> str:
        with pytest.raises(SourceError) as refusal:
            data.instruments(CRYPTO)
        return str(refusal.value)

    resource = MarketDataResource(source="live", vendors_url=server.url)
    result = dg.materialize([listed], resources={"data": resource})
    assert "nothing here" in result.output_for_node("listed")
    assert server.requests[0][0].startswith("/bybit/v5/market/instruments-info")
