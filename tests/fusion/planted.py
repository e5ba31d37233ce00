"""Simulated markets: random signals, and outcomes that are a formula of them plus noise."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS

Truth = Callable[[np.ndarray], np.ndarray]
NAMES = list(WEIGHTS)


def push_of(push: np.ndarray, name: str) -> np.ndarray:
    """(rows,) weighted signal of one source."""
    return push[:, NAMES.index(name)]


def planted(
    truth: Truth, days: int = 500, symbols: int = 8, seed: int = 0, inactive_share: float = 0.3
) -> LabeledSignals:
    """
    Sources are active at random; `truth` gives the expected move from the (rows, sources) weighted signals.

    Noise has the variance of one move. An outcome is known two days after its decision.
    """
    rng = np.random.default_rng(seed)
    rows, shape = days * symbols, (days * symbols, len(NAMES))
    stamps = pd.date_range("2016-01-01", periods=days, freq="D", tz="UTC").repeat(symbols)
    keys = pd.DataFrame({"timestamp": stamps, "symbol": [f"S{i:03d}" for i in range(symbols)] * days})
    inactive = rng.random(shape) < inactive_share
    value, confidence = (np.where(inactive, np.nan, rng.uniform(low, 1, shape)) for low in (-1, 0))
    signals = SignalMatrix(keys, value, confidence)
    forward = 0.01 * (truth(signals.weighted) + rng.normal(size=rows))
    known_at = (stamps + pd.Timedelta(days=2)).tz_localize(None).to_numpy("datetime64[us]")
    return LabeledSignals(signals, forward, np.full(rows, 0.01), known_at)
