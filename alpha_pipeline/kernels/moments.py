"""
Moments over the last `window` bars: variance, covariance, correlation, regression on another series or on time.

Plain sums and extremes are in `windows`; the method, binary splitting, is described there.

Everything is kept relative to the newest value of its stretch and joined with the parallel formula of Chan, Golub and
LeVeque (1983): only differences between values of one window enter, so a level of 1e8 costs no digits and a flat window
has a variance of exactly zero.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel
from alpha_pipeline.kernels.rows import (
    add,
    blank,
    copy,
    join_ages,
    join_products,
    join_squares,
    rebase,
    step,
    zero_where_present,
)

TILE = 256  # columns worked on together: the levels of one tile stay in the second-level cache

VARIANCE, DEVIATION, ZSCORE = 0, 1, 2
COVARIANCE, CORRELATION, BETA, RESIDUAL = 0, 1, 2, 3
DECAY, SLOPE, RSQUARE, TREND_RESIDUAL = 0, 1, 2, 3
SKEWNESS, KURTOSIS = 0, 1


@kernel(IN, INT, INT, OUT)
def spread(x, window, kind, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Sample variance, standard deviation (both with window - 1), or distance from the mean in deviations."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        total, square = np.empty((4 << top, width)), np.empty((4 << top, width))
        older, t_a, t_b, m_a, m_b = np.empty(width), np.empty(width), np.empty(width), np.empty(width), np.empty(width)
        for t in range(bars):
            now = x[t, left : left + width]
            zero_where_present(now, total[2 + (t & 1)])
            zero_where_present(now, square[2 + (t & 1)])
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                n, mask = 1 << (k - 1), (1 << k) - 1
                i, j, row = (1 << k) + (t & mask), (1 << k) + ((t - n) & mask), (2 << k) + (t & ((2 << k) - 1))
                newer = total[i]
                rebase(total[j], n, x[t - n, left : left + width], now, older)
                add(newer, older, total[row])
                join_squares(square[i], square[j], newer, older, 1.0, 1.0, 0.5 / n, square[row])
            target = out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            size = 0
            for k in range(top + 1):
                if not window & (1 << k):
                    continue
                n, row = 1 << k, (2 << k) + ((t - size) & ((2 << k) - 1))
                if size == 0:
                    copy(total[row], t_a)
                    copy(square[row], m_a)
                else:
                    rebase(total[row], n, x[t - size, left : left + width], now, older)
                    weight = size * n / (size + n)
                    join_squares(m_a, square[row], t_a, older, 1.0 / size, 1.0 / n, weight, m_b)
                    add(t_a, older, t_b)
                    t_a, t_b, m_a, m_b = t_b, t_a, m_b, m_a
                size += n
            for c in range(width):
                value = m_a[c] / (window - 1)
                if kind == DEVIATION:
                    value = np.sqrt(value)
                elif kind == ZSCORE:
                    value = -t_a[c] / window / np.sqrt(value)
                target[c] = value + (value - value)


@kernel(IN, IN, INT, INT, OUT)
def pair(x, y, window, kind, out):  # type: ignore[no-untyped-def]
    """Covariance, correlation, slope of x on y, or what that regression leaves of the newest x."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        # Parts: sum of x, sum of y, squares of x, squares of y, products.
        ring, acc, new = np.empty((4 << top, 5, width)), np.empty((5, width)), np.empty((5, width))
        older_x, older_y = np.empty(width), np.empty(width)
        for t in range(bars):
            now_x, now_y = x[t, left : left + width], y[t, left : left + width]
            zero_where_present(now_x, older_x)
            zero_where_present(now_y, older_y)
            for part in range(5):
                add(older_x, older_y, ring[2 + (t & 1), part])
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                n, mask = 1 << (k - 1), (1 << k) - 1
                i, j, row = (1 << k) + (t & mask), (1 << k) + ((t - n) & mask), (2 << k) + (t & ((2 << k) - 1))
                rebase(ring[j, 0], n, x[t - n, left : left + width], now_x, older_x)
                rebase(ring[j, 1], n, y[t - n, left : left + width], now_y, older_y)
                _join_pair(ring[i], ring[j], older_x, older_y, 1.0, 1.0, 0.5 / n, ring[row])
            target = out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            size = 0
            for k in range(top + 1):
                if not window & (1 << k):
                    continue
                n, row = 1 << k, (2 << k) + ((t - size) & ((2 << k) - 1))
                if size == 0:
                    for part in range(5):
                        copy(ring[row, part], acc[part])
                else:
                    rebase(ring[row, 0], n, x[t - size, left : left + width], now_x, older_x)
                    rebase(ring[row, 1], n, y[t - size, left : left + width], now_y, older_y)
                    weight = size * n / (size + n)
                    _join_pair(
                        acc,
                        ring[row],
                        older_x,
                        older_y,
                        1.0 / size,
                        1.0 / n,
                        weight,
                        new,
                    )
                    acc, new = new, acc
                size += n
            _pair_result(acc, window, kind, target)


@step
def _join_pair(a, b, older_x, older_y, p, q, weight, target):  # type: ignore[no-untyped-def]
    join_squares(a[2], b[2], a[0], older_x, p, q, weight, target[2])
    join_squares(a[3], b[3], a[1], older_y, p, q, weight, target[3])
    join_products(a[4], b[4], a[0], older_x, a[1], older_y, p, q, weight, target[4])
    add(a[0], older_x, target[0])
    add(a[1], older_y, target[1])


@step
def _pair_result(acc, window, kind, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        xx, yy, xy = acc[2, c], acc[3, c], acc[4, c]
        if kind == COVARIANCE:
            value = xy / (window - 1)
        elif kind == CORRELATION:
            value = xy / (np.sqrt(xx) * np.sqrt(yy))
            value = 1.0 if value > 1.0 else (-1.0 if value < -1.0 else value)
        elif kind == BETA:
            value = xy / yy
        else:
            value = xy / yy * acc[1, c] / window - acc[0, c] / window
        target[c] = value + (value - value)


@kernel(IN, INT, INT, OUT)
def trend(x, window, kind, out):  # type: ignore[no-untyped-def]
    """Linearly decaying mean, slope per bar, share of variance explained by time, or distance from the fitted line."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        # Parts: sum, age-weighted sum, squares.
        ring, acc, new = np.zeros((4 << top, 3, width)), np.zeros((3, width)), np.zeros((3, width))
        older = np.empty(width)
        for t in range(bars):
            now = x[t, left : left + width]
            for part in range(3):
                zero_where_present(now, ring[2 + (t & 1), part])
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                n, mask = 1 << (k - 1), (1 << k) - 1
                i, j, row = (1 << k) + (t & mask), (1 << k) + ((t - n) & mask), (2 << k) + (t & ((2 << k) - 1))
                then = x[t - n, left : left + width]
                rebase(ring[j, 0], n, then, now, older)
                _join_trend(ring[i], ring[j], older, then, now, n, n, kind, ring[row])
            target = out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            size = 0
            for k in range(top + 1):
                if not window & (1 << k):
                    continue
                n, row = 1 << k, (2 << k) + ((t - size) & ((2 << k) - 1))
                if size == 0:
                    for part in range(3):
                        copy(ring[row, part], acc[part])
                else:
                    then = x[t - size, left : left + width]
                    rebase(ring[row, 0], n, then, now, older)
                    _join_trend(acc, ring[row], older, then, now, size, n, kind, new)
                    acc, new = new, acc
                size += n
            _trend_result(acc, now, window, kind, target)


@step
def _join_trend(a, b, older, then, now, size, n, kind, target):  # type: ignore[no-untyped-def]
    # Ages of the older stretch begin at `size`: sum of (size + j) over its n values.
    join_ages(a[1], b[1], b[0], size, then, now, size * n + n * (n - 1) / 2.0, target[1])
    if kind == RSQUARE:
        join_squares(a[2], b[2], a[0], older, 1.0 / size, 1.0 / n, size * n / (size + n), target[2])
    add(a[0], older, target[0])


@step
def _trend_result(acc, now, window, kind, target):  # type: ignore[no-untyped-def]
    weights, middle = window * (window + 1) / 2.0, (window - 1) / 2.0
    time_square = window * (window * float(window) - 1.0) / 12.0
    for c in range(target.size):
        slope = (middle * acc[0, c] - acc[1, c]) / time_square
        if kind == DECAY:
            value = now[c] + (window * acc[0, c] - acc[1, c]) / weights
        elif kind == SLOPE:
            value = slope
        elif kind == RSQUARE:
            value = slope * slope * time_square / acc[2, c]
            value = 1.0 if value > 1.0 else value
        else:
            value = -acc[0, c] / window - slope * middle
        target[c] = value + (value - value)


@kernel(IN, INT, INT, OUT)
def shape(x, window, kind, out):  # type: ignore[no-untyped-def]
    """Sample skewness, or sample excess kurtosis (both bias-corrected); NaN where the window is flat."""
    bars, symbols = x.shape
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        mean, squares, higher = np.empty(width), np.empty(width), np.empty(width)
        for t in range(bars):
            now, target = x[t, left : left + width], out[t, left : left + width]
            if t < window - 1:
                blank(target)
                continue
            zero_where_present(now, mean)
            zero_where_present(now, squares)
            zero_where_present(now, higher)
            for row in range(t - window + 1, t):
                _add_difference(x[row, left : left + width], now, mean)
            for row in range(t - window + 1, t + 1):
                _add_powers(x[row, left : left + width], now, mean, 1.0 / window, kind, squares, higher)
            _shape_result(squares, higher, float(window), kind, target)


@step
def _add_difference(then, now, total):  # type: ignore[no-untyped-def]
    for c in range(total.size):
        total[c] += then[c] - now[c]


@step
def _add_powers(row, now, total, share, kind, squares, higher):  # type: ignore[no-untyped-def]
    if kind == SKEWNESS:
        for c in range(total.size):
            d = (row[c] - now[c]) - total[c] * share
            squares[c] += d * d
            higher[c] += d * d * d
    else:
        for c in range(total.size):
            d = (row[c] - now[c]) - total[c] * share
            squares[c] += d * d
            higher[c] += (d * d) * (d * d)


@step
def _shape_result(squares, higher, n, kind, target):  # type: ignore[no-untyped-def]
    for c in range(target.size):
        variance = squares[c] / n
        if not variance > 0.0:
            value = np.nan
        elif kind == SKEWNESS:
            value = np.sqrt(n * (n - 1.0)) / (n - 2.0) * (higher[c] / n) / (variance * np.sqrt(variance))
        else:
            ratio = higher[c] / n / (variance * variance)
            value = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * ratio - 3.0 * (n - 1.0))
        target[c] = value + (value - value)
