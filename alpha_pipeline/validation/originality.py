"""Is it new, or a factor in force under another name?"""

import numpy as np

from alpha_pipeline.backtest.information import rank_ic
from alpha_pipeline.validation.checks import Candidate, Outcome, check

MAXIMUM_CORRELATION = 0.7
# Bars compared at most; ranks of neighbouring bars repeat each other.
BARS = 500


@check(blocking=False)
def correlation(candidate: Candidate) -> Outcome:
    """
    Largest, over the library, mean size of the Spearman correlation across symbols per bar; names the twin.

    Few symbols correlate by chance: unrelated factors show about 0.4 on five symbols, 0.1 on a hundred.
    """
    step = max(1, len(candidate.values) // BARS)
    mine = np.ascontiguousarray(candidate.values[::step])
    found = {
        name: float(np.nanmean(np.abs(per_bar)))
        for name, values in candidate.library.items()
        if np.isfinite(per_bar := rank_ic(mine, np.ascontiguousarray(values[::step]))).any()
    }
    if not found:
        return True, 0.0, MAXIMUM_CORRELATION, "no factor in force to compare with"
    twin = max(found, key=lambda name: found[name])
    detail = f"orders symbols like {twin}, rank correlation {found[twin]:.2f}"
    return found[twin] < MAXIMUM_CORRELATION, found[twin], MAXIMUM_CORRELATION, detail
