"""
Weights of a bar and their life through time: legs by rank, trades at execution bars, drift, costs where they fall.

What the prices, targets and cost rates are is decided in `backtest`.
"""

import numpy as np
from numba import types

from alpha_pipeline.kernels.compiled import FLOAT, IN, INT, OUT, kernel

FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
GROSS, NET, TURNOVER = 0, 1, 2


@kernel(IN, FLOAT, INT, OUT, narrow=False)
def legs(fractions, quantile, minimum_breadth, out):  # type: ignore[no-untyped-def]  # numba infers these
    """
    Membership of the top leg minus that of the bottom leg, each leg summing to one.

    `fractions` are average ranks over the symbols present. A leg has round(quantile * present) places, halves down, at
    least one and at most half of the symbols; symbols tied across its edge share the places left.
    """
    bars, symbols = fractions.shape
    ranks = np.empty(symbols)
    for t in range(bars):
        present = 0
        for c in range(symbols):
            out[t, c] = 0.0
            present += fractions[t, c] == fractions[t, c]
        if present < minimum_breadth or present < 2:
            continue
        places = int(np.ceil(quantile * present - 0.5))
        places = min(max(places, 1), present // 2)
        for side in range(2):
            for c in range(symbols):
                rank = fractions[t, c] * present
                ranks[c] = rank if side == 0 else present + 1.0 - rank
            edge, above, lowest, highest = present - places + 0.5, 0, np.inf, -np.inf
            for c in range(symbols):
                if ranks[c] > edge:
                    above += 1
                    lowest = min(lowest, ranks[c])
                elif ranks[c] <= edge:
                    highest = max(highest, ranks[c])
            # The group of ties that straddles the edge, if there is one, has the average rank `tied`.
            tied = np.inf if above == places else (lowest if above > places else highest)
            group, inside = 0, 0
            for c in range(symbols):
                group += abs(ranks[c] - tied) < 1e-6
                inside += ranks[c] > tied + 1e-6 if above != places else ranks[c] > edge
            share = (places - inside) / group if group > 0 else 0.0
            sign = 1.0 if side == 0 else -1.0
            for c in range(symbols):
                if abs(ranks[c] - tied) < 1e-6:
                    out[t, c] += sign * share / places
                elif (ranks[c] > tied) if above != places else (ranks[c] > edge):
                    out[t, c] += sign / places


@kernel(IN, FLAGS, IN, IN, IN, FLOAT, FLOAT, OUT, OUT, narrow=False)
def hold(targets, trade, returns, funding, impact, cost_rate, borrow_rate, held, out):  # type: ignore[no-untyped-def]
    """
    Hold the targets through time.

    Row t of `returns` and `funding` is earned and paid from the fill at t to that at t + 1 by the weights held after
    the trade at t. A NaN target cannot be traded at that bar and keeps its drifted weight. A NaN return means that the
    symbol is not there: its weight turns to cash. Weights drift with returns and costs; the first trade pays for the
    whole entry. Impact costs `impact` times the change to the power 3/2. A book that has lost everything stays empty.

    Args of the output: `held` the weights after each trade; columns of `out` are gross return, net return and turnover
    (half the sum of absolute weight changes).
    """
    bars, symbols = returns.shape
    weights = np.zeros(symbols)
    ruined = False
    for t in range(bars):
        traded, cost = 0.0, 0.0
        for c in range(symbols):
            if returns[t, c] != returns[t, c]:
                weights[c] = 0.0
        if trade[t] and not ruined:
            for c in range(symbols):
                target = targets[t, c]
                if target == target:
                    change = abs(target - weights[c])
                    traded += change
                    cost += change * (cost_rate + impact[t, c] * np.sqrt(change))
                    weights[c] = target
        gross = 0.0
        for c in range(symbols):
            held[t, c] = weights[c]
            r = returns[t, c]
            if r == r:
                gross += weights[c] * r
                cost += weights[c] * funding[t, c] + max(-weights[c], 0.0) * borrow_rate
        net = gross - cost
        if net <= -1.0:
            net, ruined = -1.0, True
        out[t, 0] = gross
        out[t, 1] = net
        out[t, 2] = traded * 0.5
        for c in range(symbols):
            r = returns[t, c]
            weights[c] = 0.0 if ruined else weights[c] * (1.0 + r) / (1.0 + net)


@kernel(IN, IN, INT, OUT, narrow=False)
def correlate(x, y, minimum_breadth, out):  # type: ignore[no-untyped-def]
    """Pearson correlation of each row over the cells where both are present, in column 0 of `out`; NaN when flat."""
    bars, symbols = x.shape
    for t in range(bars):
        n, sx, sy = 0, 0.0, 0.0
        for c in range(symbols):
            if x[t, c] == x[t, c] and y[t, c] == y[t, c]:
                n += 1
                sx += x[t, c]
                sy += y[t, c]
        out[t, 0] = np.nan
        if n < minimum_breadth:
            continue
        mx, my, xx, yy, xy = sx / n, sy / n, 0.0, 0.0, 0.0
        for c in range(symbols):
            if x[t, c] == x[t, c] and y[t, c] == y[t, c]:
                dx, dy = x[t, c] - mx, y[t, c] - my
                xx += dx * dx
                yy += dy * dy
                xy += dx * dy
        spread = np.sqrt(xx * yy)
        if spread > 1e-12:
            out[t, 0] = xy / spread
