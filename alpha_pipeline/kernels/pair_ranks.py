"""
How alike factors order symbols, bar by bar, in whole numbers: exact, whatever is added up first.

What is compared with what, and how ranks become whole numbers, is decided in `validation.correlation`.
"""

import numpy as np

from alpha_pipeline.kernels.compiled import FLAGS, IN, IN_SMALL, INT, OUT, OUT_FLAGS, OUT_SMALL, kernel
from alpha_pipeline.kernels.row_loops import step


@kernel(IN, IN, OUT_SMALL, OUT_FLAGS, OUT_SMALL, OUT, narrow=False)
def whole_ranks(fractions, names, whole, here, order, rows):  # type: ignore[no-untyped-def]  # numba infers these
    """
    Ranks as fractions of those present to doubled ranks minus their mean, 0 where absent; and who is present.

    Row t of `order` has the columns by rank, the lowest first, where no two are tied. `names` has one row, a number for
    each symbol: their sum over those present is the row's mark. Columns of `rows` are how many are present, the sum of
    squares, and the mark.
    """
    bars, symbols = fractions.shape
    for t in range(bars):
        present, mark, square = 0, 0.0, 0.0
        for c in range(symbols):
            there = fractions[t, c] == fractions[t, c]
            here[t, c] = there
            present += there
            mark += names[0, c] if there else 0.0
        for c in range(symbols):
            doubled = np.rint(2.0 * present * fractions[t, c]) - (present + 1.0)
            doubled = doubled if here[t, c] else 0.0
            square += doubled * doubled
            whole[t, c] = np.int16(doubled)
            if here[t, c]:
                order[t, (int(doubled) + present - 1) >> 1] = c
        rows[t, 0], rows[t, 1], rows[t, 2] = present, square, mark


@kernel(IN_SMALL, FLAGS, IN_SMALL, IN, IN_SMALL, FLAGS, IN_SMALL, IN, INT, OUT, narrow=False)
def sum_of_correlations(  # type: ignore[no-untyped-def]
    x, x_here, x_order, x_rows, y, y_here, y_order, y_rows, minimum_breadth, out
):
    """
    Sums of the sizes of the Spearman correlations of the rows of several factors `x` with one factor `y`.

    Factors of `x` stand side by side: columns [k * symbols, (k + 1) * symbols) of `x`, `x_here` and `x_order`, and [3
    k, 3 k + 3) of `x_rows`, are those of factor k. Row k of `out` is its sum, and the number of rows added up. Values
    are doubled ranks minus their mean, 0 where absent; `here` says who is present; `rows` how many are, the sum of
    squares, and a mark that is the same for the same symbols. Where the two are present for others than each other,
    ranks among the pairs are counted from the ranks among all: removing symbols keeps the order, nothing is sorted.
    """
    bars, symbols = y.shape
    a, b = np.empty(symbols, np.int32), np.empty(symbols, np.int32)
    tally = np.empty(2 * symbols + 2, np.int32)
    out[:] = 0.0
    for t in range(bars):
        for k in range(out.shape[0]):
            n, square, mark = x_rows[t, 3 * k], x_rows[t, 3 * k + 1], x_rows[t, 3 * k + 2]
            if n < minimum_breadth or y_rows[t, 0] < minimum_breadth:
                continue
            left, right = k * symbols, (k + 1) * symbols
            mine, here, order = x[t, left:right], x_here[t, left:right], x_order[t, left:right]
            if mark == y_rows[t, 2]:
                ab, aa, bb = _product(mine, y[t]), square, y_rows[t, 1]
            else:
                pairs = _pairs(here, y_here[t])
                if pairs < minimum_breadth:
                    continue
                _among_pairs(mine, here, order, y_here[t], int(n), square, pairs, tally, a)
                _among_pairs(y[t], y_here[t], y_order[t], here, int(y_rows[t, 0]), y_rows[t, 1], pairs, tally, b)
                ab, aa, bb = _product(a, b), _product(a, a), _product(b, b)
            if aa > 0.0 and bb > 0.0:
                out[k, 0] += abs(ab) / np.sqrt(aa * bb)
                out[k, 1] += 1.0


@step
def _product(x, y):  # type: ignore[no-untyped-def]
    """Sum of products, exact: 32 bits hold that of 1,800 symbols."""
    if x.size <= 1800:
        total = np.int32(0)
        for c in range(x.size):
            # Numba widens whole numbers with every operation; cut back each time, they stay in short vectors.
            total = np.int32(total + np.int32(np.int32(x[c]) * np.int32(y[c])))
        return np.float64(total)
    wide = np.int64(0)
    for c in range(x.size):
        wide += np.int64(x[c]) * np.int64(y[c])
    return np.float64(wide)


@step
def _pairs(here, there):  # type: ignore[no-untyped-def]
    pairs = 0
    for c in range(here.size):
        pairs += here[c] & there[c]
    return pairs


@step
def _among_pairs(x, here, order, there, n, square, pairs, tally, out):  # type: ignore[no-untyped-def]
    """Doubled ranks among the pairs minus their mean, from those among all `n` present; 0 where one is absent."""
    if pairs == n:
        for c in range(x.size):
            out[c] = np.int32(x[c])  # 0 where absent, and nobody else is missing
        return
    if 3.0 * square == n * (n * n - 1.0):  # no ties: one walk from the lowest up counts whom it meets
        out[:] = 0
        below = np.int32(1 - pairs)
        for place in range(n):
            c, met = order[place], np.int32(there[order[place]])  # no branch: who is missing has no pattern
            out[c] = below * met
            below = np.int32(below + 2 * met)
        return
    for place in range(2 * n + 2):
        tally[place] = 0
    for c in range(x.size):
        tally[np.int32(x[c]) + n + 1] += here[c] & there[c]
    before = 0
    for place in range(2 * n + 2):
        tied = tally[place]
        tally[place] = 2 * before + tied - pairs
        before += tied
    for c in range(x.size):
        out[c] = tally[np.int32(x[c]) + n + 1] if here[c] & there[c] else 0
