"""Is it new, or a factor active under another name?"""

from alpha_pipeline.validation.check_registry import Candidate, Outcome, check
from alpha_pipeline.validation.rank_correlation import SampledRanks, rank_correlations

MAXIMUM_CORRELATION = 0.7


@check(blocking=False)
def correlation(candidate: Candidate) -> Outcome:
    """
    Largest, over the library, mean size of the Spearman correlation across symbols per bar; names the twin.

    Few symbols correlate by chance: unrelated factors show about 0.4 on five symbols, 0.1 on a hundred.
    """
    found = rank_correlations(SampledRanks.of(candidate.values), candidate.library) if candidate.library else {}
    if not found:
        return True, 0.0, MAXIMUM_CORRELATION, "no factor active to compare with"
    twin = next(iter(found))
    detail = f"orders symbols like {twin}, rank correlation {found[twin]:.2f}"
    return found[twin] < MAXIMUM_CORRELATION, found[twin], MAXIMUM_CORRELATION, detail
