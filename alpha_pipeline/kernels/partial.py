"""
Reductions over the values present in a window, when a minimum count of them is enough.

The strict kernels, which need every value, are in `windows` and `moments`; bars before the first count as absent.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, INT, OUT, kernel

SUM, MEAN, DEVIATION, MINIMUM, MAXIMUM, COUNT, LAST = 0, 1, 2, 3, 4, 5, 6
TILE = 64


@kernel(IN, INT, INT, INT, OUT)
def reduce_present(x, window, min_count, kind, out):  # type: ignore[no-untyped-def]  # numba infers these
    """Sum, mean, sample deviation, extremes, count or latest of the values present among the last `window` bars."""
    bars, symbols = x.shape
    count, first, total, square = np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE)
    for left in range(0, symbols, TILE):
        width = min(TILE, symbols - left)
        for t in range(bars):
            count[:] = 0.0
            total[:] = 0.0
            square[:] = 0.0
            start = max(0, t - window + 1)
            for row in range(start, t + 1):
                for c in range(width):
                    value = x[row, left + c]
                    if value != value:
                        continue
                    if count[c] == 0.0:
                        first[c] = value
                        total[c] = value if kind >= MINIMUM else 0.0
                    count[c] += 1.0
                    if kind == MINIMUM:
                        total[c] = min(total[c], value)
                    elif kind == MAXIMUM:
                        total[c] = max(total[c], value)
                    elif kind == LAST:
                        total[c] = value
                    elif kind == SUM:
                        total[c] += value
                    else:
                        total[c] += value - first[c]
            if kind == DEVIATION:
                for row in range(start, t + 1):
                    for c in range(width):
                        d = (x[row, left + c] - first[c]) - total[c] / count[c]
                        square[c] += d * d if d == d else 0.0
            for c in range(width):
                if kind == COUNT:
                    value = count[c]
                elif kind == MEAN:
                    value = first[c] + total[c] / count[c]
                elif kind == DEVIATION:
                    value = np.sqrt(square[c] / (count[c] - 1.0))
                else:
                    value = total[c]
                enough = count[c] >= max(min_count, 0 if kind in (COUNT, SUM) else 1)
                out[t, left + c] = value + (value - value) if enough else np.nan
