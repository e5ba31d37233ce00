"""
Across symbols, bar by bar: ranks, centring, scaling, clipping, regression on another series.

Absent symbols (NaN) take no part and stay NaN.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel

DEMEAN, ZSCORE, SCALE = 0, 1, 2


@kernel(IN, OUT)
def rank(x, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Rank among the symbols present, as a fraction in (0, 1]; ties get average ranks."""
    bars, symbols = x.shape
    values = np.empty(symbols)
    columns = np.empty(symbols, np.int64)
    for t in range(bars):
        present = 0
        for c in range(symbols):
            out[t, c] = np.nan
            if x[t, c] == x[t, c]:
                values[present] = x[t, c]
                columns[present] = c
                present += 1
        order = np.argsort(values[:present])
        i = 0
        while i < present:
            j = i
            while j + 1 < present and values[order[j + 1]] == values[order[i]]:
                j += 1
            fraction = (i + j + 2) * 0.5 / present
            for k in range(i, j + 1):
                out[t, columns[order[k]]] = fraction
            i = j + 1


@kernel(IN, INT, FLOAT, OUT)
def centre(x, kind, target, out):  # type: ignore[no-untyped-def]
    """Minus the mean; that over the sample deviation; or divided by the sum of sizes and multiplied by `target`."""
    bars, symbols = x.shape
    for t in range(bars):
        first, present, total = 0.0, 0, 0.0
        for c in range(symbols):
            value = x[t, c]
            if value == value:
                if present == 0:
                    first = value
                total += abs(value) if kind == SCALE else value - first
                present += 1
        if kind == SCALE:
            for c in range(symbols):
                value = x[t, c] / total * target
                out[t, c] = value + (value - value)
            continue
        mean, square = total / max(present, 1), 0.0
        if kind == ZSCORE:
            for c in range(symbols):
                d = (x[t, c] - first) - mean
                square += d * d if d == d else 0.0
        divisor = np.sqrt(square / (present - 1.0)) if kind == ZSCORE else 1.0
        for c in range(symbols):
            value = ((x[t, c] - first) - mean) / divisor
            out[t, c] = value + (value - value)


@kernel(IN, FLOAT, OUT)
def winsorize(x, fraction, out):  # type: ignore[no-untyped-def]
    """Clipped to the quantiles `fraction` and 1 - `fraction` of the bar, linear between neighbours."""
    bars, symbols = x.shape
    values = np.empty(symbols)
    for t in range(bars):
        present = 0
        for c in range(symbols):
            if x[t, c] == x[t, c]:
                values[present] = x[t, c]
                present += 1
        if present == 0:
            out[t] = np.nan
            continue
        ordered = np.sort(values[:present])
        place = fraction * (present - 1)
        i = int(place)
        j = min(i + 1, present - 1)
        low = ordered[i] + (ordered[j] - ordered[i]) * (place - i)
        high = ordered[present - 1 - i] - (ordered[present - 1 - i] - ordered[present - 1 - j]) * (place - i)
        for c in range(symbols):
            value = x[t, c]
            out[t, c] = low if value < low else (high if value > high else value)


@kernel(IN, IN, OUT)
def neutralize(x, y, out):  # type: ignore[no-untyped-def]
    """What a regression of x on y across symbols leaves of x; NaN with fewer than three pairs."""
    bars, symbols = x.shape
    for t in range(bars):
        # Sums are taken from the first pair, so that a common level costs no digits.
        present, sx, sy, first_x, first_y = 0, 0.0, 0.0, 0.0, 0.0
        for c in range(symbols):
            both = x[t, c] + y[t, c]
            if both == both:
                if present == 0:
                    first_x, first_y = x[t, c], y[t, c]
                sx += x[t, c] - first_x
                sy += y[t, c] - first_y
                present += 1
        mean_x, mean_y = sx / max(present, 1), sy / max(present, 1)
        xy, yy = 0.0, 0.0
        for c in range(symbols):
            dx, dy = (x[t, c] - first_x) - mean_x, (y[t, c] - first_y) - mean_y
            if dx + dy == dx + dy:
                xy += dx * dy
                yy += dy * dy
        slope = xy / yy if yy > 0.0 else 0.0
        for c in range(symbols):
            value = ((x[t, c] - first_x) - mean_x) - slope * ((y[t, c] - first_y) - mean_y)
            out[t, c] = value + (value - value) if present >= 3 else np.nan


@kernel(IN, IN, INT, OUT)
def by_group(x, group, kind, out):  # type: ignore[no-untyped-def]
    """Within the symbols of equal `group`: minus the mean (0), or rank as a fraction in (0, 1] (1)."""
    bars, symbols = x.shape
    for t in range(bars):
        for c in range(symbols):
            value, same = x[t, c], group[t, c]
            total, present, below, equal = 0.0, 0, 0, 0
            for other in range(symbols):
                seen = x[t, other]
                if group[t, other] == same and seen == seen:
                    total += seen
                    present += 1
                    below += seen < value
                    equal += seen == value
            if present == 0 or value != value:
                out[t, c] = np.nan
            elif kind == 0:
                out[t, c] = value - total / present
            else:
                out[t, c] = (below + (equal + 1) * 0.5) / present
