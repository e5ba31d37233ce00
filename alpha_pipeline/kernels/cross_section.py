"""
Across symbols, bar by bar: ranks, centring, scaling, clipping, regression on another series.

Absent symbols (NaN) take no part and stay NaN.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, IN_KEYS, INT, OUT, OUT_KEYS, kernel
from alpha_pipeline.kernels.row_loops import step
from alpha_pipeline.typing import Array

KEYS = 32_768  # sort keys held at a time, 128 kB
KEY_BITS = 31  # of a key: the place of the value, then the column

DEMEAN, ZSCORE, SCALE = 0, 1, 2
GROUP_DEMEAN, GROUP_RANK = 0, 1


def rank(x: Array, out: Array) -> None:
    """
    Rank among the symbols present, as a fraction in (0, 1]; ties get average ranks.

    Each row is sorted as short whole numbers, a value's place between the smallest and the largest beside its column;
    numpy sorts them with vector instructions, 9x faster than 64-bit keys at 500 symbols. Runs of equal places are then
    put in exact order.
    """
    bars, symbols = x.shape
    bits = max(1, int(symbols - 1).bit_length())
    rows = max(1, KEYS // max(1, symbols))
    keys = np.empty((min(rows, bars), symbols), np.int32)
    for start in range(0, bars, rows):
        block, target = x[start : start + rows], out[start : start + rows]
        held = keys[: len(block)]
        _pack(block, bits, held)
        held.sort(axis=1)
        _unpack(block, held, bits, target)


@kernel(IN, INT, OUT_KEYS)
def _pack(x, bits, keys):  # type: ignore[no-untyped-def]  # numba infers these
    missing = (1 << (KEY_BITS - bits)) - 1
    symbols = x.shape[1]
    for t in range(x.shape[0]):
        smallest, largest = np.inf, -np.inf
        for c in range(symbols):
            smallest = x[t, c] if x[t, c] < smallest else smallest
            largest = x[t, c] if x[t, c] > largest else largest
        # Rounding keeps the order: a larger value never gets a smaller place.
        scale = (missing - 1.0) / (largest - smallest)
        scale = scale if scale < 1e300 else 0.0
        for c in range(symbols):
            place = np.int32((np.float64(x[t, c]) - smallest) * scale if x[t, c] == x[t, c] else missing)
            keys[t, c] = (place << bits) | c


@kernel(IN, IN_KEYS, INT, OUT)
def _unpack(x, keys, bits, out):  # type: ignore[no-untyped-def]
    low, missing = (1 << bits) - 1, (1 << (KEY_BITS - bits)) - 1
    symbols = x.shape[1]
    fractions, columns = np.empty(symbols), np.empty(symbols, np.int64)
    known = -1
    for t in range(x.shape[0]):
        present = symbols
        while present > 0 and keys[t, present - 1] >> bits == missing:
            present -= 1
            out[t, keys[t, present] & low] = np.nan
        if present != known:
            known = present
            for i in range(present):
                fractions[i] = (i + 1.0) / present
        i = 0
        while i < present:
            j = i + 1
            while j < present and (keys[t, j] >> bits) == (keys[t, i] >> bits):
                j += 1
            if j == i + 1:
                out[t, keys[t, i] & low] = fractions[i]
                i = j
                continue
            in_order = True
            for k in range(i, j):
                columns[k] = keys[t, k] & low
                in_order &= k == i or x[t, columns[k]] >= x[t, columns[k - 1]]
            if not in_order:
                _sort_by_value(x[t], columns[i:j])
            while i < j:
                last = i
                while last + 1 < j and x[t, columns[last + 1]] == x[t, columns[i]]:
                    last += 1
                for k in range(i, last + 1):
                    out[t, columns[k]] = (i + last + 2) * 0.5 / present
                i = last + 1


@step
def _sort_by_value(values, columns):  # type: ignore[no-untyped-def]
    """Shell sort with Ciura's gaps: a run is short unless values crowd beside an outlier."""
    for gap in (301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, columns.size):
            moving, place = columns[i], i
            while place >= gap and values[columns[place - gap]] > values[moving]:
                columns[place] = columns[place - gap]
                place -= gap
            columns[place] = moving


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


def winsorize(x: Array, fraction: float, out: Array) -> None:
    """Clipped to the quantiles `fraction` and 1 - `fraction` of the bar, linear between neighbours."""
    rows = max(1, KEYS // max(1, x.shape[1]))
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        _clip(block, np.sort(block, axis=1), fraction, out[start : start + rows])  # NaN sorts to the end


@kernel(IN, IN, FLOAT, OUT)
def _clip(x, ordered, fraction, out):  # type: ignore[no-untyped-def]
    bars, symbols = x.shape
    for t in range(bars):
        present = symbols
        while present > 0 and np.isnan(ordered[t, present - 1]):
            present -= 1
        if present == 0:
            out[t] = np.nan
            continue
        place = fraction * (present - 1)
        i = int(place)
        j = min(i + 1, present - 1)
        low, high = ordered[t, i], ordered[t, present - 1 - i]
        low += (ordered[t, j] - low) * (place - i)
        high -= (high - ordered[t, present - 1 - j]) * (place - i)
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
    """Within the symbols of equal `group`: minus the mean (0), or rank in (0, 1], average for ties (1)."""
    bars, symbols = x.shape
    member = np.empty(symbols, np.int64)
    size, tally, seen = np.empty(symbols, np.int64), np.zeros(symbols, np.int64), np.empty(symbols, np.int64)
    first, total = np.empty(symbols), np.empty(symbols)
    for t in range(bars):
        if t == 0 or not _same(group[t], group[t - 1]):
            _number_groups(group[t], member)
        size[:] = 0
        total[:] = 0.0
        for c in range(symbols):
            value, g = x[t, c], member[c]
            if g >= 0 and value == value:
                if size[g] == 0:
                    first[g] = value
                total[g] += value - first[g]
                size[g] += 1
        if kind == GROUP_DEMEAN:
            for c in range(symbols):
                g = member[c]
                out[t, c] = (x[t, c] - first[g]) - total[g] / size[g] if g >= 0 and x[t, c] == x[t, c] else np.nan
            continue
        order = np.argsort(x[t])
        seen[:] = 0
        i = 0
        while i < symbols:
            j = i
            while j < symbols and (x[t, order[j]] == x[t, order[i]] or j == i):
                if member[order[j]] >= 0:
                    tally[member[order[j]]] += 1
                j += 1
            for k in range(i, j):
                c = order[k]
                g = member[c]
                if g >= 0 and x[t, c] == x[t, c]:
                    out[t, c] = (seen[g] + (tally[g] + 1) * 0.5) / size[g]
                else:
                    out[t, c] = np.nan
            for k in range(i, j):
                g = member[order[k]]
                if g >= 0:
                    seen[g] += tally[g]
                    tally[g] = 0
            i = j


@step
def _same(a, b):  # type: ignore[no-untyped-def]
    same = True
    for c in range(a.size):
        same &= (a[c] == b[c]) | ((a[c] != a[c]) & (b[c] != b[c]))
    return same


@step
def _number_groups(group, member):  # type: ignore[no-untyped-def]
    """Number the distinct values from 0 in order; -1 for an absent group."""
    order = np.argsort(group)
    number = -1
    for i in range(group.size):
        c = order[i]
        if group[c] != group[c]:
            member[c] = -1
            continue
        if i == 0 or group[c] != group[order[i - 1]]:
            number += 1
        member[c] = number
