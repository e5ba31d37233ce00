"""
Weights of a bar and their life through time: legs by rank, trades at execution bars, drift, costs where they fall.

What the prices, targets and cost rates are is decided in `backtest`.
"""

import numpy as np
from numba import types

from alpha_pipeline.kernels.compiled import FLAGS, FLOAT, IN, INT, OUT, kernel
from alpha_pipeline.kernels.row_loops import row_sum, step

PLACES = types.Array(types.int64, 1, "C", readonly=True)
GROSS, NET, TURNOVER, EXPOSURE = 0, 1, 2, 3


@kernel(IN, FLOAT, INT, FLOAT, FLOAT, OUT, narrow=False)
def legs(fractions, quantile, minimum_breadth, size, cap, out):  # type: ignore[no-untyped-def]  # numba infers these
    """
    Membership of the top leg minus that of the bottom leg, each leg summing to `size`; no weight larger than `cap`.

    `fractions` are average ranks over the symbols present. A leg has round(quantile * present) places, halves down, at
    least one and at most half of the symbols; symbols tied across its edge share the places left.
    """
    bars, symbols = fractions.shape
    ranks = np.empty(symbols)
    for t in range(bars):
        _legs(fractions[t], quantile, minimum_breadth, size, cap, ranks, out[t])


@step
def _legs(fractions, quantile, minimum_breadth, size, cap, ranks, out):  # type: ignore[no-untyped-def]
    """The legs of one bar; a negative `size` buys the bottom. `ranks` is scratch."""
    present = _present(fractions)
    if present < minimum_breadth or present < 2:
        out[:] = 0.0
        return
    places = int(np.ceil(quantile * present - 0.5))
    places = min(max(places, 1), present // 2)
    weight = min(abs(size) / places, cap)
    if _untied_legs(fractions, present, places, weight if size > 0 else -weight, out):
        return
    out[:] = 0.0
    for side in range(2):
        for c in range(fractions.size):
            rank = fractions[c] * present
            ranks[c] = rank if side == 0 else present + 1.0 - rank
        _tied_leg(ranks, present, places, size if side == 0 else -size, out)
    for c in range(fractions.size):
        out[c] = min(max(out[c], -cap), cap)


@step
def _present(row):  # type: ignore[no-untyped-def]
    present = 0
    for c in range(row.size):
        present += row[c] == row[c]
    return present


@step
def _untied_legs(fractions, present, places, weight, out):  # type: ignore[no-untyped-def]
    """Both legs, right unless symbols are tied across an edge; whether they are right."""
    top, bottom = present - places + 0.5, places + 0.5
    above, below = 0, 0
    for c in range(fractions.size):
        rank = fractions[c] * present
        above += rank > top
        below += rank < bottom
        out[c] = weight if rank > top else (-weight if rank < bottom else 0.0)
    return above == places and below == places


@step
def _tied_leg(ranks, present, places, sign, out):  # type: ignore[no-untyped-def]
    edge, above, lowest, highest = present - places + 0.5, 0, np.inf, -np.inf
    for c in range(ranks.size):
        if ranks[c] > edge:
            above += 1
            lowest = min(lowest, ranks[c])
        elif ranks[c] <= edge:
            highest = max(highest, ranks[c])
    # The group of ties that straddles the edge, if there is one, has the average rank `tied`.
    tied = np.inf if above == places else (lowest if above > places else highest)
    group, inside = 0, 0
    for c in range(ranks.size):
        group += abs(ranks[c] - tied) < 1e-6
        inside += ranks[c] > tied + 1e-6 if above != places else ranks[c] > edge
    share = (places - inside) / group if group > 0 else 0.0
    for c in range(ranks.size):
        if abs(ranks[c] - tied) < 1e-6:
            out[c] += sign * share / places
        elif (ranks[c] > tied) if above != places else (ranks[c] > edge):
            out[c] += sign / places


@kernel(IN, IN, FLOAT, INT, FLOAT, FLOAT, PLACES, FLAGS, IN, IN, IN, FLOAT, FLOAT, OUT, OUT, narrow=False)
def hold(  # type: ignore[no-untyped-def]
    targets,
    fractions,
    quantile,
    minimum_breadth,
    size,
    cap,
    decision,
    tradable,
    returns,
    funding,
    impact,
    cost_rate,
    borrow_rate,
    held,
    out,
):
    """
    Hold the targets through time.

    Row `decision[t]` of `targets` is traded at bar t, nothing where it is negative. Where `targets` has no rows, the
    `legs` of that row of `fractions` are; made one bar at a time, they never fill a matrix. Row t of `returns` and
    `funding` is earned and paid from the fill at t to that at t + 1 by the weights held after the trade at t. What is
    not tradable at a bar, or has no target, keeps its drifted weight. A NaN return means that the symbol is not there:
    its weight turns to cash. Weights drift with returns and costs; the first trade pays for the whole entry. Impact
    costs `impact`
    times the change to the power 3/2. A book that has lost everything stays empty. `funding`, `impact` and `held` may
    have no rows: nothing is paid, nothing is kept.

    Args of the output: `held` the weights after each trade; columns of `out` are gross return, net return, turnover
    (half the sum of absolute weight changes) and the sum of absolute weights held.
    """
    bars, symbols = returns.shape
    weights, aim, scratch = np.zeros(symbols), np.empty(symbols), np.empty(symbols)
    ruined = False
    for t in range(bars):
        _leave(returns[t], weights)
        traded, cost = 0.0, 0.0
        if decision[t] >= 0 and not ruined:
            if len(targets) > 0:
                aim[:] = targets[decision[t]]
            else:
                _legs(fractions[decision[t]], quantile, minimum_breadth, size, cap, scratch, aim)
            if len(impact) > 0:
                cost += _impact(aim, tradable[t], impact[t], weights, scratch)
            traded = _trade(aim, tradable[t], weights, scratch)
        if len(held) > 0:
            held[t] = weights
        gross, short, exposure = _earned(returns[t], weights, scratch)
        cost += traded * cost_rate + short * borrow_rate
        if len(funding) > 0:
            cost += _paid(returns[t], funding[t], weights, scratch)
        net = gross - cost
        if net <= -1.0:
            net, ruined = -1.0, True
        out[t, 0] = gross
        out[t, 1] = net
        out[t, 2] = traded * 0.5
        out[t, 3] = exposure
        _drift(returns[t], np.nan if ruined else 1.0 / (1.0 + net), weights)


@step
def _leave(returns, weights):  # type: ignore[no-untyped-def]
    for c in range(weights.size):
        weights[c] = weights[c] if returns[c] == returns[c] else 0.0


@step
def _trade(targets, tradable, weights, scratch):  # type: ignore[no-untyped-def]
    """Move the weights to their targets; the sum of absolute changes."""
    for c in range(weights.size):
        target = targets[c] if tradable[c] and targets[c] == targets[c] else weights[c]
        scratch[c] = abs(target - weights[c])
        weights[c] = target
    return row_sum(scratch)


@step
def _impact(targets, tradable, impact, weights, scratch):  # type: ignore[no-untyped-def]
    for c in range(weights.size):
        change = abs(targets[c] - weights[c])
        cost = change * (impact[c] * np.sqrt(change))
        scratch[c] = cost if tradable[c] and change == change else 0.0
    return row_sum(scratch)


@step
def _earned(returns, weights, scratch):  # type: ignore[no-untyped-def]
    """Gross return, and the sums of short and of absolute weights; a symbol that is not there costs no borrow."""
    for c in range(weights.size):
        scratch[c] = weights[c] * returns[c] if returns[c] == returns[c] else 0.0
    gross = row_sum(scratch)
    for c in range(weights.size):
        scratch[c] = -weights[c] if returns[c] == returns[c] and weights[c] < 0.0 else 0.0
    short = row_sum(scratch)
    for c in range(weights.size):
        scratch[c] = abs(weights[c])
    return gross, short, row_sum(scratch)


@step
def _paid(returns, funding, weights, scratch):  # type: ignore[no-untyped-def]
    for c in range(weights.size):
        scratch[c] = weights[c] * funding[c] if returns[c] == returns[c] else 0.0
    return row_sum(scratch)


@step
def _drift(returns, growth, weights):  # type: ignore[no-untyped-def]
    """With the returns, as a share of the new equity; what is not there, or a lost equity, weighs nothing."""
    for c in range(weights.size):
        there = returns[c] + growth == returns[c] + growth
        weights[c] = weights[c] * (1.0 + returns[c]) * growth if there else 0.0


@kernel(IN, IN, INT, OUT, narrow=False)
def rank_correlation(x, y, minimum_breadth, out):  # type: ignore[no-untyped-def]
    """
    Spearman correlation of each row over the cells where both are present, in column 0 of `out`; NaN when flat.

    `x` and `y` are ranks as `cross_section.rank` gives them, each among its own symbols: removing symbols keeps the
    order, so the ranks among the pairs are counted, not sorted.
    """
    bars, symbols = x.shape
    a, b, scratch = np.empty(symbols), np.empty(symbols), np.empty(symbols)
    tally = np.empty(2 * symbols + 1, np.int64)
    for t in range(bars):
        out[t, 0] = np.nan
        pairs = _pairs(x[t], y[t])
        if pairs >= minimum_breadth:
            _centred_ranks(x[t], y[t], pairs, tally, a)
            _centred_ranks(y[t], x[t], pairs, tally, b)
            ab, aa, bb = _products(a, b, scratch)
            if aa > 0.0 and bb > 0.0:
                out[t, 0] = ab / np.sqrt(aa * bb)


@step
def _pairs(x, y):  # type: ignore[no-untyped-def]
    pairs = 0
    for c in range(x.size):
        pairs += (x[c] == x[c]) & (y[c] == y[c])
    return pairs


@step
def _centred_ranks(x, other, pairs, tally, out):  # type: ignore[no-untyped-def]
    """Twice the rank among the pairs minus its mean, a whole number; 0 where one of the two is absent."""
    present = _present(x)
    if present == pairs:
        for c in range(x.size):
            both = x[c] + other[c]
            out[c] = np.rint(2.0 * present * x[c]) - (pairs + 1.0) if both == both else 0.0
        return
    tally[: 2 * present + 1] = 0
    for c in range(x.size):
        if x[c] + other[c] == x[c] + other[c]:
            tally[int(np.rint(2.0 * present * x[c]))] += 1
    before = 0
    for place in range(2 * present + 1):
        tied = tally[place]
        tally[place] = 2 * before + tied - pairs
        before += tied
    for c in range(x.size):
        both = x[c] + other[c]
        out[c] = float(tally[int(np.rint(2.0 * present * x[c]))]) if both == both else 0.0


@step
def _products(a, b, scratch):  # type: ignore[no-untyped-def]
    for c in range(a.size):
        scratch[c] = a[c] * b[c]
    ab = row_sum(scratch)
    for c in range(a.size):
        scratch[c] = a[c] * a[c]
    aa = row_sum(scratch)
    for c in range(b.size):
        scratch[c] = b[c] * b[c]
    return ab, aa, row_sum(scratch)
