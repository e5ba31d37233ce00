"""
Which symbols a text is about, by whole words: an airdrop is no drop, and near is not NEAR.

The names of coins and companies are in `coins` and `companies`; where the text comes from, in the doors of text.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from alpha_pipeline.market.markets import Market
from resources.vendors.onchain.coins import COINS, coin_of
from resources.vendors.text.companies import COMPANIES

# Names and tickers that are ordinary words as well. As a name such a word needs a capital ("an avalanche of sales");
# as a ticker it is not believed in a text that is all capitals ("BITCOIN NEAR RECORD").
ORDINARY = frozenset(
    {"avalanche", "cosmos", "ripple", "alphabet", "amazon", "apple", "caterpillar", "meta", "oracle", "visa", "intel"}
    | {"NEAR", "LINK", "DOT", "ATOM", "UNI", "SOL", "FIL", "CAT", "COST", "LOW", "META", "LIN", "DIS", "PEP"}
)
# Written in capitals for something else so often that the bare ticker says nothing; one or two letters never do.
MUTE = frozenset({"CRM"})
SHORTEST_TICKER = 3

# Others' names that begin with one of ours, and banks that judge others: read first, they mean none of our symbols.
OTHERS = (
    "bitcoin sv", "bitcoin gold", "ethereum name service", "merck kgaa", "visa ban", "visa bans", "visa fee",
    "visa fees", "visa rules", "visa holders", "student visa", "work visa", "h-1b visa", "ripple effect",
    "ripple effects", "amazon rainforest", "apple pie", "bofa on",
    *(f"{bank} {judge}" for bank in ("jpmorgan", "jp morgan", "j.p. morgan", "goldman", "goldman sachs", "bofa")
      for judge in ("analyst", "analysts", "strategist", "strategists")),
)  # fmt: skip


def symbols_in(text: str, symbols: Sequence[str], market: Market) -> tuple[str, ...]:
    """
    The symbols of `symbols` that a text names, sorted, once each.

    A name counts in any case, an ordinary word only with a capital; the longest name wins, so "Bitcoin Cash" is no
    Bitcoin. A ticker counts in capitals, or in any case behind a `$`; one that is short, or means something else, needs
    the `$`, parentheses or its exchange ("NYSE: V"). The symbol itself ("BTCUSDT") counts in capitals.

    Args:
        text: plain text, as `headlines.plain` makes it.
        symbols: tickers, or pairs such as BTCUSDT.
        market: "crypto" finds coins, every other kind of market companies.
    """
    coins = market.asset_type == "crypto"
    said = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    found = _named(said, coins) | _ticked(said, coins, frozenset(ticker(symbol, market) for symbol in symbols))
    pairs = set(re.findall(r"(?<!\w)[A-Z0-9]{5,30}(?!\w)", said))
    return tuple(sorted({symbol for symbol in symbols if ticker(symbol, market) in found or symbol in pairs}))


def ticker(symbol: str, market: Market) -> str:
    """What a text would call the symbol: the base of a pair, the symbol itself for stocks."""
    return coin_of(symbol).base if market.asset_type == "crypto" else symbol


def names_of(symbol: str, market: Market) -> tuple[str, ...]:
    """Names to search for, lower case, the usual one first; the ticker alone for what is not listed."""
    base = ticker(symbol, market)
    return _names(market.asset_type == "crypto").get(base, (base.lower(),))


@lru_cache(maxsize=2)
def _names(coins: bool) -> dict[str, tuple[str, ...]]:
    if coins:
        return {base: (coin.name.lower(), *coin.words) for base, coin in COINS.items()}
    return {base: company.names for base, company in COMPANIES.items()}


@lru_cache(maxsize=2)
def _name_pattern(coins: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    """One pattern of every name, longest first, and whose name it is; "" for a name of others."""
    owner = dict.fromkeys(OTHERS, "") | {name: base for base, names in _names(coins).items() for name in names}
    longest_first = sorted(owner, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE), owner


def _named(text: str, coins: bool) -> set[str]:
    pattern, owner = _name_pattern(coins)
    hits = [hit.group() for hit in pattern.finditer(text)]
    return {owner[hit.lower()] for hit in hits if hit.lower() not in ORDINARY or hit[0].isupper()} - {""}


@lru_cache(maxsize=16)
def _ticker_pattern(tickers: frozenset[str]) -> re.Pattern[str]:
    one = "|".join(re.escape(name) for name in sorted(tickers, key=lambda name: (-len(name), name)))
    marked = rf"\$(?P<dollar>(?i:{one}))(?!\w)"
    placed = rf"(?:\(|\b(?:NYSE|NASDAQ|Nasdaq)\s?:\s?)(?P<placed>{one})(?!\w)"
    return re.compile(rf"(?<!\w)(?:{marked}|{placed}|(?P<bare>{one})(?!\w))")


def _ticked(text: str, coins: bool, tickers: frozenset[str]) -> set[str]:
    shouted = not any(letter.islower() for letter in text)
    listed = _names(coins)
    found = set()
    for hit in _ticker_pattern(tickers).finditer(text):
        bare = hit["bare"]
        told = len(bare) >= SHORTEST_TICKER and bare not in MUTE if bare else True
        if bare and shouted and (bare in ORDINARY or bare not in listed):
            told = False
        if told:
            found.add((hit["dollar"] or hit["placed"] or bare).upper())
    return found
