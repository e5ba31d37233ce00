"""
Every field of chain metrics: its unit and what it means, for documents and prompts.

Which of a vendor's metrics fills a field is said in that vendor's door; how units combine, in `operators/units.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class OnchainField:
    """
    One column of `raw_onchain`.

    Args:
        name: the column.
        source: the name of the door that fills it.
        unit: of its values.
        meaning: one line, for a reader who never saw the vendor.
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
            "inflow to exchanges minus outflow in the day; positive: coins moved to where they are sold",
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


def fields_of_sources(*sources: str) -> tuple[OnchainField, ...]:
    """The fields of these doors, of all without a name; in the order above."""
    return tuple(field for field in ONCHAIN_FIELDS.values() if not sources or field.source in sources)
