"""
Freshness policies: deadlines of tables by the market's calendar, shown in the UI.

They check when a table was last written, not which day; missing days are reported by the alert `stale_data`.
"""

from datetime import timedelta

import dagster as dg

from alpha_pipeline.assets.wiring.partitions import LIVE
from alpha_pipeline.market.markets import Market

# Nightly runs start within an hour after midnight UTC; the joined run waits up to six hours for a late market.
DEADLINE = "0 7 * * *"
# No session ends on Saturday or Sunday, so nothing is due on Sunday and Monday. On holidays empty tables are written.
SESSION_DEADLINE = "0 7 * * 2-6"
WITHIN = timedelta(hours=7)


def freshness_policy(layer: str, name: str, market: Market | None) -> dg.FreshnessPolicy | None:
    """
    Freshness policy of a table; None without a deadline, and for data without a vendor: embedded ones end in 2019,
    files grow when their owner adds to them.

    Args:
        layer: of the asset, as in `table_asset.LAYERS`.
        name: of the table.
        market: of the table; None for tables joined over markets, which are due every day.
    """
    has_deadline = (layer == "raw" and name != "ohlcv_history") or name in ("fused_signal", "nightly_report")
    if not has_deadline or (market.source != "live" if market else not LIVE):
        return None
    daily = market is None or market.calendar == "24/7"
    return dg.FreshnessPolicy.cron(deadline_cron=DEADLINE if daily else SESSION_DEADLINE, lower_bound_delta=WITHIN)
