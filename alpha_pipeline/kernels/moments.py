"""
Moments over the last `window` bars: variance, covariance, correlation, regression on another series or on time.

Plain sums and extremes are in `windows`; the method, binary splitting, is described there.

Everything is kept relative to the newest value of its stretch and joined with the parallel formula of Chan, Golub and
LeVeque (1983): only differences between values of one window enter, so a level of 1e8 costs no digits and a flat window
has a variance of exactly zero.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel

TILE = 32

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
    total, square = np.zeros((4 << top, TILE)), np.zeros((4 << top, TILE))
    t_acc, m_acc = np.empty(TILE), np.empty(TILE)
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            for c in range(width):
                zero = x[t, left + c] - x[t, left + c]
                total[2 + (t & 1), c] = zero
                square[2 + (t & 1), c] = zero
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                n, mask = 1 << (k - 1), (1 << k) - 1
                a, b = (1 << k) + (t & mask), (1 << k) + ((t - n) & mask)
                row = (2 << k) + (t & ((2 << k) - 1))
                inverse = 0.5 / n
                for c in range(width):
                    step = n * (x[t - n, left + c] - x[t, left + c])
                    older = total[b, c] + step
                    gap = total[a, c] - older
                    total[row, c] = total[a, c] + older
                    square[row, c] = square[a, c] + square[b, c] + gap * gap * inverse
            if t < window - 1:
                out[t, left : left + width] = np.nan
                continue
            size = 0
            for k in range(top + 1):
                if not window & (1 << k):
                    continue
                n = 1 << k
                b = (2 << k) + ((t - size) & ((2 << k) - 1))
                if size == 0:
                    t_acc[:width] = total[b, :width]
                    m_acc[:width] = square[b, :width]
                else:
                    weight = size * n / (size + n)
                    for c in range(width):
                        d = x[t - size, left + c] - x[t, left + c]
                        gap = t_acc[c] / size - total[b, c] / n - d
                        t_acc[c] += total[b, c] + n * d
                        m_acc[c] += square[b, c] + gap * gap * weight
                size += n
            for c in range(width):
                value = m_acc[c] / (window - 1)
                if kind == DEVIATION:
                    value = np.sqrt(value)
                elif kind == ZSCORE:
                    value = -t_acc[c] / window / np.sqrt(value)
                out[t, left + c] = value + (value - value)


@kernel(IN, IN, INT, INT, OUT)
def pair(x, y, window, kind, out):  # type: ignore[no-untyped-def]
    """Covariance, correlation, slope of x on y, or what that regression leaves of the newest x."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    rows = 4 << top
    tx, ty, mx = np.zeros((rows, TILE)), np.zeros((rows, TILE)), np.zeros((rows, TILE))
    my, mxy = np.zeros((rows, TILE)), np.zeros((rows, TILE))
    ax, ay, bx, by, bxy = np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE)
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            for c in range(width):
                zero = (x[t, left + c] - x[t, left + c]) + (y[t, left + c] - y[t, left + c])
                row = 2 + (t & 1)
                tx[row, c] = zero
                ty[row, c] = zero
                mx[row, c] = zero
                my[row, c] = zero
                mxy[row, c] = zero
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                n, mask = 1 << (k - 1), (1 << k) - 1
                a, b = (1 << k) + (t & mask), (1 << k) + ((t - n) & mask)
                row = (2 << k) + (t & ((2 << k) - 1))
                inverse = 0.5 / n
                for c in range(width):
                    older_x = tx[b, c] + n * (x[t - n, left + c] - x[t, left + c])
                    older_y = ty[b, c] + n * (y[t - n, left + c] - y[t, left + c])
                    gap_x, gap_y = tx[a, c] - older_x, ty[a, c] - older_y
                    tx[row, c] = tx[a, c] + older_x
                    ty[row, c] = ty[a, c] + older_y
                    mx[row, c] = mx[a, c] + mx[b, c] + gap_x * gap_x * inverse
                    my[row, c] = my[a, c] + my[b, c] + gap_y * gap_y * inverse
                    mxy[row, c] = mxy[a, c] + mxy[b, c] + gap_x * gap_y * inverse
            if t < window - 1:
                out[t, left : left + width] = np.nan
                continue
            size = 0
            for k in range(top + 1):
                if not window & (1 << k):
                    continue
                n = 1 << k
                b = (2 << k) + ((t - size) & ((2 << k) - 1))
                if size == 0:
                    ax[:width] = tx[b, :width]
                    ay[:width] = ty[b, :width]
                    bx[:width] = mx[b, :width]
                    by[:width] = my[b, :width]
                    bxy[:width] = mxy[b, :width]
                else:
                    weight = size * n / (size + n)
                    for c in range(width):
                        dx = x[t - size, left + c] - x[t, left + c]
                        dy = y[t - size, left + c] - y[t, left + c]
                        gap_x = ax[c] / size - tx[b, c] / n - dx
                        gap_y = ay[c] / size - ty[b, c] / n - dy
                        ax[c] += tx[b, c] + n * dx
                        ay[c] += ty[b, c] + n * dy
                        bx[c] += mx[b, c] + gap_x * gap_x * weight
                        by[c] += my[b, c] + gap_y * gap_y * weight
                        bxy[c] += mxy[b, c] + gap_x * gap_y * weight
                size += n
            for c in range(width):
                if kind == COVARIANCE:
                    value = bxy[c] / (window - 1)
                elif kind == CORRELATION:
                    value = bxy[c] / (np.sqrt(bx[c]) * np.sqrt(by[c]))
                    value = 1.0 if value > 1.0 else (-1.0 if value < -1.0 else value)
                elif kind == BETA:
                    value = bxy[c] / by[c]
                else:
                    value = bxy[c] / by[c] * ay[c] / window - ax[c] / window
                out[t, left + c] = value + (value - value)


@kernel(IN, INT, INT, OUT)
def trend(x, window, kind, out):  # type: ignore[no-untyped-def]
    """Linearly decaying mean, slope per bar, share of variance explained by time, or distance from the fitted line."""
    bars, symbols = x.shape
    top = 0
    while (2 << top) <= window:
        top += 1
    total, aged, square = np.zeros((4 << top, TILE)), np.zeros((4 << top, TILE)), np.zeros((4 << top, TILE))
    t_acc, u_acc, m_acc = np.empty(TILE), np.empty(TILE), np.empty(TILE)
    weights, middle = window * (window + 1) / 2.0, (window - 1) / 2.0
    time_square = window * (window * float(window) - 1.0) / 12.0
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            for c in range(width):
                zero = x[t, left + c] - x[t, left + c]
                total[2 + (t & 1), c] = zero
                aged[2 + (t & 1), c] = zero
                square[2 + (t & 1), c] = zero
            for k in range(1, top + 1):
                if t < (1 << k) - 1:
                    break
                n, mask = 1 << (k - 1), (1 << k) - 1
                a, b = (1 << k) + (t & mask), (1 << k) + ((t - n) & mask)
                row = (2 << k) + (t & ((2 << k) - 1))
                inverse, ages = 0.5 / n, n * n + n * (n - 1) / 2.0
                for c in range(width):
                    d = x[t - n, left + c] - x[t, left + c]
                    older = total[b, c] + n * d
                    gap = total[a, c] - older
                    # Ages of the older half start at n: sum of (n + j) over its values.
                    aged[row, c] = aged[a, c] + (aged[b, c] + n * total[b, c] + ages * d)
                    total[row, c] = total[a, c] + older
                    square[row, c] = square[a, c] + square[b, c] + gap * gap * inverse
            if t < window - 1:
                out[t, left : left + width] = np.nan
                continue
            size = 0
            for k in range(top + 1):
                if not window & (1 << k):
                    continue
                n = 1 << k
                b = (2 << k) + ((t - size) & ((2 << k) - 1))
                if size == 0:
                    t_acc[:width] = total[b, :width]
                    u_acc[:width] = aged[b, :width]
                    m_acc[:width] = square[b, :width]
                else:
                    weight, ages = size * n / (size + n), size * n + n * (n - 1) / 2.0
                    for c in range(width):
                        d = x[t - size, left + c] - x[t, left + c]
                        gap = t_acc[c] / size - total[b, c] / n - d
                        u_acc[c] += aged[b, c] + size * total[b, c] + ages * d
                        t_acc[c] += total[b, c] + n * d
                        m_acc[c] += square[b, c] + gap * gap * weight
                size += n
            for c in range(width):
                slope = -(u_acc[c] - middle * t_acc[c]) / time_square
                if kind == DECAY:
                    value = x[t, left + c] + (window * t_acc[c] - u_acc[c]) / weights
                elif kind == SLOPE:
                    value = slope
                elif kind == RSQUARE:
                    value = slope * slope * time_square / m_acc[c]
                    value = 1.0 if value > 1.0 else value
                else:
                    value = -t_acc[c] / window - slope * middle
                out[t, left + c] = value + (value - value)


@kernel(IN, INT, INT, OUT)
def shape(x, window, kind, out):  # type: ignore[no-untyped-def]
    """Sample skewness, or sample excess kurtosis (both bias-corrected); NaN where the window is flat."""
    bars, symbols = x.shape
    mean, m2, m3, m4 = np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE)
    n = float(window)
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            if t < window - 1:
                out[t, left : left + width] = np.nan
                continue
            mean[:] = 0.0
            m2[:] = 0.0
            m3[:] = 0.0
            m4[:] = 0.0
            for row in range(t - window + 1, t + 1):
                for c in range(width):
                    mean[c] += x[row, left + c] - x[t, left + c]
            for row in range(t - window + 1, t + 1):
                for c in range(width):
                    d = (x[row, left + c] - x[t, left + c]) - mean[c] / n
                    m2[c] += d * d
                    m3[c] += d * d * d
                    m4[c] += d * d * d * d
            for c in range(width):
                variance = m2[c] / n
                if not variance > 0.0:
                    value = np.nan
                elif kind == SKEWNESS:
                    value = np.sqrt(n * (n - 1.0)) / (n - 2.0) * (m3[c] / n) / variance**1.5
                else:
                    ratio = m4[c] / n / (variance * variance)
                    value = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * ratio - 3.0 * (n - 1.0))
                out[t, left + c] = value + (value - value)
