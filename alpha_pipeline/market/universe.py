"""Survivorship bias of a universe, by the listing dates of its symbols."""

from collections.abc import Collection

import pandas as pd

UNDATED = "The universe has no listing dates and no delisted symbols: results are biased upwards (survivorship)."


def survivorship_warning(listings: pd.DataFrame, symbols: Collection[str]) -> str:
    """
    Warning about survivorship bias in the choice of symbols.

    Args:
        listings: rows of `tables.LISTINGS` available so far, of other symbols too.
        symbols: the universe.

    Returns:
        A warning: no listing dates, symbols without one, a source without delisted symbols, or a universe without any
        of the delisted ones. Empty without a warning.
    """
    if listings.empty:
        return UNDATED
    undated = sorted(set(symbols) - set(listings["symbol"]))
    if undated:
        shown = ", ".join(undated[:5]) + (" ..." if len(undated) > 5 else "")
        return f"{len(undated)} of {len(symbols)} symbols have no listing date ({shown}). {UNDATED}"
    delisted = set(listings.loc[listings["delisted_at"].notna(), "symbol"])
    if not delisted:
        return (
            f"The source lists no delisted symbol: its {len(symbols)} symbols are survivors, "
            "so results are biased upwards."
        )
    if not delisted & set(symbols):
        return (
            f"None of the {len(symbols)} symbols was delisted, {len(delisted)} others were: the universe was chosen "
            "with hindsight, so results before its choice are biased upwards (survivorship)."
        )
    return ""
