"""
Listings as dated rows, so that the universe of a past day is what traded then, not what is left today.
"""

import pandas as pd

from alpha_pipeline import tables


def listing_rows(instruments: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """
    One row when an instrument is listed, a second one when it is delisted.

    Each row holds only what was known at its stamp: the row of the listing has no end. Tick size and funding interval
    are those of today, since vendors keep no earlier ones.

    Args:
        instruments: symbol, listed_at and delisted_at (UTC; NaT while it trades), status, base, quote,
            funding_interval_minutes, tick_size; one row per listing.
        now: later listings and delistings are announced only; they give no row.

    Returns:
        Columns of `tables.LISTINGS`, sorted by its keys.
    """
    dated = instruments.astype({"listed_at": tables.MOMENT, "delisted_at": tables.MOMENT})
    listed = dated[dated["listed_at"] <= now]
    no_end = pd.Series(pd.NaT, index=listed.index, dtype=tables.MOMENT)
    starts = listed.assign(timestamp=listed["listed_at"], delisted_at=no_end, status="Trading")
    ends = listed[listed["delisted_at"] <= now]
    ends = ends.assign(timestamp=ends["delisted_at"])
    rows = pd.concat([starts, ends], ignore_index=True)
    rows = rows.assign(available_at=rows["timestamp"])[[column.name for column in tables.LISTINGS.columns]]
    return rows.sort_values(list(tables.LISTINGS.keys), ignore_index=True)
