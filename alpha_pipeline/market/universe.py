"""What the dates of listings say about a universe: who traded when, and how much hindsight is in its choice."""

from collections.abc import Collection

import pandas as pd

UNDATED = "The universe has no listing dates: what was delisted is missing from it, which flatters every result."


def traded_at(listings: pd.DataFrame, moment: pd.Timestamp) -> tuple[str, ...]:
    """The symbols that traded at a moment, sorted, by rows of `tables.LISTINGS` known by then."""
    last = listings[listings["available_at"] <= moment].sort_values("timestamp").groupby("symbol").tail(1)
    return tuple(sorted(last.loc[last["delisted_at"].isna(), "symbol"]))


def hindsight(listings: pd.DataFrame, symbols: Collection[str]) -> str:
    """
    What a reader of any result must know about the choice of its symbols.

    Args:
        listings: rows of `tables.LISTINGS` known so far, those of other symbols too.
        symbols: the universe.

    Returns:
        One sentence: no dates at all, symbols without a date, a vendor that forgets what is delisted, or a universe of
        survivors chosen among many that are gone. Empty when there is nothing to warn of.
    """
    if listings.empty:
        return UNDATED
    undated = sorted(set(symbols) - set(listings["symbol"]))
    if undated:
        shown = ", ".join(undated[:5]) + (" ..." if len(undated) > 5 else "")
        return f"{len(undated)} of {len(symbols)} symbols have no listing date ({shown}). {UNDATED}"
    gone = set(listings.loc[listings["delisted_at"].notna(), "symbol"])
    if not gone:
        return f"The source knows of nobody that was delisted: its {len(symbols)} symbols are survivors. " + (
            "That flatters every result."
        )
    if not gone & set(symbols):
        return (
            f"None of the {len(symbols)} symbols was ever delisted, {len(gone)} others were: chosen with hindsight, "
            "they flatter results on days before they were chosen."
        )
    return ""
