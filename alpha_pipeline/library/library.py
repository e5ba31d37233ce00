"""
The library as of a run date: yesterday's, with the run date's admissions.

What the factors showed since they entered, and where that moves them, is `life`'s business.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.library.live_performance import BLANK
from alpha_pipeline.tables import LIBRARY


def next_library(run_date: pd.Timestamp, earlier: pd.DataFrame, context: pd.DataFrame) -> pd.DataFrame:
    """
    Factors active after a run date of mining.

    Args:
        run date: start of the run date's day, UTC.
        earlier: rows of `tables.LIBRARY` of the run date before; empty on the first.
        on the run date: rows of `tables.TRIALS` of this run date.

    Returns:
        Rows of `tables.LIBRARY`. An admitted factor is weighted by its signed validation rank IC, shrunk by its
        deflated Sharpe ratio; a reference has weight 0. A factor keeps the run date it entered; one that was replaced is
        retired, and says by whom; who is retired stays so. Rows older than the columns on a factor's life get what can
        be known: their status since they entered, their weight as what is expected.
    """
    earlier = _told(LIBRARY.complete(earlier))
    gone = earlier.loc[earlier["status"] == "retired", "identity"]
    admitted = context[(context["verdict"] == "accepted") & ~context["identity"].isin(gone)]
    shrunk = admitted["valid_rank_ic"] * admitted["deflated_sharpe"].fillna(0.0)  # luck explains the rest
    new = pd.DataFrame(
        {
            "run_date": run_date,
            "factor_id": admitted["factor_id"],
            "name": admitted["name"],
            "expression": admitted["canonical"],
            "identity": admitted["identity"],
            "status": admitted["proposer"].eq("reference").map({True: "reference", False: "accepted"}),
            "since": run_date,
            "proposer": admitted["proposer"],
            "model": admitted["model"],
            "weight": shrunk.where(admitted["proposer"] != "reference", 0.0),
            "reason": admitted["feedback"],
            "status_since": run_date,
            "expected_rank_ic": shrunk.abs().where(admitted["proposer"] != "reference", shrunk),
            "expected_turnover": admitted["valid_turnover"],
            "half_life_days": np.nan,
            **BLANK,
        }
    )
    kept = earlier[~earlier["identity"].isin(new["identity"])].assign(run_date=run_date)
    library = pd.concat([frame for frame in (kept, new) if len(frame)] or [LIBRARY.empty()], ignore_index=True)
    replaced = admitted[admitted["replaces"] != ""]
    if len(replaced):
        library = _retired(library, dict(zip(replaced["replaces"], replaced["factor_id"], strict=True)))
    return LIBRARY.complete(library.sort_values("factor_id", ignore_index=True))


def _told(library: pd.DataFrame) -> pd.DataFrame:
    expected = library["expected_rank_ic"].where(library["status"] == "retired", library["weight"].abs())
    return library.assign(
        status_since=library["status_since"].fillna(library["since"]),
        expected_rank_ic=library["expected_rank_ic"].fillna(expected),
    )


def _retired(library: pd.DataFrame, winners: dict[str, str]) -> pd.DataFrame:
    beaten = library["factor_id"].isin(list(winners)) & (library["status"] != "retired")
    return library.assign(
        status=library["status"].mask(beaten, "retired"),
        weight=library["weight"].mask(beaten, 0.0),
        status_since=library["status_since"].mask(beaten, library["run_date"]),
        reason=library["reason"].mask(
            beaten, [f"replaced by {winners.get(name, '')}" for name in library["factor_id"]]
        ),
    )
