"""
Kernels with infinite memory: exponentially weighted means.

They agree between a slice and full history once their declared warm-up has passed, to 1e-9.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel


@kernel(IN, FLOAT, INT, INT, OUT)
def weighted_mean(x, alpha, adjust, min_count, out):  # type: ignore[no-untyped-def]  # numba infers these
    """
    Mean with weights (1 - alpha)**age, newest heaviest.

    adjust 1 divides by the weights present; 0 starts from the first value and moves by alpha. A bar without a value
    ages the others and gives NaN itself; NaN until `min_count` values were seen.
    """
    bars, symbols = x.shape
    mean, weight, count = np.zeros(symbols), np.zeros(symbols), np.zeros(symbols)
    fresh = 1.0 if adjust == 1 else alpha
    for t in range(bars):
        for c in range(symbols):
            value = x[t, c]
            old = weight[c] * (1.0 - alpha)
            if value == value:
                if count[c] == 0.0:
                    mean[c] = value
                    weight[c] = 1.0
                else:
                    mean[c] += (value - mean[c]) * (fresh / (old + fresh))
                    weight[c] = old + fresh if adjust == 1 else 1.0
                count[c] += 1.0
                out[t, c] = mean[c] if count[c] >= min_count else np.nan
            else:
                weight[c] = old
                out[t, c] = np.nan
