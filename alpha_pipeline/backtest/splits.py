"""
Train, validation and a sealed test segment, with gaps where labels would overlap.
"""

from dataclasses import dataclass

from alpha_pipeline.errors import DataError


# Bars before a night that mining and measuring look at, so that both cut at the same places.
HISTORY_BARS = 10_000


@dataclass(frozen=True)
class Split:
    """
    Three segments of bars, in time order, as [start, stop).

    Args:
        train: what the writer learns from.
        valid: what the judge decides on.
        sealed: opened by nobody who writes or judges; measured once a factor is in force.
    """

    train: tuple[int, int]
    valid: tuple[int, int]
    sealed: tuple[int, int]


def split(bars: int, horizon_bars: int, train: float = 0.70, valid: float = 0.15) -> Split:
    """
    Cut 70/15/15, leaving a gap of the label's reach (delay and horizon) before each boundary.

    Args:
        bars: bars of the panel.
        horizon_bars: bars a label looks ahead after its fill.
        train: share of the bars.
        valid: share of the bars.

    Raises:
        DataError: a segment would have fewer than 20 bars.
    """
    reach = horizon_bars + 1
    first, second = int(bars * train), int(bars * (train + valid))
    cut = Split((0, first - reach), (first, second - reach), (second, bars))
    if min(stop - start for start, stop in (cut.train, cut.valid, cut.sealed)) < 20:
        raise DataError(f"{bars} bars are too few to split with a horizon of {horizon_bars}; each part needs 20")
    return cut
