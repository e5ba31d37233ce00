"""
Listings as dated rows, so that the universe of a past day is what traded then and not what is left today.

Where a vendor keeps its dates is its door's business.
"""

import pandas as pd

from alpha_pipeline import tables


def listing_rows(instruments: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """
    One row when an instrument is listed, a second when it is delisted.

    Each row says only what was known at its stamp: that of the listing has no end. The step of the price and the
    interval of funding are those of today, for vendors keep no others.

    Args:
        instruments: symbol, listed_at and delisted_at (UTC; NaT while it trades), status, base, quote,
            funding_interval_minutes, tick_size; one row per listing.
        now: listings and delistings later than this are announced and have not happened; they give no row.

    Returns:
        Columns of `tables.LISTINGS`, sorted by its keys.
    """
    moments = instruments.astype({"listed_at": tables.MOMENT, "delisted_at": tables.MOMENT})
    listed = moments[moments["listed_at"] <= now]
    never = pd.Series(pd.NaT, index=listed.index, dtype=tables.MOMENT)
    begun = listed.assign(timestamp=listed["listed_at"], delisted_at=never, status="Trading")
    ended = listed[listed["delisted_at"] <= now]
    ended = ended.assign(timestamp=ended["delisted_at"])
    rows = pd.concat([begun, ended], ignore_index=True)
    known = rows.assign(available_at=rows["timestamp"])[[column.name for column in tables.LISTINGS.columns]]
    return known.sort_values(list(tables.LISTINGS.keys), ignore_index=True)
