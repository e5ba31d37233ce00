"""Symbols resolved from user input."""

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.symbols import find_symbol, find_symbols

KNOWN = ("AAPL", "BRK-B", "BTCUSD", "ETHUSD", "USDT")


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("BTCUSD", "BTCUSD"), ("BTCUSDT", "BTCUSD"), ("BTC/USDT", "BTCUSD"), ("btc-usd", "BTCUSD"), ("btc", "BTCUSD"),
        ("ETH_USDC", "ETHUSD"), ("aapl", "AAPL"), ("brk.b", "BRK-B"), ("usdt", "USDT"),
    ],
)  # fmt: skip
def test_spellings_are_resolved(written: str, symbol: str) -> None:
    """Case, separators and the dollar quote may differ."""
    assert find_symbol(written, KNOWN) == symbol


def test_the_exact_name_has_priority() -> None:
    """Where both symbols exist."""
    assert find_symbol("BTCUSDT", ("BTCUSD", "BTCUSDT")) == "BTCUSDT"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("BTCEUR", "did you mean BTCUSD"), ("APL", "did you mean AAPL"), ("", "available are AAPL"),
        ("zzz", "available are AAPL"),
        ("BTC\x1b[31m", "unknown symbol 'BTC\\x1b[31m'"),
    ],
)  # fmt: skip
def test_an_unknown_symbol_is_refused(written: str, message: str) -> None:
    """With close matches."""
    with pytest.raises(SettingError) as error:
        find_symbol(written, KNOWN)
    assert message in str(error.value)


def test_an_ambiguous_symbol_is_refused() -> None:
    """A base currency of several symbols."""
    with pytest.raises(SettingError) as error:
        find_symbol("BTC", ("BTCUSD", "BTCUSDT"))
    assert "may be BTCUSD or BTCUSDT" in str(error.value)


def test_each_symbol_once() -> None:
    """Two spellings of one symbol are one entry."""
    assert find_symbols(["btc", "BTCUSDT", "eth"], KNOWN) == {"btc": "BTCUSD", "eth": "ETHUSD"}
