"""
Fields of chain metrics with their units and meanings, for documents and prompts.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class OnchainField:
    """
    One column of `raw_onchain`.

    Args:
        name: the column.
        source: name of the source that fills it.
        unit: of its values.
        meaning: one line.
    """

    name: str
    source: str
    unit: str
    meaning: str


ONCHAIN_FIELDS = {
    field.name: field
    for field in (
        OnchainField(
            "netflow",
            "coin_metrics",
            "units of the symbol",
            "inflow to exchanges minus outflow in the day; positive means potential selling",
        ),
        OnchainField(
            "active_addresses", "coin_metrics", "addresses", "distinct addresses that sent or received in the day"
        ),
        OnchainField("supply", "coin_metrics", "units of the symbol", "units in existence at the end of the day"),
        OnchainField(
            "mvrv", "coin_metrics", "ratio", "market value over realised value, each coin at the price it last moved at"
        ),
        OnchainField(
            "whale_balance",
            "coin_metrics",
            "units of the symbol",
            "held by addresses that own at least 1/10,000 of the supply, exchanges and contracts among them",
        ),
        OnchainField(
            "exchange_balance", "coin_metrics", "units of the symbol", "held by addresses known to be of exchanges"
        ),
        OnchainField(
            "tvl", "defillama", "USD", "value locked in the applications of the symbol's own chain; moves with prices"
        ),
        OnchainField(
            "stablecoin_supply",
            "defillama",
            "USD",
            "dollar-pegged coins in circulation on all chains; one number for the market, the same for every symbol",
        ),
        OnchainField("transactions", "bitcoin_chain", "transactions", "confirmed in the day; bitcoin only"),
        OnchainField(
            "hash_rate", "bitcoin_chain", "TH/s", "estimated work of the miners over the day; bitcoin only"
        ),
        OnchainField(
            "fee_rate",
            "bitcoin_chain",
            "satoshi per virtual byte",
            "median fee of a block, averaged over the day's blocks, whole numbers; bitcoin only",
        ),
    )
}  # fmt: skip
