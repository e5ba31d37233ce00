"""
The library as of a night: yesterday's, with tonight's admissions.
"""

import pandas as pd

from alpha_pipeline.tables import LIBRARY


def next_library(night: pd.Timestamp, earlier: pd.DataFrame, tonight: pd.DataFrame) -> pd.DataFrame:
    """
    Factors in force after a night of mining.

    Args:
        night: start of the night's day, UTC.
        earlier: rows of `tables.LIBRARY` of the night before; empty on the first.
        tonight: rows of `tables.TRIALS` of this night.

    Returns:
        Rows of `tables.LIBRARY`. An admitted factor is weighted by its signed validation rank IC, shrunk by its
        deflated Sharpe ratio; a reference has weight 0. A factor keeps the night it entered; one that was replaced is
        retired, and says by whom.
    """
    admitted = tonight[tonight["verdict"] == "accepted"]
    new = pd.DataFrame(
        {
            "night": night,
            "factor_id": admitted["factor_id"],
            "name": admitted["name"],
            "expression": admitted["canonical"],
            "identity": admitted["identity"],
            "status": admitted["proposer"].eq("reference").map({True: "reference", False: "accepted"}),
            "since": night,
            "proposer": admitted["proposer"],
            "model": admitted["model"],
            "weight": _weights(admitted),
            "reason": admitted["feedback"],
        }
    )
    kept = earlier[~earlier["identity"].isin(new["identity"])].assign(night=night)
    library = pd.concat([frame for frame in (kept, new) if len(frame)] or [LIBRARY.empty()], ignore_index=True)
    replaced = admitted[admitted["replaces"] != ""]
    if len(replaced):
        library = _retired(library, dict(zip(replaced["replaces"], replaced["factor_id"], strict=True)))
    return library.sort_values("factor_id", ignore_index=True)


def _weights(admitted: pd.DataFrame) -> pd.Series:
    """The more luck explains of what a factor earned, the less it says."""
    shrunk = admitted["valid_rank_ic"] * admitted["deflated_sharpe"].fillna(0.0)
    return shrunk.where(admitted["proposer"] != "reference", 0.0)


def _retired(library: pd.DataFrame, winners: dict[str, str]) -> pd.DataFrame:
    beaten = library["factor_id"].isin(list(winners))
    return library.assign(
        status=library["status"].mask(beaten, "retired"),
        weight=library["weight"].mask(beaten, 0.0),
        reason=library["reason"].mask(
            beaten, [f"replaced by {winners.get(name, '')}" for name in library["factor_id"]]
        ),
    )
