"""The vocabulary as tables: what the registry says, and what one missing value does, found by trying."""

import numpy as np
from markdown_parts import code, table, words

from alpha_pipeline.expressions import evaluate, lookback, parse, walk
from alpha_pipeline.expressions.node import Node
from alpha_pipeline.market.fields import PER_SESSION, SENTIMENT
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.operators import Operator, operators, unit_of_field
from alpha_pipeline.resources.vendors.onchain.fields import ONCHAIN_FIELDS
from alpha_pipeline.tables import TABLES
from alpha_pipeline.typing import Array

BARS, SYMBOLS, HOLE = 400, 6, 200
RAW = ("raw_ohlcv", "raw_adjustments", "raw_funding", "raw_derivatives")
PLAIN = ("open", "high", "low", "close", "volume", *PER_SESSION, "funding", "open_interest", "book_imbalance")
STAND_INS = {"price": "close", "return": "returns", "ratio": "funding", "rank": "funding", "count": "trades"}
FIELDS = ("open", "high", "low", "close", "volume", "funding", "sector", "returns", "trades")
HEAD = ("call and example", "meaning", "unit", "older bars", "one missing bar gives")


def operators_by_group(_: str) -> str:
    """One heading and one table a group, in the order of the registry."""
    groups: dict[str, list[Operator]] = {}
    for operator in operators().values():
        groups.setdefault(operator.group, []).append(operator)
    whole, holed = _panel(), _panel(hole=True)
    return "\n".join(
        f"## {group.capitalize()}\n\n" + table(HEAD, [_row(one, whole, holed) for one in members])
        for group, members in groups.items()
    )


def fields(_: str) -> str:
    """The fields with their units, from the rule that the parser uses, and what their tables say of them."""
    found = {c.name: c.meaning for name in RAW for c in TABLES[name].columns if c.name in PLAIN}
    found |= {
        sentiment: f"mean sentiment of what became known in the 24 hours before the close: {name}"
        for name, (sentiment, _) in SENTIMENT.items()
    }
    found |= {count: f"how much of it: {name}" for name, (_, count) in SENTIMENT.items()}
    found |= {field.name: f"{field.meaning} ({field.unit})" for field in ONCHAIN_FIELDS.values()}
    return table(("field", "unit", "meaning"), [(code(n), str(unit_of_field(n)), words(m)) for n, m in found.items()])


def _row(one: Operator, whole: Panel, holed: Panel) -> tuple[str, ...]:
    called = "<br>".join(map(code, dict.fromkeys([one.symbol or one.signature(), one.example])))
    also = f"<br>Also {', '.join(map(code, one.aliases))}." if one.aliases else ""
    node = _alone(one)
    unit = one.returns if one.formula is None else str(node.unit)
    return called, words(one.doc) + also, unit, _lookback(node), _damage(node, whole, holed)


def _alone(one: Operator) -> Node:
    """The example, with the arguments that look back themselves replaced by fields of their unit."""
    node = parse(one.example, fields=FIELDS)
    if one.formula or node.operator != one.name or not any(a.lookback for a in node.arguments):
        return node
    series = [STAND_INS.get(str(a.unit), str(a)) if a.lookback else str(a) for a in node.arguments]
    return parse(f"{one.name}({', '.join([*series, *(f'{p:g}' for p in node.parameters)])})", fields=FIELDS)


def _lookback(node: Node) -> str:
    fading = any(operators()[n.operator].recursive for n in walk(node) if n.arguments)
    bars = lookback(node)
    return f"{bars:,}{', fading' if fading else ''}" if bars else "none"


def _damage(node: Node, whole: Panel, holed: Panel) -> str:
    """What is lost when every field of one symbol lacks one bar; found by evaluating."""
    lost = np.isnan(_values(node, holed)) & ~np.isnan(_values(node, whole))
    bars, others = int(lost[:, 0].sum()), bool(lost[:, 1:].any())
    if not bars:
        return "a value all the same"
    told = "no value at that bar" if bars == 1 else f"no value for {bars} bars"
    if bars >= BARS - HOLE:
        told = "no value from there on"
    return told + (", other symbols too" if others else "")


def _values(node: Node, panel: Panel) -> Array:
    return next(evaluate([node], panel, 1))[1]


def _panel(hole: bool = False) -> Panel:
    """Seeded prices, volume and facts; with a hole of one bar in every field of the first symbol."""
    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, SYMBOLS)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.004, close.shape))
    found = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.003,
        "low": np.minimum(opened, close) * 0.997,
        "close": close,
        "volume": rng.lognormal(3, 1, close.shape),
        "funding": rng.normal(0, 1e-4, close.shape),
        "returns": rng.normal(0, 0.01, close.shape),
        "trades": rng.integers(1, 100, close.shape).astype(float),
        "sector": np.tile(np.arange(SYMBOLS) % 2.0, (BARS, 1)),
    }
    if hole:
        for values in found.values():
            values[HOLE, 0] = np.nan
    return Panel(np.arange(BARS).astype("datetime64[us]"), tuple("abcdef"[:SYMBOLS]), found)
