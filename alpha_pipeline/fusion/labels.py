"""
What came of what sources said: the past that methods are fitted on and confidence is calibrated by.

A decision at the close of a bar is filled one bar later and closed a horizon after the fill; only then is it a lesson.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel, utc64
from alpha_pipeline.outcomes.returns import outcome_returns
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.tables import SOURCE_SIGNALS
from alpha_pipeline.typing import Array

# Days of closes behind the expected size of a move.
SIGMA_DAYS = 20


@dataclass(frozen=True)
class LabeledSignals:
    """
    Signals with their outcomes.

    Args:
        said: the signals, rows in order of time.
        forward: (rows,) return from the close after the decision over the horizon, fraction, before costs.
        sigma: (rows,) expected size of that return as one could tell at the decision; NaN with too little past.
        known_at: (rows,) datetime64[us], UTC, close of the bar that made the outcome known.
    """

    said: SignalMatrix
    forward: Array
    sigma: Array
    known_at: Array

    @classmethod
    def none(cls) -> "LabeledSignals":
        """Nothing has ever been learned."""
        nothing = np.empty(0)
        said = SignalMatrix.from_table(SOURCE_SIGNALS.empty())
        return cls(said, nothing, nothing, nothing.astype("datetime64[us]"))

    def __len__(self) -> int:
        return len(self.said)

    def pick(self, rows: Array) -> "LabeledSignals":
        """The rows of a mask, a slice or positions."""
        parts = {name: getattr(self, name)[rows] for name in ("forward", "sigma", "known_at")}
        return replace(self, said=self.said.pick(rows), **parts)

    def known_by(self, moment: pd.Timestamp, days: float = np.inf) -> "LabeledSignals":
        """Those whose outcome was known by `moment`, decided at most `days` before it."""
        rows = self.known_at <= utc64(moment)
        if np.isfinite(days):
            rows &= self.decided_at >= utc64(moment - pd.Timedelta(days=days))
        return self.pick(rows)

    @property
    def decided_at(self) -> Array:
        """(rows,) datetime64[us], UTC, close of the bar of decision."""
        return self.said.keys["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")

    @property
    def move(self) -> Array:
        """(rows,) the outcome in units of its expected size, held within three of them; what learned methods learn."""
        return np.clip(self.forward / self.sigma, -3.0, 3.0)


def label_signals(said: SignalMatrix, panel: Panel, market: Market) -> LabeledSignals:
    """
    Join signals with the outcomes a panel can tell.

    Args:
        said: signals of the market.
        panel: closes; outcomes beyond its end are not known and their rows left out.
        market: gives the horizon.

    Returns:
        Rows with a finite outcome and a finite expected size, in the order of `said`.
    """
    forward, known_at = outcome_returns(panel, market, said.keys["timestamp"], said.keys["symbol"])
    decided = said.keys["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    row = np.searchsorted(panel.timestamps, decided, side="right") - 1
    column = np.searchsorted(np.array(panel.symbols), said.keys["symbol"].to_numpy(str))
    sizes = _expected_size(panel, market)
    seen = (row >= 0) & np.isfinite(forward)
    sigma = np.where(seen, sizes[np.where(seen, row, 0), np.where(seen, column, 0)], np.nan)
    return LabeledSignals(said, forward, sigma, known_at).pick(seen & (sigma > 0))


def _expected_size(panel: Panel, market: Market) -> Array:
    """(bars, symbols) standard deviation of the returns of twenty days by their bars, scaled to the horizon."""
    closes = pd.DataFrame(panel["close"]).ffill(limit=max(1, round(3 * market.bars_per_day)))
    span = max(2, round(SIGMA_DAYS * market.bars_per_day))
    moves = closes.pct_change(fill_method=None).rolling(span, min_periods=span // 2).std()
    return moves.to_numpy() * np.sqrt(market.horizon_bars)
