"""Units of fields: what may be added to what, for the columns that doors fill."""

import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import parse
from alpha_pipeline.operators import unit_of_field
from alpha_pipeline.resources.vendors.onchain.fields import ONCHAIN_FIELDS

UNITS = {
    "netflow": "volume", "supply": "volume", "whale_balance": "volume", "exchange_balance": "volume",
    "open_interest": "volume", "tvl": "money", "stablecoin_supply": "money", "active_addresses": "count",
    "transactions": "count", "hash_rate": "count", "mvrv": "ratio", "fee_rate": "ratio", "book_imbalance": "ratio",
    "funding": "ratio",
}  # fmt: skip
SPOKEN = {"volume": "units of the symbol", "money": "USD"}


@pytest.mark.parametrize(("field", "unit"), UNITS.items())
def test_each_fact_has_its_unit(field: str, unit: str) -> None:
    """Amounts of a coin are volumes, dollars are money, heads and hashes are counts, quotients are ratios."""
    assert str(unit_of_field(field)) == unit


@pytest.mark.parametrize("field", ONCHAIN_FIELDS)
def test_every_chain_metric_is_placed(field: str) -> None:
    """The unit an expression sees and the unit a document tells are one."""
    told = ONCHAIN_FIELDS[field].unit
    assert field in UNITS and SPOKEN.get(UNITS[field], told) == told


@pytest.mark.parametrize(
    "expression",
    [
        "netflow / supply",
        "netflow - delta(whale_balance, 7d)",
        "open_interest / ts_mean(volume, 30d)",
        "tvl / (close * supply)",
        "log_return(tvl, 14d) - log_return(close, 14d)",
        "rank(tvl + stablecoin_supply)",
        "rank(active_addresses / transactions)",
        "mvrv * book_imbalance",
    ],
)
def test_facts_meet_what_they_are_like(expression: str) -> None:
    """Flows meet supplies and volumes, dollars meet dollars."""
    fields = ["close", "volume", *UNITS]
    assert parse(expression, fields=fields)


@pytest.mark.parametrize("expression", ["netflow + close", "tvl - supply", "mvrv + whale_balance"])
def test_facts_do_not_meet_what_they_are_not(expression: str) -> None:
    """Coins are not dollars, and a quotient is neither."""
    with pytest.raises(ExpressionError) as caught:
        parse(expression, fields=["close", "volume", *UNITS])
    assert caught.value.kind == "type"
