"""One pass over factor values: how many there are, how far apart, whether they move. What is enough is judged above."""

import numpy as np

from alpha_pipeline.kernels.compiled import IN, OUT, kernel
from alpha_pipeline.typing import Array

PRICED, VALUED, PRESENT, SMALLEST, LARGEST, COMPARED, MOVED = range(7)


def of(values: Array, prices: Array) -> Array:
    """(bars, 7): one row per bar of (bars, symbols) values and prices, in the columns named above."""
    out = np.empty((len(values), 7))
    _survey(np.ascontiguousarray(values, dtype=float), np.ascontiguousarray(prices, dtype=float), out)
    return out


@kernel(IN, IN, OUT, narrow=False)
def _survey(values, prices, out):  # type: ignore[no-untyped-def]  # numba infers these
    """
    Per bar, in the columns of `out`: cells with a finite price, those of them with a finite value, finite values,
    the smallest and the largest of what is not NaN, whether any symbol can be compared with the bar before, and whether
    any such symbol moved.
    """
    bars, symbols = values.shape
    for t in range(bars):
        priced, valued, present, smallest, largest = 0, 0, 0, np.inf, -np.inf
        for c in range(symbols):
            value, price = values[t, c], prices[t, c]
            priced += price - price == 0.0
            valued += (price - price == 0.0) & (value - value == 0.0)
            present += value - value == 0.0
            smallest = value if value < smallest else smallest
            largest = value if value > largest else largest
        out[t, PRICED], out[t, VALUED], out[t, PRESENT] = priced, valued, present
        out[t, SMALLEST], out[t, LARGEST] = smallest, largest
        compared, moved, c = False, False, 0
        while t > 0 and c < symbols and not moved:
            value, before = values[t, c], values[t - 1, c]
            if value - value == 0.0 and before - before == 0.0:
                compared, moved = True, value != before
            c += 1
        out[t, COMPARED], out[t, MOVED] = compared, moved
