"""
Coin Metrics: daily metrics as text, a page after the other, with the stamp at which a day was complete.

One metric is not in the free plan, flows exist for two coins, and a day can be revised.
"""

from typing import Any

import numpy as np
import pandas as pd

from .world import DAY, Answer, Question, World, days_between, level, seed

COINS = ("ada", "avaxc", "bch", "bnb", "btc", "doge", "dot", "etc", "eth", "link", "ltc", "sol", "trx", "uni", "xrp")
FORBIDDEN = "SplyAdrBal1in10K"
FLOWS = ("FlowInExNtv", "FlowOutExNtv", "SplyExNtv")
WITH_FLOWS = ("btc", "eth")
SIZES = {
    "FlowInExNtv": 5e4, "FlowOutExNtv": 5e4, "AdrActCnt": 9e5, "SplyCur": 19e6, "CapMVRVCur": 2.0, "SplyExNtv": 2e6,
}  # fmt: skip
COMPLETED = "AssetEODCompletionTime"
PER_PAGE = 40


def answer(world: World, question: Question) -> Answer:
    """A page of rows and where the next one is, or a refusal in the recorded shape."""
    query = question.query
    if question.path != "/v4/timeseries/asset-metrics":
        return 404, {"error": {"type": "not_found", "message": "no such path"}}
    names, coins = query["metrics"].split(","), query["assets"].split(",")
    if FORBIDDEN in names and "ignore_forbidden_errors" not in query:
        told = f"Requested metric '{FORBIDDEN}' with frequency '1d' is not available with supplied credentials."
        return 403, {"error": {"type": "forbidden", "message": told}}
    for coin in coins:
        if coin not in COINS:
            return 400, {"error": {"type": "bad_parameter", "message": f"Bad parameter 'assets': {coin}"}}
    days = days_between(query["start_time"], query["end_time"])
    rows = [row for coin in coins for day in days if (row := _row(world, coin, day, names))]
    at = int(query.get("next_page_token", 0))
    told_rows: dict[str, Any] = {"data": rows[at : at + PER_PAGE]}
    if at + PER_PAGE < len(rows):
        again = "&".join(f"{name}={value}" for name, value in query.items() if name != "next_page_token")
        told_rows["next_page_token"] = str(at + PER_PAGE)
        told_rows["next_page_url"] = f"https://elsewhere.invalid/v4/x?{again}&next_page_token={at + PER_PAGE}"
    return told_rows


def _row(world: World, coin: str, day: str, names: list[str]) -> dict[str, str] | None:
    """A coin's day; none before it is complete, three hours after its end."""
    number = pd.Timestamp(day).value // 10**9 // DAY
    complete = (number + 1) * DAY + 3 * 3600
    if complete > world.seconds:
        return None
    row = {"asset": coin, "time": f"{day}T00:00:00.000000000Z"}
    for name in names:
        if name == COMPLETED:
            row[name] = str(complete)
        elif name in SIZES and (coin in WITH_FLOWS or name not in FLOWS):
            value = level(seed("coinmetrics", coin, name), np.array([number]), SIZES[name], (29.0, 400.0))[0]
            row[name] = world.revised.get((coin, day, name), f"{value:.6f}")
    return row
