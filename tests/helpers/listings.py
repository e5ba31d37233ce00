"""Symbols listed at a moment, for the tests of listing sources."""

import pandas as pd


def traded_at(listings: pd.DataFrame, moment: pd.Timestamp) -> tuple[str, ...]:
    """The symbols traded at a moment, sorted, by rows of `tables.LISTINGS` available by then."""
    last = listings[listings["available_at"] <= moment].sort_values("timestamp").groupby("symbol").tail(1)
    return tuple(sorted(last.loc[last["delisted_at"].isna(), "symbol"]))
