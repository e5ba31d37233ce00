"""
Admission to the library: the library of the run date before, with the factors accepted on this one.

Live performance and status changes are in `lifecycle`.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.library.live_performance import NO_LIVE_MEASURES
from alpha_pipeline.tables import LIBRARY, REFERENCE


def admit_factors(run_date: pd.Timestamp, earlier: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """
    Add the accepted factors of a run date to the library.

    Args:
        run_date: start of the day, UTC.
        earlier: rows of `tables.LIBRARY` of the run date before; empty on the first.
        trials: rows of `tables.TRIALS` of this run date.

    Returns:
        Rows of `tables.LIBRARY`. The weight of an accepted factor is its `shrunk_rank_ic`; a reference has weight 0,
        and a formula that is accepted is no reference any more. `since` of a factor does not change; a replaced factor
        is retired and its reason names the replacement; a retired factor stays retired. In rows stored before the
        lifecycle columns existed, `status_since` is the date of entry and the expected rank IC is the weight.
    """
    earlier = _complete_lifecycle(LIBRARY.complete(earlier))
    retired = earlier.loc[earlier["status"] == "retired", "identity"]
    admitted = trials[(trials["verdict"] == "accepted") & ~trials["identity"].isin(retired)]
    proposed = admitted.loc[admitted["proposer"] != REFERENCE, "identity"]
    admitted = admitted[(admitted["proposer"] != REFERENCE) | ~admitted["identity"].isin(proposed)]
    reference = admitted["proposer"] == REFERENCE
    shrunk = shrunk_rank_ic(admitted["valid_rank_ic"], admitted["valid_t_stat"])
    new = pd.DataFrame(
        {
            "run_date": run_date,
            "factor_id": admitted["factor_id"],
            "name": admitted["name"],
            "expression": admitted["canonical"],
            "identity": admitted["identity"],
            "status": np.where(reference, "reference", "accepted"),
            "since": run_date,
            "proposer": admitted["proposer"],
            "model": admitted["model"],
            "weight": shrunk.where(~reference, 0.0),
            "reason": admitted["feedback"],
            "status_since": run_date,
            "expected_rank_ic": shrunk.abs().where(~reference, shrunk),
            "expected_turnover": admitted["valid_turnover"],
            "half_life_days": np.nan,
            **NO_LIVE_MEASURES,
        }
    )
    unchanged = earlier[~earlier["identity"].isin(new["identity"])].assign(run_date=run_date)
    library = pd.concat([frame for frame in (unchanged, new) if len(frame)] or [LIBRARY.empty()], ignore_index=True)
    replaced = admitted[admitted["replaces"] != ""]
    if len(replaced):
        library = _retire(library, dict(zip(replaced["replaces"], replaced["factor_id"], strict=True)))
    return LIBRARY.complete(library.sort_values("factor_id", ignore_index=True))


def shrunk_rank_ic(rank_ic: pd.Series, t_stat: pd.Series) -> pd.Series:
    """
    Rank IC less what its error explains: rank IC times 1 - 1 / t^2, 0 for `|t|` below 1 and without a t.

    Source: positive-part estimator of James and Stein (1961), for a single mean with its standard error.
    """
    share = (1 - 1 / t_stat.where(t_stat != 0) ** 2).clip(lower=0).fillna(0.0)
    shrunk: pd.Series = rank_ic * share
    return shrunk


def _complete_lifecycle(library: pd.DataFrame) -> pd.DataFrame:
    expected = library["expected_rank_ic"].where(library["status"] == "retired", library["weight"].abs())
    return library.assign(
        status_since=library["status_since"].fillna(library["since"]),
        expected_rank_ic=library["expected_rank_ic"].fillna(expected),
    )


def _retire(library: pd.DataFrame, replacements: dict[str, str]) -> pd.DataFrame:
    replaced = library["factor_id"].isin(list(replacements)) & (library["status"] != "retired")
    return library.assign(
        status=library["status"].mask(replaced, "retired"),
        weight=library["weight"].mask(replaced, 0.0),
        status_since=library["status_since"].mask(replaced, library["run_date"]),
        reason=library["reason"].mask(
            replaced, [f"replaced by {replacements.get(name, '')}" for name in library["factor_id"]]
        ),
    )
