"""Labelled samples with a given hit rate."""

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.sources import WEIGHTS

FIRST = pd.Timestamp("2018-05-01", tz="UTC")


def taught(hits: float = 0.9, days: int = 400, symbols: int = 4, seed: int = 0) -> LabeledSignals:
    """
    All sources agree on a symbol each day and are right in the share `hits` of the outcomes.

    Values and confidences are uniform, so that only the hit rate can be learned.
    """
    rng = np.random.default_rng(seed)
    rows = days * symbols
    stamps = pd.date_range(FIRST, periods=days, freq="D").repeat(symbols)
    names = [f"S{i}" for i in range(symbols)] * days
    value = np.tile(rng.uniform(-1, 1, (rows, 1)), len(WEIGHTS))
    confidence = np.tile(rng.uniform(0, 1, (rows, 1)), len(WEIGHTS))
    signals = SignalMatrix(pd.DataFrame({"timestamp": stamps, "symbol": names}), value, confidence)
    forward = np.sign(value[:, 0]) * 0.01 * np.where(rng.random(rows) < hits, 1, -1)
    known_at = (stamps + pd.Timedelta(days=2)).tz_localize(None).to_numpy("datetime64[us]")
    return LabeledSignals(signals, forward, np.full(rows, 0.01), known_at)
