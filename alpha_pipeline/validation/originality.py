"""Is it new, or a factor in force under another name?"""

from collections.abc import Mapping

import numpy as np

from alpha_pipeline.backtest.information import rank_ic
from alpha_pipeline.panel import Array
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
    found = likeness(candidate.values, candidate.library)
    if not found:
        return True, 0.0, MAXIMUM_CORRELATION, "no factor in force to compare with"
    twin = next(iter(found))
    detail = f"orders symbols like {twin}, rank correlation {found[twin]:.2f}"
    return found[twin] < MAXIMUM_CORRELATION, found[twin], MAXIMUM_CORRELATION, detail


def likeness(values: Array, library: Mapping[str, Array]) -> dict[str, float]:
    """
    Mean size of the Spearman correlation across symbols per bar with each factor of a library, the closest first.

    Args:
        values: (bars, symbols).
        library: the same by name; those without a bar in common are left out.
    """
    step = max(1, len(values) // BARS)
    mine = np.ascontiguousarray(values[::step])
    found = {
        name: float(np.nanmean(np.abs(per_bar)))
        for name, other in library.items()
        if np.isfinite(per_bar := rank_ic(mine, np.ascontiguousarray(other[::step]))).any()
    }
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
