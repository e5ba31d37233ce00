"""
Labelled samples: past signals joined with their outcomes, the data methods are fitted and confidence is calibrated on.

A decision at the close of a bar is filled one bar later and closed a horizon after the fill; its label is known then.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel, utc64
from alpha_pipeline.outcomes.realized_returns import outcome_returns
from alpha_pipeline.signals.generation import past_signals
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import LIBRARY_SOURCE
from alpha_pipeline.tables import SOURCE_SIGNALS
from alpha_pipeline.typing import Array, Selection, Times

# Days of returns behind the expected volatility.
VOLATILITY_DAYS = 20


@dataclass(frozen=True)
class LabeledSignals:
    """
    Signals with their outcomes.

    Args:
        signals: rows in order of time.
        forward: (rows,) return from the close after the decision over the horizon, fraction, before costs.
        sigma: (rows,) expected standard deviation of that return as of the decision; NaN with too little history.
        known_at: (rows,) datetime64[us], UTC, close of the bar that made the outcome known.
    """

    signals: SignalMatrix
    forward: Array
    sigma: Array
    known_at: Times

    @classmethod
    def empty(cls) -> "LabeledSignals":
        """No samples."""
        floats = np.empty(0)
        signals = SignalMatrix.from_table(SOURCE_SIGNALS.empty())
        return cls(signals, floats, floats, floats.astype("datetime64[us]"))

    def __len__(self) -> int:
        return len(self.signals)

    def take(self, rows: Selection) -> "LabeledSignals":
        """The rows of a mask, a slice or positions."""
        parts = {name: getattr(self, name)[rows] for name in ("forward", "sigma", "known_at")}
        return replace(self, signals=self.signals.take(rows), **parts)

    def known_by(self, moment: pd.Timestamp, days: float = np.inf) -> "LabeledSignals":
        """The samples whose outcome was known by `moment`, decided at most `days` before it."""
        rows = self.known_at <= utc64(moment)
        if np.isfinite(days):
            rows &= self.decided_at >= utc64(moment - pd.Timedelta(days=days))
        return self.take(rows)

    @cached_property
    def decided_at(self) -> Times:
        """(rows,) datetime64[us], UTC, close of the bar of decision."""
        stamps = self.signals.keys["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None)
        return np.asarray(stamps.to_numpy("datetime64[us]"))

    @property
    def move(self) -> Array:
        """(rows,) `forward` / `sigma`, clipped to [-3, 3]: the target of the learned methods."""
        return np.asarray(np.clip(self.forward / self.sigma, -3.0, 3.0))


def label_signals(signals: SignalMatrix, panel: Panel, market: Market) -> LabeledSignals:
    """
    Join signals with their forward returns.

    Args:
        signals: of the market.
        panel: closes; signals whose outcome lies beyond its end are left out.
        market: gives the horizon.

    Returns:
        Rows with a finite outcome and a finite expected volatility, in the order of `signals`.
    """
    forward, known_at = outcome_returns(panel, market, signals.keys["timestamp"], signals.keys["symbol"])
    decided = signals.keys["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    row = np.searchsorted(panel.timestamps, decided, side="right") - 1
    column = np.searchsorted(np.array(panel.symbols), signals.keys["symbol"].to_numpy(str))
    volatility = _expected_volatility(panel, market)
    labelled = (row >= 0) & np.isfinite(forward)
    sigma = np.where(labelled, volatility[np.where(labelled, row, 0), np.where(labelled, column, 0)], np.nan)
    return LabeledSignals(signals, forward, sigma, known_at).take(labelled & (sigma > 0))


def training_data(panel: Panel, market: Market, stored: pd.DataFrame, end: pd.Timestamp, days: float) -> LabeledSignals:
    """
    Labelled samples of the `days` days up to `end`.

    Args:
        panel: bars up to `end`, the full history: a run date gets the same samples alone and in a run of many.
        market: of the panel.
        stored: stored rows of `tables.SOURCE_SIGNALS`. Only the library's are used, as its factors were chosen after
            most of the panel; the other sources are causal and are computed from the panel.
        end: of the last run date, UTC.
        days: length of the window.

    Returns:
        No samples for a market without closes.
    """
    if "close" not in panel.fields:
        return LabeledSignals.empty()
    parts = [past_signals(panel, market, end, days), stored[stored["source"] == LIBRARY_SOURCE]]
    table = pd.concat([part for part in parts if len(part)] or parts[:1])
    return label_signals(SignalMatrix.from_table(table), panel, market)


def _expected_volatility(panel: Panel, market: Market) -> Array:
    """(bars, symbols) standard deviation of the bar returns of twenty days, scaled to the horizon."""
    closes = pd.DataFrame(panel["close"]).ffill(limit=max(1, round(3 * market.bars_per_day)))
    span = max(2, round(VOLATILITY_DAYS * market.bars_per_day))
    moves = closes.pct_change(fill_method=None).rolling(span, min_periods=span // 2).std()
    return np.asarray(moves.to_numpy() * np.sqrt(market.horizon_bars))
