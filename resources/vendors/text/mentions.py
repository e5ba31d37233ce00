"""
Matching of texts to symbols by complete words: "airdrop" does not match "drop", nor "near" NEAR.

Names of coins and companies are in `coins` and `companies`.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.vendors.onchain.coins import COINS, coin_of
from alpha_pipeline.resources.vendors.text.companies import COMPANIES

# Names and tickers that are ordinary words too. Such a name needs a capital ("an avalanche of sales" has none); such a
# ticker does not match in a text of capitals only ("BITCOIN NEAR RECORD").
ORDINARY = frozenset(
    {"avalanche", "cosmos", "ripple", "alphabet", "amazon", "apple", "caterpillar", "meta", "oracle", "visa", "intel"}
    | {"NEAR", "LINK", "DOT", "ATOM", "UNI", "SOL", "FIL", "CAT", "COST", "LOW", "META", "LIN", "DIS", "PEP"}
)
# Acronyms of other things; the bare ticker does not match.
AMBIGUOUS = frozenset({"CRM"})
SHORTEST_TICKER = 3

# Other names that begin with one of a symbol, and banks as analysts of others: matched first, they mean no symbol.
OTHERS = (
    "bitcoin sv", "bitcoin gold", "ethereum name service", "merck kgaa", "visa ban", "visa bans", "visa fee",
    "visa fees", "visa rules", "visa holders", "student visa", "work visa", "h-1b visa", "ripple effect",
    "ripple effects", "amazon rainforest", "apple pie", "bofa on",
    *(f"{bank} {analyst}" for bank in ("jpmorgan", "jp morgan", "j.p. morgan", "goldman", "goldman sachs", "bofa")
      for analyst in ("analyst", "analysts", "strategist", "strategists")),
)  # fmt: skip


def symbols_in(text: str, symbols: Sequence[str], market: Market) -> tuple[str, ...]:
    """
    The symbols that a text names, sorted, each once.

    A name matches in any case, an ordinary word only with a capital; the longest name wins, so "Bitcoin Cash" is not
    Bitcoin. A ticker matches in capitals, or in any case after a `$`; a short or ambiguous one needs the `$`,
    parentheses or its exchange ("NYSE: V"). The symbol itself ("BTCUSDT") matches in capitals.

    Args:
        text: plain text, as of `headlines.plain_text`.
        symbols: tickers, or pairs such as BTCUSDT.
        market: coins for asset type "crypto", else companies.
    """
    coins = market.asset_type == "crypto"
    clean = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    tickers = _named(clean, coins) | _ticked(clean, coins, frozenset(ticker(symbol, market) for symbol in symbols))
    pairs = set(re.findall(r"(?<!\w)[A-Z0-9]{5,30}(?!\w)", clean))
    return tuple(sorted({symbol for symbol in symbols if ticker(symbol, market) in tickers or symbol in pairs}))


def ticker(symbol: str, market: Market) -> str:
    """The base of a pair; the symbol itself for stocks."""
    return coin_of(symbol).base if market.asset_type == "crypto" else symbol


def names_of(symbol: str, market: Market) -> tuple[str, ...]:
    """Names to search for, lower case, the usual one first; the ticker alone for symbols without a listed name."""
    base = ticker(symbol, market)
    return _names(market.asset_type == "crypto").get(base, (base.lower(),))


@lru_cache(maxsize=2)
def _names(coins: bool) -> dict[str, tuple[str, ...]]:
    if coins:
        return {base: (coin.name.lower(), *coin.words) for base, coin in COINS.items()}
    return {base: company.names for base, company in COMPANIES.items()}


@lru_cache(maxsize=2)
def _name_pattern(coins: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    """One pattern of every name, longest first, and the ticker of each name; "" for names of others."""
    owner = dict.fromkeys(OTHERS, "") | {name: base for base, names in _names(coins).items() for name in names}
    longest_first = sorted(owner, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE), owner


def _named(text: str, coins: bool) -> set[str]:
    pattern, owner = _name_pattern(coins)
    hits = [hit.group() for hit in pattern.finditer(text)]
    return {owner[hit.lower()] for hit in hits if hit.lower() not in ORDINARY or hit[0].isupper()} - {""}


@lru_cache(maxsize=16)
def _ticker_pattern(tickers: frozenset[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(name) for name in sorted(tickers, key=lambda name: (-len(name), name)))
    marked = rf"\$(?P<dollar>(?i:{alternatives}))(?!\w)"
    placed = rf"(?:\(|\b(?:NYSE|NASDAQ|Nasdaq)\s?:\s?)(?P<placed>{alternatives})(?!\w)"
    return re.compile(rf"(?<!\w)(?:{marked}|{placed}|(?P<bare>{alternatives})(?!\w))")


def _ticked(text: str, coins: bool, tickers: frozenset[str]) -> set[str]:
    capitals_only = not any(letter.islower() for letter in text)
    listed = _names(coins)
    matches = set()
    for hit in _ticker_pattern(tickers).finditer(text):
        bare = hit["bare"]
        is_match = len(bare) >= SHORTEST_TICKER and bare not in AMBIGUOUS if bare else True
        if bare and capitals_only and (bare in ORDINARY or bare not in listed):
            is_match = False
        if is_match:
            matches.add((hit["dollar"] or hit["placed"] or bare).upper())
    return matches
