"""
Known cheaters and known honest factors, written as raw arrays behind the language's back: do the checks still work?

They pass through the same checks as any factor; whoever runs a run date runs them too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from alpha_pipeline.validation.check_registry import validate

LEAKS = ("no_lookahead", "start_independence")
LOOKBACK_BARS = 20
BARS = 400

Frame = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Canary:
    """
    A factor whose honesty is known.

    Args:
        name: what it does, for people.
        honest: whether the checks must let it pass.
        compute: closes (bars, symbols) to values of the same shape.
    """

    name: str
    honest: bool
    compute: Frame

    def evaluate(self, panel: Panel) -> Array:
        """(bars, symbols) values."""
        return self.compute(pd.DataFrame(panel["close"])).to_numpy(float)


def canaries() -> tuple[Canary, ...]:
    """Cheaters in the ways people write them, then honest factors."""
    return (
        *(Canary(name, False, compute) for name, compute in _CHEATERS.items()),
        *(Canary(name, True, compute) for name, compute in _HONEST.items()),
    )


def wrong_canaries(panel: Panel) -> list[str]:
    """
    Run every canary through the leakage checks.

    Args:
        panel: a market's bars with `close`; the latest few hundred are used.

    Returns:
        One readable line per cheater that passed or honest factor that was refused; empty when the checks work.
    """
    piece = panel.rows(-min(BARS, panel.shape[0]), None)
    wrong = []
    for canary in canaries():
        results = [r for r in validate(canary.evaluate, piece, LOOKBACK_BARS, only=LEAKS) if not r.passed]
        if canary.honest and results:
            wrong.append(f"honest factor {canary.name!r} was refused: {results[0].detail}")
        if not canary.honest and not results:
            wrong.append(f"cheater {canary.name!r} passed")
    return wrong


def _backfilled(x: pd.DataFrame) -> pd.DataFrame:
    return x.rolling(LOOKBACK_BARS).mean().bfill() / x


def _interpolated(x: pd.DataFrame) -> pd.DataFrame:
    gaps = x.index.to_series() % 7 == 3
    return x.mask(np.broadcast_to(gaps.to_numpy()[:, None], x.shape)).interpolate() / x


def _swing_points(x: pd.DataFrame) -> pd.DataFrame:
    return (x == x.rolling(9, center=True, min_periods=1).max()).astype(float) * x


def _length_gate(x: pd.DataFrame) -> pd.DataFrame:
    return x.pct_change() if len(x) < BARS * 3 // 4 else x.shift(-1) / x - 1


def _nearest_join(x: pd.DataFrame) -> pd.DataFrame:
    """Every tenth bar's price, joined to the nearest bar instead of the one before."""
    sparse = np.minimum(np.round(np.arange(len(x)) / 10).astype(int) * 10, len(x) - 1)
    return pd.DataFrame(x.to_numpy()[sparse] / x.to_numpy())


def _rare_trigger(x: pd.DataFrame) -> pd.DataFrame:
    """Knows the next bar after unusually large moves only."""
    moves = x.pct_change()
    return moves.where(moves.abs() < moves.rolling(LOOKBACK_BARS).std() * 2.5, moves.shift(-1) * 10)


_CHEATERS: dict[str, Frame] = {
    "negative shift": lambda x: x.shift(-1) / x - 1,
    "far negative shift": lambda x: x.shift(-40) / x - 1,
    "centred window": lambda x: x - x.rolling(5, center=True).mean(),
    "full-sample rank": lambda x: x.rank(pct=True),
    "full-sample z-score": lambda x: (x - x.mean()) / x.std(),
    "full-sample winsorizing": lambda x: x.pct_change().clip(*np.nanquantile(x.pct_change(), [0.05, 0.95])),
    "full-sample demeaned return": lambda x: x.pct_change() - x.pct_change().mean(),
    "min-max of everything": lambda x: (x - x.min()) / (x.max() - x.min()),
    "back-filled warm-up": _backfilled,
    "interpolation": _interpolated,
    "reversed average": lambda x: x[::-1].ewm(span=5).mean()[::-1] / x,
    "rolled array": lambda x: pd.DataFrame(np.roll(x.to_numpy(), -1, axis=0)) / x,
    "swing points": _swing_points,
    "length gate": _length_gate,
    "last bar": lambda x: x.iloc[-1] / x,
    "nearest join": _nearest_join,
    "rare trigger": _rare_trigger,
    "gradient": lambda x: pd.DataFrame(np.gradient(x.to_numpy(), axis=0)) / x,
    "since the panel began": lambda x: x / x.iloc[0] - 1,
    "expanding mean": lambda x: x / x.expanding().mean(),
}
_HONEST: dict[str, Frame] = {
    "momentum": lambda x: x.pct_change(5),
    "rolling z-score": lambda x: (x - x.rolling(20).mean()) / x.rolling(20).std(),
    "rank across symbols": lambda x: x.rank(axis=1, pct=True) + 0 * x.diff(3),
    "breakout": lambda x: x / x.rolling(10).max().shift(1) - 1,
}
