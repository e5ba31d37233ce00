"""
Holding a portfolio through time: trades at execution bars, drift in between, costs where they fall.
"""

import numpy as np
from numba import types

from alpha_pipeline.kernels.compiled import FLOAT, IN, OUT, kernel

FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
GROSS, NET, TURNOVER = 0, 1, 2


@kernel(IN, FLAGS, IN, FLOAT, FLOAT, OUT)
def hold(targets, trade, returns, cost_rate, borrow_rate, out):  # type: ignore[no-untyped-def]  # numba infers these
    """
    Columns of `out`, per bar: gross return, net return, turnover (half the sum of absolute weight changes).

    Row t of `returns` is earned from t to t + 1 by the weights held after the trade at t. A weight whose return is
    NaN earns nothing. Weights drift with returns between trades; the first trade pays for the whole entry.
    """
    bars, symbols = returns.shape
    weights = np.zeros(symbols)
    for t in range(bars):
        traded = 0.0
        if trade[t]:
            for c in range(symbols):
                target = targets[t, c] if targets[t, c] == targets[t, c] else 0.0
                traded += abs(target - weights[c])
                weights[c] = target
        gross, short = 0.0, 0.0
        for c in range(symbols):
            r = returns[t, c] if returns[t, c] == returns[t, c] else 0.0
            gross += weights[c] * r
            short += max(-weights[c], 0.0)
        out[t, 0] = gross
        out[t, 1] = gross - traded * cost_rate - short * borrow_rate
        out[t, 2] = traded * 0.5
        for c in range(symbols):
            r = returns[t, c] if returns[t, c] == returns[t, c] else 0.0
            weights[c] = weights[c] * (1.0 + r) / max(1.0 + gross, 1e-9)
