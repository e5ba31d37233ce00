"""Symbols by user input: case, separators and the dollar quote may differ."""

import difflib
import re
from collections.abc import Collection, Sequence

from alpha_pipeline.errors import SettingError

# Quote currencies equal to a dollar; longer names first, so that the longest suffix is removed.
DOLLARS = ("USDT", "USDC", "BUSD", "USD")
SHOWN = 12


def find_symbol(text: str, symbols: Collection[str]) -> str:
    """
    The symbol that `text` resolves to.

    Args:
        text: as written: `BTCUSDT`, `BTC/USDT`, `btc-usd`, `BTC`; `brk.b`.
        symbols: available symbols.

    Raises:
        SettingError: it resolves to none or several; close matches are suggested.
    """
    bare = _bare(text)
    exact = [symbol for symbol in symbols if _bare(symbol) == bare]
    matches = exact or [symbol for symbol in symbols if bare and _base(_bare(symbol)) == _base(bare)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise SettingError(f"symbol {text!r} may be {' or '.join(sorted(matches))}; write one of them in full")
    near = difflib.get_close_matches(bare, sorted(symbols), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    listed = ", ".join(sorted(symbols)[:SHOWN]) + (f" and {len(symbols) - SHOWN} more" if len(symbols) > SHOWN else "")
    raise SettingError(f"unknown symbol {text!r}; {hint}available are {listed}")


def find_symbols(texts: Sequence[str], symbols: Collection[str]) -> dict[str, str]:
    """Each text to its symbol, each symbol once, in order; SettingError as `find_symbol`."""
    resolved: dict[str, str] = {}
    for text in texts:
        symbol = find_symbol(text, symbols)
        if symbol not in resolved.values():
            resolved[text] = symbol
    return resolved


def _bare(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _base(bare: str) -> str:
    quote = next((quote for quote in DOLLARS if bare.endswith(quote) and bare != quote), "")
    return bare.removesuffix(quote)
