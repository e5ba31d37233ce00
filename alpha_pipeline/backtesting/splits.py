"""
Splits of bars: train, validation and sealed test; walk-forward; purged combinations.

Nothing here reads a price.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Integers, Times

MINIMUM_BARS = 20


class Segment(NamedTuple):
    """The bars [start, stop) of a panel."""

    start: int
    stop: int

    @property
    def rows(self) -> slice:
        """To index (bars, ...) arrays."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Split:
    """
    Segments of bars, in time order, as [start, stop).

    Args:
        train: what the writer learns from.
        valid: what the judge decides on.
    """

    train: Segment
    valid: Segment
    _test: Segment = field(repr=False)

    def open_test(self) -> Segment:
        """
        The sealed segment.

        Neither writer nor judge may call this: it is for factors that are already active.
        """
        return self._test


def recent_history(panel: Panel, market: Market) -> Panel:
    """The last bars of a panel that mining and evaluation use, so that both split at the same bars."""
    return panel.rows(first_recent(panel.timestamps, market), None)


def first_recent(timestamps: Times, market: Market) -> int:
    """Number of the first bar that `recent_history` keeps."""
    if market.history is None or not len(timestamps):
        return 0
    return int(np.searchsorted(timestamps, timestamps[-1] - market.history.to_timedelta64(), side="right"))


def market_split(timestamps: Times, market: Market) -> Split:
    """
    Cut the bars of a market as its settings say: by shares, or by the first days of validation and holdout.

    Args:
        timestamps: (bars,) closes.
        market: horizon and split.

    Raises:
        DataError: a segment would have fewer than 20 bars.
    """
    rule, bars = market.split, len(timestamps)
    if not rule.valid_from:
        return split(bars, market.horizon_bars, rule.train, rule.valid)
    days = [np.datetime64(day, "us") for day in (rule.valid_from, rule.test_from)]
    first, second = (int(np.searchsorted(timestamps, day, side="right")) for day in days)
    return _cut(bars, market.horizon_bars, first, second)


def split(bars: int, horizon_bars: int, train: float = 0.70, valid: float = 0.15) -> Split:
    """
    Cut 70/15/15, leaving a gap of the label's reach (delay and horizon) before each boundary and a horizon after it.

    Args:
        bars: bars of the panel.
        horizon_bars: bars a label looks ahead after its fill.
        train: share of the bars.
        valid: share of the bars.

    Raises:
        DataError: a segment would have fewer than 20 bars.
    """
    return _cut(bars, horizon_bars, int(bars * train), int(bars * (train + valid)))


def _cut(bars: int, horizon_bars: int, first: int, second: int) -> Split:
    """Segments with gaps around their boundaries."""
    reach = horizon_bars + 1
    cut = Split(
        Segment(0, first - reach),
        Segment(first + horizon_bars, second - reach),
        Segment(second + horizon_bars, bars),
    )
    if min(stop - start for start, stop in (cut.train, cut.valid, cut.open_test())) < MINIMUM_BARS:
        raise DataError(
            f"{bars} bars are too few to split with a horizon of {horizon_bars}; each part needs {MINIMUM_BARS}, "
            f"train has {max(0, cut.train.stop)}, validation {max(0, cut.valid.stop - cut.valid.start)}, "
            f"holdout {max(0, bars - second - horizon_bars)}"
        )
    return cut


def walk_forward(
    bars: int, horizon_bars: int, train_bars: int, valid_bars: int, step_bars: int | None = None
) -> Iterator[tuple[Segment, Segment]]:
    """
    Train and validation segments that move forward; the seed's practice is 180, 30 and 30 days.

    Args:
        bars: bars of the panel.
        horizon_bars: bars a label looks ahead after its fill; purged from the end of each train segment.
        train_bars: length of a train segment.
        valid_bars: length of a validation segment.
        step_bars: bars between two walks; the validation length by default, so that validations do not overlap.
    """
    for start in range(0, bars - train_bars - valid_bars + 1, step_bars or valid_bars):
        middle = start + train_bars
        yield Segment(start, middle - horizon_bars - 1), Segment(middle, middle + valid_bars)


def combinatorial(
    bars: int, horizon_bars: int, groups: int = 10, tested: int = 2, embargo_bars: int | None = None
) -> Iterator[tuple[Integers, Integers]]:
    """
    Every choice of `tested` out of `groups` blocks of time, and the bars one may train on beside them.

    Args:
        bars: bars of the panel.
        horizon_bars: bars a label looks ahead after its fill; bars whose label meets a tested block are purged.
        groups: blocks of time, as equal as can be.
        tested: blocks tested at a time.
        embargo_bars: bars kept out after each tested block; the horizon by default.

    Returns:
        Positions to train on and positions to test on, for each choice in order.

    Source: Lopez de Prado, Advances in Financial Machine Learning (combinatorial purged cross-validation).
    """
    embargo = horizon_bars if embargo_bars is None else embargo_bars
    edges = np.linspace(0, bars, groups + 1).astype(int)
    for choice in combinations(range(groups), tested):
        test, allowed = np.zeros(bars, dtype=bool), np.ones(bars, dtype=bool)
        for group in choice:
            start, stop = edges[group], edges[group + 1]
            test[start:stop] = True
            allowed[max(0, start - horizon_bars - 1) : stop + embargo] = False
        yield np.flatnonzero(allowed), np.flatnonzero(test)
