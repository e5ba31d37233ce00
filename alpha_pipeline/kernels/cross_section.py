"""
Across symbols, bar by bar: ranks, centring, scaling, clipping, regression on another series.

Absent symbols (NaN) take no part and stay NaN.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, IN_BITS, INT, OUT, OUT_BITS, kernel
from alpha_pipeline.panel import Array

KEYS = 32_768  # sort keys held at a time, 256 kB

DEMEAN, ZSCORE, SCALE = 0, 1, 2


def rank(x: Array, out: Array) -> None:
    """
    Rank among the symbols present, as a fraction in (0, 1]; ties get average ranks.

    Each row is sorted as whole numbers that hold a value's leading bits and its column, which numpy sorts with vector
    instructions; runs of equal leading bits are then put in exact order.
    """
    bars, symbols = x.shape
    bits = max(1, int(symbols - 1).bit_length())
    rows = max(1, KEYS // max(1, symbols))
    keys = np.empty((min(rows, bars), symbols), np.int64)
    for start in range(0, bars, rows):
        block, target = x[start : start + rows], out[start : start + rows]
        held = keys[: len(block)]
        _pack(block.view(np.int64), bits, held)
        held.sort(axis=1)
        _unpack(block, held, bits, target)


@kernel(IN_BITS, INT, OUT_BITS)
def _pack(x, bits, keys):  # type: ignore[no-untyped-def]  # numba infers these
    low = (1 << bits) - 1
    for t in range(keys.shape[0]):
        for c in range(keys.shape[1]):
            raw = x[t, c]
            if raw == -9223372036854775808:
                raw = 0  # minus zero ranks as zero
            # Whole numbers in the order of the floats they hold; NaN (all exponent bits and some below) goes last.
            key = raw if raw >= 0 else raw ^ 0x7FFFFFFFFFFFFFFF
            missing = (raw & 0x7FFFFFFFFFFFFFFF) > 0x7FF0000000000000
            keys[t, c] = ((0x7FFFFFFFFFFFFFFF if missing else key) & ~low) | c


@kernel(IN, OUT_BITS, INT, OUT)
def _unpack(x, keys, bits, out):  # type: ignore[no-untyped-def]
    low = (1 << bits) - 1
    symbols = x.shape[1]
    for t in range(x.shape[0]):
        present = symbols
        while present > 0 and np.isnan(x[t, keys[t, present - 1] & low]):
            present -= 1
            out[t, keys[t, present] & low] = np.nan
        i = 0
        while i < present:
            j = i + 1
            while j < present and (keys[t, j] >> bits) == (keys[t, i] >> bits):
                # Equal leading bits: insert by exact value.
                moving, place = keys[t, j], j
                value = x[t, moving & low]
                while place > i and x[t, keys[t, place - 1] & low] > value:
                    keys[t, place] = keys[t, place - 1]
                    place -= 1
                keys[t, place] = moving
                j += 1
            while i < j:
                value = x[t, keys[t, i] & low]
                last = i
                while last + 1 < j and x[t, keys[t, last + 1] & low] == value:
                    last += 1
                fraction = (i + last + 2) * 0.5 / present
                for k in range(i, last + 1):
                    out[t, keys[t, k] & low] = fraction
                i = last + 1


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
