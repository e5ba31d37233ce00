"""
Units of series: what may be added to what, and what comes out of a product.

Which operator follows which rule is said where the operator is declared.
"""

from dataclasses import dataclass
from fractions import Fraction

ZERO, ONE = Fraction(0), Fraction(1)
_NAMES = {(ONE, ZERO): "price", (ZERO, ONE): "volume", (ONE, ONE): "money"}


@dataclass(frozen=True)
class Unit:
    """
    Dimensions of a series, and the kind of a plain number.

    Args:
        price: power of the quote currency per unit.
        volume: power of the traded quantity.
        kind: for plain numbers "ratio", "return", "rank", "boolean" or "count"; "" otherwise.
    """

    price: Fraction
    volume: Fraction
    kind: str = ""

    @property
    def is_plain(self) -> bool:
        return self.price == 0 and self.volume == 0

    @property
    def is_comparable(self) -> bool:
        """
        Whether values of different symbols may be ranked and averaged: plain numbers, volume, money, and their powers.

        A price is quoted per share or coin, a unit each symbol has of its own; a split changes it, and so an adjusted
        price even knows the splits of its future. A ratio of prices, or a price times a volume, is free of that.
        """
        return self.price == 0 or self.price == self.volume

    def agrees(self, other: "Unit") -> bool:
        """Whether the two may be added and compared: equal dimensions, any kind."""
        return self.price == other.price and self.volume == other.volume

    def times(self, other: "Unit") -> "Unit":
        return _unit(self.price + other.price, self.volume + other.volume, self._joined(other))

    def over(self, other: "Unit") -> "Unit":
        return _unit(self.price - other.price, self.volume - other.volume, self._joined(other))

    def power(self, exponent: float) -> "Unit":
        factor = Fraction(exponent).limit_denominator(64)
        return _unit(self.price * factor, self.volume * factor, "ratio")

    def plus(self, other: "Unit") -> "Unit":
        return self if not self.is_plain else Unit(ZERO, ZERO, self._joined(other))

    def _joined(self, other: "Unit") -> str:
        """Kind of a plain result: what both share if arithmetic keeps it (returns, counts), else ratio."""
        return self.kind if self.kind == other.kind and self.kind in {"return", "count"} else "ratio"

    def __str__(self) -> str:
        if self.is_plain:
            return self.kind
        if (self.price, self.volume) in _NAMES:
            return _NAMES[self.price, self.volume]
        parts = [(n, p) for n, p in (("price", self.price), ("volume", self.volume)) if p]
        return " * ".join(name if power == 1 else f"{name}^{power}" for name, power in parts)


def _unit(price: Fraction, volume: Fraction, kind: str) -> Unit:
    return Unit(price, volume, kind if price == 0 and volume == 0 else "")


PRICE = Unit(ONE, ZERO)
VOLUME = Unit(ZERO, ONE)
MONEY = Unit(ONE, ONE)
RATIO = Unit(ZERO, ZERO, "ratio")
RETURN = Unit(ZERO, ZERO, "return")
RANK = Unit(ZERO, ZERO, "rank")
BOOLEAN = Unit(ZERO, ZERO, "boolean")
COUNT = Unit(ZERO, ZERO, "count")

_FIELDS = {
    PRICE: "open high low close vwap adj_close adjusted_close bid ask mark_price index_price open_price close_price",
    VOLUME: (
        "volume vol buy_volume sell_volume taker_buy_volume open_interest netflow supply whale_balance exchange_balance"
    ),
    MONEY: "amount quote_volume dollar_volume market_cap marketcap cap tvl stablecoin_supply",
    COUNT: "trades num_trades trade_count active_addresses transactions hash_rate news_count posts",
    RETURN: "returns",
}
_UNIT_OF_FIELD = {name: unit for unit, names in _FIELDS.items() for name in names.split()}


def unit_of_field(name: str) -> Unit:
    """Unit of a panel field by its name; others (funding, mvrv, fee_rate, sentiment, ...) are plain ratios."""
    return _UNIT_OF_FIELD.get(name, RATIO)
