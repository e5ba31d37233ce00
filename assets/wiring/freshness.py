"""
By when a table must have been written: deadlines by the market's calendar, shown on the asset and in the UI.

They watch when a table was last written, not which day; which days are missing is the alert `stale_data`.
"""

from datetime import timedelta

import dagster as dg

from alpha_pipeline.market.markets import Market
from assets.wiring.partitions import LIVE

# Run dates begin within an hour after midnight UTC; six hours are as long as the joining waits for a late market.
DEADLINE = "0 7 * * *"
# No session ends on Saturday or Sunday, so nothing is due on Sunday and Monday. A holiday's empty tables are written.
SESSION_DEADLINE = "0 7 * * 2-6"
WITHIN = timedelta(hours=7)


def freshness(group: str, name: str, market: Market | None) -> dg.FreshnessPolicy | None:
    """
    The deadline of a table; None for one that nobody waits for, and for the embedded data, which end in 2019.

    Args:
        group: of the asset.
        name: of the table.
        market: whose; None for tables joined over markets, which are due every day.
    """
    awaited = (group == "raw" and name != "ohlcv_history") or name in ("fused_signal", "nightly_report")
    if not awaited or not LIVE:
        return None
    daily = market is None or market.calendar == "24/7"
    return dg.FreshnessPolicy.cron(deadline_cron=DEADLINE if daily else SESSION_DEADLINE, lower_bound_delta=WITHIN)
