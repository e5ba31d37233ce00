"""
What all vendors have in common: the clock, ordered revisions, and numbers that follow from what they are of.

Shapes of answers are each vendor's own file.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

HOUR_MS, DAY = 3_600_000, 86_400
TOPICS = {
    "Bitcoin": "BTC", "Ethereum": "ETH", "Solana": "SOL", "Apple": "AAPL", "Microsoft": "MSFT", "Nvidia": "NVDA",
}  # fmt: skip
MOODS = (
    "surges to a record on strong demand", "plunges after a lawsuit and heavy losses", "holds steady before the report",
    "rallies as profits beat expectations", "falls on fears of fraud",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One request below a vendor's folder: its path, its query and what was posted."""

    path: str
    query: dict[str, str]
    posted: bytes = b""

    def json(self) -> Any:
        """What was posted, as JSON."""
        return json.loads(self.posted or b"{}")


@dataclass
class World:
    """
    Args:
        clock: the present; no vendor tells of what comes later, but where that is the point.
        revised: (asset, day, metric) -> the value Coin Metrics gives from now on.
    """

    clock: Callable[[], pd.Timestamp]
    revised: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @property
    def seconds(self) -> int:
        """The present in seconds since 1970."""
        return int(self.clock().timestamp())


Answer = object  # sent as JSON; bytes go out as they are, (status, body) sends both
Vendor = Callable[[World, Question], Answer]


def seed(*names: object) -> int:
    """A number of 64 bits that follows from the names alone."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, names)).encode()).digest()[:8], "little")


def uniform(key: int, steps: Any) -> Any:
    """(n,) numbers of time -> (n,) numbers in [0, 1), each a function of the key and its own time."""
    with np.errstate(over="ignore"):
        mixed = np.asarray(steps, dtype=np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def level(
    key: int, steps: Any, size: float, periods: tuple[float, ...], swing: float = 0.04, noise: float = 0.004
) -> Any:
    """(n,) positive numbers around `size` that swing with each period and jitter from step to step."""
    at = np.asarray(steps, dtype=np.float64)
    phases = uniform(key + 1, range(len(periods))) * 2 * np.pi
    waves = sum(swing * np.sin(2 * np.pi * at / period + phase) for period, phase in zip(periods, phases, strict=True))
    return size * np.exp(waves + noise * (uniform(key, steps) - 0.5))


def bars(vendor: str, symbol: str, steps: Any, per_day: float) -> dict[str, Any]:
    """
    Coherent bars of the steps, each (n,): a bar opens where the one before closed, high and low hold both.

    Args:
        vendor: of the numbers.
        symbol: of the numbers.
        steps: number of the bar since 1970.
        per_day: bars a day; a price is about the same at one time whatever the bar.
    """
    key = seed(vendor, symbol)
    size = 20.0 + 480.0 * float(uniform(key, [7])[0])
    periods = tuple(days * per_day for days in (0.9, 3.1, 17.0, 71.0, 390.0))
    at = np.asarray(steps, dtype=np.int64)
    closes = np.round(level(key, at, size, periods), 4)
    opens = np.round(level(key, at - 1, size, periods), 4)
    wicks = 0.0005 + 0.003 * uniform(key + 2, at), 0.0005 + 0.003 * uniform(key + 3, at)
    return {
        "open": opens,
        "high": np.round(np.maximum(opens, closes) * (1 + wicks[0]), 4),
        "low": np.round(np.minimum(opens, closes) * (1 - wicks[1]), 4),
        "close": closes,
        "volume": np.round(1_000 + 9_000 * uniform(key + 4, at), 3),
    }


def headline(vendor: str, name: str, stamp: int) -> str:
    """A title that names a coin or a company, its sentiment by its time; no two are alike."""
    sentiment = MOODS[seed(vendor, name, stamp) % len(MOODS)]
    return f"{name} {sentiment}, {datetime.fromtimestamp(stamp, UTC):%d %B %H:%M}"


def days_between(first: str, last: str) -> list[str]:
    """ISO days, both inclusive."""
    begin, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return [f"{begin + timedelta(days=number):%Y-%m-%d}" for number in range((end - begin).days + 1)]
