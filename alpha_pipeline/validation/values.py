"""
Is there anything in the values: enough of them, different enough, within reason?

All on scale-free quantities: a factor may be measured in any unit.
"""

import numpy as np

from alpha_pipeline.panel import Array
from alpha_pipeline.validation.checks import Candidate, Outcome, check

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
    values = candidate.values[candidate.lookback_bars :]
    priced = np.isfinite(candidate.panel["close"][candidate.lookback_bars :])
    share = float(np.isfinite(values[priced]).mean()) if priced.any() else 0.0
    return share >= MINIMUM_COVERAGE, share, MINIMUM_COVERAGE, f"{share:.0%} of the bars have a value after warm-up"


@check(blocking=True)
def variation(candidate: Candidate) -> Outcome:
    """
    Share of bars on which the symbols differ from each other by more than rounding.

    One symbol alone is compared with its own previous bar.
    """
    values = _side_by_side(candidate)
    present = np.isfinite(values).sum(axis=1) >= 2
    if not present.any():
        return False, 0.0, MINIMUM_SPREAD, "no bar has two values to compare"
    rows = values[present]
    size = np.nanmax(np.abs(rows), axis=1)
    spread = np.nanmax(rows, axis=1) - np.nanmin(rows, axis=1)
    share = float((spread > 1e-12 * np.maximum(size, 1e-300)).mean())
    return share >= MINIMUM_SPREAD, share, MINIMUM_SPREAD, f"symbols differ on {share:.0%} of the bars"


@check(blocking=True)
def movement(candidate: Candidate) -> Outcome:
    """Share of bars on which any symbol's value differs from the bar before: a constant per symbol is no factor."""
    values = candidate.values[candidate.lookback_bars :]
    both = np.isfinite(values[1:]) & np.isfinite(values[:-1])
    rows = both.any(axis=1)
    if not rows.any():
        return False, 0.0, MINIMUM_MOVEMENT, "no symbol has a value on two bars in a row"
    share = float((both & (values[1:] != values[:-1])).any(axis=1)[rows].mean())
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
    rows = values[np.isfinite(values).sum(axis=1) >= 4]
    rows = rows[:: max(1, len(rows) // SAMPLED_BARS)]
    if not len(rows):
        return True, np.nan, MAXIMUM_SCORE, "too few symbols for quartiles"
    low, middle, high = np.nanquantile(rows, [0.25, 0.5, 0.75], axis=1)
    width = np.where(high > low, high - low, np.nan)[:, None]
    scores = np.abs(rows - middle[:, None]) / width
    score = float(np.nanquantile(scores, 0.99)) if np.isfinite(scores).any() else 0.0
    return score <= MAXIMUM_SCORE, score, MAXIMUM_SCORE, f"99 % of values lie within {score:.1f} quartile ranges"


def _side_by_side(candidate: Candidate) -> Array:
    """Values to compare within a bar, after the warm-up; one symbol alone stands beside its previous bar."""
    values = candidate.values[candidate.lookback_bars :]
    return np.hstack([values[1:], values[:-1]]) if values.shape[1] == 1 else values
