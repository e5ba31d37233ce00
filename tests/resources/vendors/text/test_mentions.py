"""Which symbols a text names."""

import pytest

from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.vendors.text.companies import COMPANIES
from alpha_pipeline.resources.vendors.text.mentions import names_of, symbols_in
from alpha_pipeline.resources.vendors.yahoo.bars import SYMBOLS

COINS = tuple(
    f"{base}USDT"
    for base in ("AVAX", "BCH", "BTC", "DOT", "ETC", "ETH", "LINK", "NEAR", "OP", "1000PEPE", "SOL", "XRP")
)
STOCKS = ("AAPL", "COST", "CRM", "GE", "GS", "JNJ", "JPM", "LOW", "MA", "MCD", "META", "MSFT", "V")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Airdrop drops: a solid link near the dot", ""),
        ("Solid-state, linking, nearly, dotted, bitcoins", ""),
        ("SOL and NEAR jump, LINK follows", "LINK NEAR SOL"),
        ("bitcoin and SOLANA rally", "BTC SOL"),
        ("Bitcoin Cash forks again", "BCH"),
        ("Bitcoin Cash leaves Bitcoin behind", "BCH BTC"),
        ("Ethereum Classic miners", "ETC"),
        ("Ethereum's fees; ether slides", "ETH"),
        ("Bitcoin SV delisted", ""),
        ("btc and sol in small letters are no tickers", ""),
        ("$btc and $link are", "BTC LINK"),
        ("$linked is not", ""),
        ("#BTC/ETH: BTC-backed loans", "BTC ETH"),
        ("BITCOIN NEAR RECORD HIGH, SAYS DOT PLOT", "BTC"),
        ("BTC ETF APPROVED", "BTC"),
        ("An avalanche of sales, a ripple of fear", ""),
        ("Avalanche and Ripple upgrade", "AVAX XRP"),
        ("Two letters say nothing: OP, but (OP) and $OP do", "OP"),
        ("Two letters say nothing: OP", ""),
        ("BTCUSDT perpetuals", "BTC"),
        ("$PEPE is known by its ticker", "1000PEPE"),
        ("", ""),
    ],
)
def test_coins_are_found_by_whole_words(text: str, found: str) -> None:
    """Names in any case, tickers in capitals or behind a dollar, nothing inside a word."""
    assert symbols_in(text, COINS, CRYPTO) == tuple(sorted(f"{base}USDT" for base in found.split()))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Apple and microsoft climb", "AAPL MSFT"),
        ("An apple a day, a visa for meta people", ""),
        ("PINEAPPLE futures", ""),
        ("McDonald\N{RIGHT SINGLE QUOTATION MARK}s raises prices", "MCD"),
        ("J&J and Johnson & Johnson are one", "JNJ"),
        ("Rocky V, MA in history", ""),
        ("Payments (NYSE: V) and (NASDAQ:COST) and $ma", "COST MA V"),
        ("Why CRM software fails", ""),
        ("THE LOW COST OF META TAGS", "META"),
        ("Visa Fees for students rise", ""),
        ("JPMorgan analysts doubt Apple", "AAPL"),
        ("JPMorgan and Goldman Sachs earn more", "GS JPM"),
        ("GE Aerospace lifts its outlook", "GE"),
    ],
)
def test_companies_are_found_by_names_and_clear_tickers(text: str, found: str) -> None:
    """Short tickers need a mark; ordinary words need a capital."""
    assert symbols_in(text, STOCKS, EQUITIES) == tuple(found.split())


def test_what_is_asked_does_not_change_whose_name_it_is() -> None:
    """Bitcoin Cash is not Bitcoin's news when only Bitcoin is asked for."""
    assert symbols_in("Bitcoin Cash forks", ["BTCUSDT"], CRYPTO) == ()


def test_every_pair_of_a_coin_is_named() -> None:
    """Two quotes of one coin share its news."""
    assert symbols_in("Bitcoin", ["BTCUSDC", "BTCUSDT", "BTCUSDT"], CRYPTO) == ("BTCUSDC", "BTCUSDT")


def test_every_default_company_has_its_words() -> None:
    """Each of the fifty default stocks is found by its usual name."""
    assert sorted(COMPANIES) == sorted(SYMBOLS)
    for symbol in SYMBOLS:
        assert symbols_in(names_of(symbol, EQUITIES)[0].title(), SYMBOLS, EQUITIES) == (symbol,), symbol


def test_an_unlisted_symbol_is_searched_by_its_ticker() -> None:
    """No name is invented for it."""
    assert names_of("WIFUSDT", CRYPTO) == ("wif",)
    assert names_of("BNBUSDT", CRYPTO) == ("bnb", "binance coin", "bnb chain")
