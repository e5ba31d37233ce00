"""
Daily series that come whole: DefiLlama's value locked and stablecoins, blockchain.info's charts, mempool.space's fees.

Each goes from 2020 to the day that is not over.
"""

import numpy as np
import pandas as pd

from .world import DAY, Answer, Question, World, level, seed

FIRST = 18_262  # 2020-01-01
PERIODS = (31.0, 370.0)
CHARTS = {"/charts/n-transactions": 350_000.0, "/charts/hash-rate": 6e8}


def llama(world: World, question: Question) -> Answer:
    """Value locked on a chain."""
    chain = question.path.removeprefix("/v2/historicalChainTvl/")
    if chain == question.path:
        return 404, {"message": "no such path"}
    return [{"date": day * DAY, "tvl": value} for day, value in _series(world, "llama", chain, 5e9)]


def stablecoins(world: World, question: Question) -> Answer:
    """Dollars in circulation; the stamp is text here."""
    if question.path != "/stablecoincharts/all":
        return 404, {"message": "no such path"}
    return [
        {"date": str(day * DAY), "totalCirculatingUSD": {"peggedUSD": value, "peggedEUR": value / 300}}
        for day, value in _series(world, "stablecoins", "all", 2e11)
    ]


def blockchain(world: World, question: Question) -> Answer:
    """Days from `start` on, as many as `timespan` says and one more."""
    if question.path not in CHARTS:
        return 404, {"status": "not-found"}
    first = pd.Timestamp(question.query["start"]).value // 10**9 // DAY
    length = int(question.query["timespan"].removesuffix("days"))
    rows = _series(world, "blockchain", question.path, CHARTS[question.path])
    values = [{"x": day * DAY, "y": value} for day, value in rows if first <= day <= first + length]
    return {"status": "ok", "name": "chart", "unit": "", "period": "day", "values": values}


def mempool(world: World, question: Question) -> Answer:
    """One point a day, stamped at the mean of its blocks."""
    if question.path != "/api/v1/mining/blocks/fee-rates/all":
        return 404, "no such path"
    return [
        {"avgHeight": 144 * day, "timestamp": day * DAY + 43_000 + day % 7, "avgFee_0": 1, "avgFee_50": value}
        for day, value in _series(world, "mempool", "fees", 12.0)
    ]


def _series(world: World, vendor: str, name: str, size: float) -> list[tuple[int, float]]:
    days = np.arange(FIRST, world.seconds // DAY + 1)
    values = np.round(level(seed(vendor, name), days, size, PERIODS), 2)
    return list(zip(days.tolist(), values.tolist(), strict=True))
