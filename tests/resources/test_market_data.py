"""The choice of a door by setting, and the resource Dagster configures."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market import CRYPTO, EQUITIES, Market
from resources.bybit import PUBLIC_URL, BybitDoor
from resources.door import FACTS, MarketData
from resources.market_data import DoorSettings, MarketDataResource, choose
from resources.sample import SampleDoor
from resources.yahoo import YahooDoor


def test_the_default_is_the_embedded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set: offline."""
    monkeypatch.delenv("ALPHA_PIPELINE_SOURCE", raising=False)
    assert MarketDataResource.from_environment().door(CRYPTO) == SampleDoor()


def test_live_is_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ALPHA_PIPELINE_SOURCE=live` opens the exchange for coins and the quotes for stocks."""
    monkeypatch.setenv("ALPHA_PIPELINE_SOURCE", "live")
    resource = MarketDataResource.from_environment()
    assert resource.door(CRYPTO) == BybitDoor(url=PUBLIC_URL)
    assert resource.door(EQUITIES) == YahooDoor()


def test_addresses_and_symbols_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field has its variable; symbols are separated by commas."""
    settings = {
        "SOURCE": "live",
        "BYBIT_URL": "http://127.0.0.1:1",
        "YAHOO_URL": "http://127.0.0.1:2",
        "CRYPTO_SYMBOLS": "ETHUSDT, BTCUSDT",
        "EQUITY_SYMBOLS": "MSFT",
        "CACHE_FOLDER": "somewhere",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"ALPHA_PIPELINE_{name}", value)
    resource = MarketDataResource.from_environment()
    assert resource.door(CRYPTO) == BybitDoor(("ETHUSDT", "BTCUSDT"), "http://127.0.0.1:1")
    assert resource.door(CRYPTO).symbols(CRYPTO) == ("BTCUSDT", "ETHUSDT")
    assert resource.door(EQUITIES) == YahooDoor(("MSFT",), "http://127.0.0.1:2", cache_folder="somewhere")


@pytest.mark.parametrize(
    ("source", "market", "words"),
    [
        ("samples", CRYPTO, "ALPHA_PIPELINE_SOURCE is 'samples'; expected one of sample, live"),
        ("live", Market("forex", "forex", "1h", "24/7", 8760.0, 24, 1.0, 1.0), "no live door serves market 'forex'"),
    ],
)
def test_a_door_that_does_not_exist_is_refused(source: str, market: Market, words: str) -> None:
    """Misspelt sources and markets without a vendor are typed errors."""
    with pytest.raises(SettingError, match=words):
        choose(DoorSettings(source), market)


def test_a_run_gets_its_door_from_the_resource(stand_in: Callable[..., Any]) -> None:
    """Dagster builds the resource from its configuration, and the door it gives goes to the configured address."""
    server = stand_in(lambda path, query: {"retCode": 10001, "retMsg": "nothing here", "result": {}})

    @dg.asset
    def facts(data: MarketDataResource) -> list[str]:
        door: MarketData = data.door(CRYPTO)
        return [source for source in FACTS if door.missing_reason(source) is None]

    resource = MarketDataResource(source="live", bybit_url=server.url)
    result = dg.materialize([facts], resources={"data": resource})
    assert result.output_for_node("facts") == ["funding"]
