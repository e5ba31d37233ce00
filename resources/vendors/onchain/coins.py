"""
Names of coins by vendor: one row per coin with its ids, chain and words in headlines.
"""

from dataclasses import dataclass

QUOTES = ("USDT", "USDC", "USD", "PERP")


@dataclass(frozen=True)
class Coin:
    """
    One coin.

    Args:
        base: its ticker, as in BTCUSDT.
        name: in headlines.
        coin_metrics: its id at Coin Metrics; empty when not covered.
        chain: its chain at DefiLlama; empty without one.
        words: further unambiguous words, lower case.
    """

    base: str
    name: str
    coin_metrics: str = ""
    chain: str = ""
    words: tuple[str, ...] = ()


COINS = {
    coin.base: coin
    for coin in (
        Coin("ADA", "Cardano", "ada", "Cardano"),
        Coin("APT", "Aptos", "", "Aptos"),
        Coin("ARB", "Arbitrum", "", "Arbitrum"),
        Coin("ATOM", "Cosmos", "", "CosmosHub", ("cosmos hub",)),
        Coin("AVAX", "Avalanche", "avaxc", "Avalanche"),
        Coin("BCH", "Bitcoin Cash", "bch", ""),
        Coin("BNB", "BNB", "bnb", "BSC", ("binance coin", "bnb chain")),
        Coin("BTC", "Bitcoin", "btc", "Bitcoin"),
        Coin("DOGE", "Dogecoin", "doge", ""),
        Coin("DOT", "Polkadot", "dot", "Polkadot"),
        Coin("EOS", "EOS", "eos", "EOS"),
        Coin("ETC", "Ethereum Classic", "etc", "EthereumClassic"),
        Coin("ETH", "Ethereum", "eth", "Ethereum", ("ether",)),
        Coin("FIL", "Filecoin", "", "Filecoin"),
        Coin("LINK", "Chainlink", "link", ""),
        Coin("LTC", "Litecoin", "ltc", "Litecoin"),
        Coin("NEAR", "NEAR Protocol", "", "Near"),
        Coin("SOL", "Solana", "sol", "Solana"),
        Coin("TRX", "Tron", "trx", "Tron"),
        Coin("UNI", "Uniswap", "uni", ""),
        Coin("XRP", "XRP", "xrp", "XRPL", ("ripple",)),
    )
}


def coin_of(symbol: str) -> Coin:
    """The coin behind a symbol such as BTCUSDT or 1000PEPEUSDT; an unlisted one has its ticker alone."""
    quote = next((quote for quote in QUOTES if symbol.endswith(quote) and symbol != quote), "")
    base = symbol.removesuffix(quote).lstrip("0123456789") or symbol
    return COINS.get(base, Coin(base, base))
