"""
Moments over the last `window` bars: variance, skewness, kurtosis, covariance, correlation, regression.

Sums and extremes are in `windows`, which describes the method; weights and lines in time are in `trends`.

Sums are taken of distances from a pivot: the first value of the block, which every window ending in the block holds.
The distance of a member from the mean is at most the root of the sum of squares, so what cancels costs about a factor
`window` of rounding, whatever the level of the series: 1e8 costs no digits, and a flat window has a variance of exactly
zero.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import blank, first_block, step

TILE = 128  # columns worked on together; a fixed distance between the parts lets the compiler see that they differ
SECOND, THIRD, FOURTH = TILE, 2 * TILE, 3 * TILE
FIFTH = 4 * TILE

VARIANCE, DEVIATION, ZSCORE = 0, 1, 2
SKEWNESS, KURTOSIS = 0, 1
COVARIANCE, CORRELATION, BETA, RESIDUAL = 0, 1, 2, 3


@kernel(IN, INT, INT, INT, OUT)
def spread(x, window, origin, kind, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Sample variance, standard deviation (both with window - 1), or distance from the mean in deviations."""
    bars, symbols = x.shape
    blank(out[: window - 1])
    # Parts of a row: sum, squares.
    tails, heads = np.zeros((window, 2 * TILE)), np.zeros((2, 2 * TILE))
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        for start in range(first_block(origin, window), bars, window):
            pivot = x[start, left:right]
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                _add_squares(x[t, left:right], pivot, tails[k + 1], tails[k])
            heads[(start - 1) & 1] = 0.0  # two rows in turn: none is read and written at once
            for t in range(start, min(start + window, bars)):
                head = heads[t & 1]
                _add_squares(x[t, left:right], pivot, heads[(t - 1) & 1], head)
                if t >= window - 1:
                    tail, target = tails[t - start], out[t, left:right]
                    if kind == ZSCORE:
                        _zscore(x[t, left:right], pivot, tail, head, float(window), target)
                    else:
                        _variance(tail, head, float(window), kind, target)


@step
def _add_squares(x, pivot, old, new):  # type: ignore[no-untyped-def]
    for c in range(x.size):
        d = np.float64(x[c]) - pivot[c]
        new[c] = old[c] + d
        new[c + SECOND] = old[c + SECOND] + d * d


@step
def _variance(tail, head, n, kind, out):  # type: ignore[no-untyped-def]
    share, divisor = 1.0 / n, 1.0 / (n - 1.0)
    for c in range(out.size):
        total = tail[c] + head[c]
        square = (tail[c + SECOND] + head[c + SECOND]) - total * total * share
        value = (0.0 if square < 0.0 else square) * divisor
        value = np.sqrt(value) if kind == DEVIATION else value
        out[c] = value + (value - value)


@step
def _zscore(x, pivot, tail, head, n, out):  # type: ignore[no-untyped-def]
    share, divisor = 1.0 / n, 1.0 / (n - 1.0)
    for c in range(out.size):
        total = tail[c] + head[c]
        square = (tail[c + SECOND] + head[c + SECOND]) - total * total * share
        distance = (np.float64(x[c]) - pivot[c]) - total * share
        value = distance / np.sqrt((0.0 if square < 0.0 else square) * divisor)
        out[c] = value + (value - value)


@kernel(IN, INT, INT, INT, OUT)
def shape(x, window, origin, kind, out):  # type: ignore[no-untyped-def]
    """Sample skewness, or sample excess kurtosis (both bias-corrected); NaN where the window is flat."""
    bars, symbols = x.shape
    blank(out[: window - 1])
    # Parts of a row: sums of the first to fourth powers.
    tails, heads = np.zeros((window, 4 * TILE)), np.zeros((2, 4 * TILE))
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        for start in range(first_block(origin, window), bars, window):
            pivot = x[start, left:right]
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                _add_powers(x[t, left:right], pivot, tails[k + 1], tails[k])
            heads[(start - 1) & 1] = 0.0  # two rows in turn: none is read and written at once
            for t in range(start, min(start + window, bars)):
                head = heads[t & 1]
                _add_powers(x[t, left:right], pivot, heads[(t - 1) & 1], head)
                if t >= window - 1:
                    _shape(tails[t - start], head, float(window), kind, out[t, left:right])


@step
def _add_powers(x, pivot, old, new):  # type: ignore[no-untyped-def]
    for c in range(x.size):
        d = np.float64(x[c]) - pivot[c]
        new[c] = old[c] + d
        new[c + SECOND] = old[c + SECOND] + d * d
        new[c + THIRD] = old[c + THIRD] + d * d * d
        new[c + FOURTH] = old[c + FOURTH] + (d * d) * (d * d)


@step
def _shape(tail, head, n, kind, out):  # type: ignore[no-untyped-def]
    share = 1.0 / n
    for c in range(out.size):
        mean = (tail[c] + head[c]) * share
        second = (tail[c + SECOND] + head[c + SECOND]) * share
        third = (tail[c + THIRD] + head[c + THIRD]) * share
        fourth = (tail[c + FOURTH] + head[c + FOURTH]) * share
        variance = second - mean * mean
        skew = third - 3.0 * mean * second + 2.0 * mean * mean * mean
        tailedness = fourth - 4.0 * mean * third + 6.0 * mean * mean * second - 3.0 * mean * mean * mean * mean
        variance = variance if variance > 0.0 else np.nan
        if kind == SKEWNESS:
            value = np.sqrt(n * (n - 1.0)) / (n - 2.0) * skew / (variance * np.sqrt(variance))
        else:
            ratio = tailedness / (variance * variance)
            value = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * ratio - 3.0 * (n - 1.0))
        out[c] = value + (value - value)


@kernel(IN, IN, INT, INT, INT, OUT)
def pair(x, y, window, origin, kind, out):  # type: ignore[no-untyped-def]
    """Covariance, correlation, slope of x on y, or what that regression leaves of the newest x."""
    bars, symbols = x.shape
    blank(out[: window - 1])
    # Parts of a row: sums of x and of y, squares of x and of y, products.
    tails, heads = np.zeros((window, 5 * TILE)), np.zeros((2, 5 * TILE))
    for left in range(0, symbols, TILE):
        right = min(left + TILE, symbols)
        for start in range(first_block(origin, window), bars, window):
            pivot_x, pivot_y = x[start, left:right], y[start, left:right]
            for t in range(start - 1, max(0, start - window + 1) - 1, -1):
                k = t - start + window - 1
                _add_products(x[t, left:right], y[t, left:right], pivot_x, pivot_y, tails[k + 1], tails[k])
            heads[(start - 1) & 1] = 0.0  # two rows in turn: none is read and written at once
            for t in range(start, min(start + window, bars)):
                head = heads[t & 1]
                now_x, now_y = x[t, left:right], y[t, left:right]
                _add_products(now_x, now_y, pivot_x, pivot_y, heads[(t - 1) & 1], head)
                if t >= window - 1:
                    tail, target = tails[t - start], out[t, left:right]
                    if kind == CORRELATION:
                        _correlation(tail, head, float(window), target)
                    elif kind == RESIDUAL:
                        _residual(now_x, now_y, pivot_x, pivot_y, tail, head, float(window), target)
                    else:
                        _slope(tail, head, float(window), kind, target)


@step
def _add_products(x, y, pivot_x, pivot_y, old, new):  # type: ignore[no-untyped-def]
    for c in range(x.size):
        d, e = np.float64(x[c]) - pivot_x[c], np.float64(y[c]) - pivot_y[c]
        new[c] = old[c] + d
        new[c + SECOND] = old[c + SECOND] + e
        new[c + THIRD] = old[c + THIRD] + d * d
        new[c + FOURTH] = old[c + FOURTH] + e * e
        new[c + FIFTH] = old[c + FIFTH] + d * e


@step
def _correlation(tail, head, n, out):  # type: ignore[no-untyped-def]
    share = 1.0 / n
    for c in range(out.size):
        sum_x, sum_y = tail[c] + head[c], tail[c + SECOND] + head[c + SECOND]
        xx = (tail[c + THIRD] + head[c + THIRD]) - sum_x * sum_x * share
        yy = (tail[c + FOURTH] + head[c + FOURTH]) - sum_y * sum_y * share
        xy = (tail[c + FIFTH] + head[c + FIFTH]) - sum_x * sum_y * share
        value = xy / np.sqrt((0.0 if xx < 0.0 else xx) * (0.0 if yy < 0.0 else yy))
        value = 1.0 if 1.0 < value < np.inf else (-1.0 if -1.0 > value > -np.inf else value)
        out[c] = value + (value - value)


@step
def _slope(tail, head, n, kind, out):  # type: ignore[no-untyped-def]
    share = 1.0 / n
    for c in range(out.size):
        sum_x, sum_y = tail[c] + head[c], tail[c + SECOND] + head[c + SECOND]
        yy = (tail[c + FOURTH] + head[c + FOURTH]) - sum_y * sum_y * share
        xy = (tail[c + FIFTH] + head[c + FIFTH]) - sum_x * sum_y * share
        value = xy / (n - 1.0) if kind == COVARIANCE else xy / (0.0 if yy < 0.0 else yy)
        out[c] = value + (value - value)


@step
def _residual(x, y, pivot_x, pivot_y, tail, head, n, out):  # type: ignore[no-untyped-def]
    share = 1.0 / n
    for c in range(out.size):
        sum_x, sum_y = tail[c] + head[c], tail[c + SECOND] + head[c + SECOND]
        yy = (tail[c + FOURTH] + head[c + FOURTH]) - sum_y * sum_y * share
        xy = (tail[c + FIFTH] + head[c + FIFTH]) - sum_x * sum_y * share
        slope = xy / (0.0 if yy < 0.0 else yy)
        off_x, off_y = (np.float64(x[c]) - pivot_x[c]) - sum_x * share, (np.float64(y[c]) - pivot_y[c]) - sum_y * share
        value = off_x - slope * off_y
        out[c] = value + (value - value)
