"""
Is there anything in the values: enough of them, different enough, within reason?

All on scale-free quantities: a factor may be measured in any unit. Where there is nothing to compare a check fails with
the value NaN: it is left to its reader whether the factor is empty for good or has no memory filled yet.
"""

import numpy as np

from alpha_pipeline.kernels import value_statistics as survey
from alpha_pipeline.typing import Array
from alpha_pipeline.validation.check_registry import Candidate, Outcome, check

MINIMUM_COVERAGE = 0.8
MINIMUM_SPREAD = 0.5
MINIMUM_MOVEMENT = 0.01
MINIMUM_DISTINCT = 0.1
MAXIMUM_SCORE = 100.0
# Bars whose quartiles are taken; neighbours are alike, and quartiles of every bar cost 50 times the rest.
SAMPLED_BARS = 250


@check(blocking=True)
def coverage(candidate: Candidate) -> Outcome:
    """Share of finite values where there is a price, after the declared warm-up."""
    priced = candidate.surveyed[:, survey.PRICED].sum()
    share = float(candidate.surveyed[:, survey.VALUED].sum() / priced) if priced else 0.0
    return share >= MINIMUM_COVERAGE, share, MINIMUM_COVERAGE, f"{share:.0%} of the bars have a value after warm-up"


@check(blocking=True)
def variation(candidate: Candidate) -> Outcome:
    """
    Share of bars on which the symbols differ from each other by more than rounding.

    One symbol alone is compared with its own previous bar.
    """
    values = _side_by_side(candidate)
    rows = candidate.surveyed if values.shape[1] == candidate.panel.shape[1] else survey.of(values, values)
    rows = rows[rows[:, survey.PRESENT] >= 2]
    if not len(rows):
        return False, np.nan, MINIMUM_SPREAD, "no bar has two values to compare"
    smallest, largest = rows[:, survey.SMALLEST], rows[:, survey.LARGEST]
    size = np.maximum(np.abs(smallest), np.abs(largest))
    share = float((largest - smallest > 1e-12 * np.maximum(size, 1e-300)).mean())
    return share >= MINIMUM_SPREAD, share, MINIMUM_SPREAD, f"symbols differ on {share:.0%} of the bars"


@check(blocking=True)
def movement(candidate: Candidate) -> Outcome:
    """Share of bars on which any symbol's value differs from the bar before: a constant per symbol is no factor."""
    compared = candidate.surveyed[:, survey.COMPARED].sum()
    if not compared:
        return False, np.nan, MINIMUM_MOVEMENT, "no symbol has a value on two bars in a row"
    share = float(candidate.surveyed[:, survey.MOVED].sum() / compared)
    return share >= MINIMUM_MOVEMENT, share, MINIMUM_MOVEMENT, f"values move on {share:.0%} of the bars"


@check(blocking=False)
def distinctness(candidate: Candidate) -> Outcome:
    """Share of a bar's neighbours in rank that differ: a factor of two values cannot tell a hundred stocks apart."""
    values = _side_by_side(candidate)
    rows = np.sort(values[:: max(1, len(values) // SAMPLED_BARS)], axis=1)
    present = np.isfinite(rows).sum(axis=1)
    if not (present >= 2).any():
        return False, 0.0, MINIMUM_DISTINCT, "no bar has two values to compare"
    steps = (np.diff(rows, axis=1) > 0).sum(axis=1)[present >= 2]
    share = float((steps / (present[present >= 2] - 1)).mean())
    return share >= MINIMUM_DISTINCT, share, MINIMUM_DISTINCT, f"{share:.0%} of neighbours in rank differ"


@check(blocking=False)
def value_range(candidate: Candidate) -> Outcome:
    """99th percentile of the distance from the median, in interquartile ranges of the bar."""
    values = candidate.values[candidate.lookback_bars :]
    wide = np.flatnonzero(candidate.surveyed[:, survey.PRESENT] >= 4)
    rows = values[wide[:: max(1, len(wide) // SAMPLED_BARS)]]
    if not len(rows):
        return True, np.nan, MAXIMUM_SCORE, "too few symbols for quartiles"
    rows = np.sort(rows, axis=1)  # NaN last
    low, middle, high = (_quantiles(rows, share) for share in (0.25, 0.5, 0.75))
    width = np.where(high > low, high - low, np.nan)[:, None]
    scores = np.abs(rows - middle[:, None]) / width
    scores = scores[~np.isnan(scores)]
    score = float(np.quantile(scores, 0.99)) if np.isfinite(scores).any() else 0.0
    return score <= MAXIMUM_SCORE, score, MAXIMUM_SCORE, f"99 % of values lie within {score:.1f} quartile ranges"


def _quantiles(ordered: Array, share: float) -> Array:
    """(rows,): quantile of each row of sorted values, NaN at the end, linear between neighbours."""
    rows, last = np.arange(len(ordered)), (~np.isnan(ordered)).sum(axis=1) - 1
    place = share * last
    below = np.floor(place).astype(int)
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, last)]
    with np.errstate(invalid="ignore"):
        result: Array = low + (high - low) * (place - below)
        return result


def _side_by_side(candidate: Candidate) -> Array:
    """Values to compare within a bar, after the warm-up; one symbol alone stands beside its previous bar."""
    values = candidate.values[candidate.lookback_bars :]
    return np.hstack([values[1:], values[:-1]]) if values.shape[1] == 1 else values
