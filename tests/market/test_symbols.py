"""Symbols as people write them."""

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.symbols import find_symbol, find_symbols

KNOWN = ("AAPL", "BRK-B", "BTCUSD", "ETHUSD", "USDT")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BTCUSD", "BTCUSD"), ("BTCUSDT", "BTCUSD"), ("BTC/USDT", "BTCUSD"), ("btc-usd", "BTCUSD"), ("btc", "BTCUSD"),
        ("ETH_USDC", "ETHUSD"), ("aapl", "AAPL"), ("brk.b", "BRK-B"), ("usdt", "USDT"),
    ],
)  # fmt: skip
def test_spelling_is_forgiven(written: str, meant: str) -> None:
    """Case, separators, and which dollar it is quoted in."""
    assert find_symbol(written, KNOWN) == meant


def test_the_exact_name_goes_first() -> None:
    """A venue may have both."""
    assert find_symbol("BTCUSDT", ("BTCUSD", "BTCUSDT")) == "BTCUSDT"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("BTCEUR", "near are BTCUSD"), ("APL", "near are AAPL"), ("", "there are AAPL"), ("zzz", "there are AAPL"),
        ("BTC\x1b[31m", "unknown symbol 'BTC\\x1b[31m'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(written: str, said: str) -> None:
    """An euro is no dollar; near names are told."""
    with pytest.raises(SettingError) as error:
        find_symbol(written, KNOWN)
    assert said in str(error.value)


def test_two_of_a_kind_must_be_told_apart() -> None:
    """The base alone may mean several."""
    with pytest.raises(SettingError) as error:
        find_symbol("BTC", ("BTCUSD", "BTCUSDT"))
    assert "may be BTCUSD or BTCUSDT" in str(error.value)


def test_each_symbol_once() -> None:
    """Two spellings of one symbol are one."""
    assert find_symbols(["btc", "BTCUSDT", "eth"], KNOWN) == {"btc": "BTCUSD", "eth": "ETHUSD"}
