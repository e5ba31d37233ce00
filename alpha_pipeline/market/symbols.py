"""Which symbol a person means: case, separators and the name of the dollar are forgiven, and said."""

import difflib
import re
from collections.abc import Collection, Sequence

from alpha_pipeline.errors import SettingError

# Quotes that are worth a dollar; longer names first, so that the whole of it is taken off.
DOLLARS = ("USDT", "USDC", "BUSD", "USD")
SHOWN = 12


def find_symbol(text: str, known: Collection[str]) -> str:
    """
    The symbol of `known` that `text` names.

    Args:
        text: as written: `BTCUSDT`, `BTC/USDT`, `btc-usd`, `BTC`; `brk.b`.
        known: symbols there are.

    Raises:
        SettingError: none is meant, or several are; near names are suggested.
    """
    wanted = _bare(text)
    same = [symbol for symbol in known if _bare(symbol) == wanted]
    found = same or [symbol for symbol in known if wanted and _base(_bare(symbol)) == _base(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingError(f"symbol {text!r} may be {' or '.join(sorted(found))}; write one of them in full")
    near = difflib.get_close_matches(wanted, sorted(known), n=3, cutoff=0.6)
    hint = f"near are {', '.join(near)}; " if near else ""
    listed = ", ".join(sorted(known)[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    raise SettingError(f"unknown symbol {text!r}; {hint}there are {listed}")


def find_symbols(texts: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """What was written to the symbol that is meant, each symbol once, in order; SettingError as `find_symbol`."""
    found: dict[str, str] = {}
    for text in texts:
        symbol = find_symbol(text, known)
        if symbol not in found.values():
            found[text] = symbol
    return found


def _bare(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _base(bare: str) -> str:
    quote = next((quote for quote in DOLLARS if bare.endswith(quote) and bare != quote), "")
    return bare.removesuffix(quote)
