"""
Confidence-weighted average with weights from the rank IC of each source, shrunk for noise.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtesting.bar_ranks import ranks
from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.methods.training import FEWEST_BARS, usable
from alpha_pipeline.fusion.methods.weighted import Average
from alpha_pipeline.statistics.newey_west import mean_test
from alpha_pipeline.typing import Array

# Newey-West lags: a week of daily decisions.
LAGS = 5
# |t| below which a rank IC counts as noise: a false positive rate of 5 % per source.
NOISE_T = 2.0


@dataclass(frozen=True)
class IcWeighted:
    """
    Weight of a source: mean rank IC times 1 - (2 / t)^2, and 0 for `|t|` below 2; a negative one flips the source.

    The rank IC is cross-sectional, per bar over the symbols for which the source is active, where at least
    `FEWEST_BARS` bars have one (three distinct symbols); else it is the rank correlation over time, averaged.
    Without samples, or without a significant source: value 0.
    """

    name: str = "ic_weighted"
    meaning: str = "confidence-weighted average by the shrunk rank IC of each source"

    def fit(self, past: LabeledSignals) -> Average:
        samples = usable(past)
        if not len(samples):
            return Average(np.zeros(len(past.signals.sources)))
        return Average(np.array([shrunk_mean(series) for series in rank_ics(samples)]))


def rank_ics(past: LabeledSignals) -> list[Array]:
    """Per source a series (bars,) whose mean is its rank IC; NaN in bars without one."""
    bars, row = np.unique(past.decided_at, return_inverse=True)
    symbols, column = np.unique(past.signals.keys["symbol"].to_numpy(str), return_inverse=True)
    shape = (len(bars), len(symbols))
    move = np.full(shape, np.nan)
    move[row, column] = past.move
    series = []
    for source in range(len(past.signals.sources)):
        weighted = np.full(shape, np.nan)
        weighted[row, column] = (past.signals.value * past.signals.confidence)[:, source]
        across = rank_ic(weighted, move)
        series.append(across if np.isfinite(across).sum() >= FEWEST_BARS else _over_time(weighted, move))
    return series


def shrunk_mean(series: Array) -> float:
    """
    Mean of a series, shrunk by its significance; 0 for noise or below `FEWEST_BARS` values.

    Source: positive-part estimator of James and Stein (1961), per source, with 2 squared for the noise.
    """
    test = mean_test(series, LAGS)
    if test.observations < FEWEST_BARS or not np.isfinite(test.t_stat) or abs(test.t_stat) <= NOISE_T:
        return 0.0
    return float(test.mean * (1 - (NOISE_T / test.t_stat) ** 2))


def _over_time(weighted: Array, move: Array) -> Array:
    """(bars,) products of standardised ranks over time, mean over symbols: their mean is the rank correlation."""
    both = np.isfinite(weighted) & np.isfinite(move)
    product = _standard_ranks(np.where(both, weighted, np.nan)) * _standard_ranks(np.where(both, move, np.nan))
    finite = np.isfinite(product)
    count = finite.sum(axis=1)
    return np.where(count > 0, np.where(finite, product, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _standard_ranks(x: Array) -> Array:
    """(bars, symbols) ranks of each column over time, mean 0 and variance 1; NaN in a constant column."""
    rank = ranks(x.T).T
    finite = np.isfinite(rank)
    count = np.maximum(finite.sum(axis=0), 1)
    centred = rank - np.where(finite, rank, 0.0).sum(axis=0) / count
    deviation = np.sqrt(np.where(finite, centred**2, 0.0).sum(axis=0) / count)
    return np.asarray(centred / np.where(deviation > 1e-12, deviation, np.nan))
