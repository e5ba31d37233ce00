"""
The average of `weighted`, with weights from what each source's ranks were worth, shrunk for noise.
"""

from dataclasses import dataclass

import numpy as np

from alpha_pipeline.backtesting.information import rank_ic
from alpha_pipeline.backtesting.ranks import ranks
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.methods.training import FEWEST_BARS, usable
from alpha_pipeline.fusion.methods.weighted import Average
from alpha_pipeline.statistics.newey_west import mean_test
from alpha_pipeline.typing import Array

# Autocovariances counted in the error of a mean: a week of daily decisions.
LAGS = 5
# |t| below which a rank IC is taken for noise: one source in twenty is heard by luck.
NOISE_T = 2.0


@dataclass(frozen=True)
class IcWeighted:
    """
    Weight of a source: mean rank IC times 1 - (2 / t)^2, and 0 where |t| is below 2; a negative one turns it round.

    The rank IC is cross-sectional, per bar over the symbols the source spoke of, where at least `FEWEST_BARS` bars have
    one (three symbols that differ); else it is the predictive rank correlation over time, mean of the symbols.
    No lessons, or no source beyond noise: value 0.
    """

    name: str = "ic_weighted"
    meaning: str = "confidence-weighted average by the shrunk rank IC of each source"

    def fit(self, past: LabeledSignals) -> Average:
        known = usable(past)
        if not len(known):
            return Average(np.zeros(len(past.said.sources)))
        return Average(np.array([shrunk(series) for series in evidence(known)]))


def evidence(past: LabeledSignals) -> list[Array]:
    """Per source a series (bars,) whose mean is its rank IC; NaN in bars that say nothing of it."""
    bars, row = np.unique(past.decided_at, return_inverse=True)
    symbols, column = np.unique(past.said.keys["symbol"].to_numpy(str), return_inverse=True)
    shape = (len(bars), len(symbols))
    move = np.full(shape, np.nan)
    move[row, column] = past.move
    found = []
    for source in range(len(past.said.sources)):
        push = np.full(shape, np.nan)
        push[row, column] = (past.said.value * past.said.confidence)[:, source]
        across = rank_ic(push, move)
        found.append(across if np.isfinite(across).sum() >= FEWEST_BARS else _over_time(push, move))
    return found


def shrunk(series: Array) -> float:
    """
    Mean of a series by how sure it is, 0 within noise or below `FEWEST_BARS` values.

    Source: the positive part of James and Stein (1961), each source for itself and with 2 squared for the noise.
    """
    test = mean_test(series, LAGS)
    if test.observations < FEWEST_BARS or not np.isfinite(test.t_stat) or abs(test.t_stat) <= NOISE_T:
        return 0.0
    return float(test.mean * (1 - (NOISE_T / test.t_stat) ** 2))


def _over_time(push: Array, move: Array) -> Array:
    """(bars,) products of standardised ranks over time, mean over symbols: their mean is the rank correlation."""
    both = np.isfinite(push) & np.isfinite(move)
    product = _standard_ranks(np.where(both, push, np.nan)) * _standard_ranks(np.where(both, move, np.nan))
    humanize = np.isfinite(product)
    count = humanize.sum(axis=1)
    return np.where(count > 0, np.where(humanize, product, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _standard_ranks(x: Array) -> Array:
    """(bars, symbols) ranks of each column over time, mean 0 and variance 1; NaN in a flat column."""
    rank = ranks(x.T).T
    some = np.isfinite(rank)
    count = np.maximum(some.sum(axis=0), 1)
    centred = rank - np.where(some, rank, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(some, centred**2, 0.0).sum(axis=0) / count)
    return centred / np.where(spread > 1e-12, spread, np.nan)
