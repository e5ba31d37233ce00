"""
What is new in what a vendor says: rows never seen, rows that say something else than before, rows that repeat.

A revision is a new row, known from the moment it was observed; nothing known earlier is ever changed.
"""

from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.tables import Table

LATER = "available_at"


@dataclass(frozen=True)
class News:
    """
    An answer beside what was known.

    Args:
        unseen: rows about events nothing was known of, as the vendor stamped them.
        revised: rows about known events whose values are now others, stamped as the vendor did.
        repeated: how many rows said what was known already.
    """

    unseen: pd.DataFrame
    revised: pd.DataFrame
    repeated: int


def compare(fetched: pd.DataFrame, known: pd.DataFrame, table: Table) -> News:
    """
    Tell new from known.

    Args:
        fetched: columns of `table`; a value that is missing says nothing.
        known: the same, all versions.
        table: rows are about the same event when they agree in its keys but for `available_at`. In an open-ended table
            every value column is a statement of its own, since several vendors fill it.

    Returns:
        Rows in the order of `fetched`; of an open-ended table only the columns that are new, the others missing.
    """
    event = [key for key in table.keys if key != LATER]
    values = [name for name in fetched.columns if name not in table.keys]
    if not table.open_ended:
        return _compare(fetched, known, event, values)
    parts = [
        _compare(_only(fetched, event, value), _only(known, event, value), event, [value])
        for value in values
        if fetched[value].notna().any()
    ]
    if not parts:
        return News(fetched.iloc[:0], fetched.iloc[:0], 0)
    return News(
        unite([part.unseen for part in parts], table),
        unite([part.revised for part in parts], table),
        sum(part.repeated for part in parts),
    )


def unite(parts: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    """Rows of several vendors as one table; what they say of the same keys stands in one row."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return parts[0] if parts else table.empty()
    whole = pd.concat(filled, ignore_index=True)
    if not table.open_ended:
        return whole.drop_duplicates(list(table.keys), ignore_index=True)
    return whole.groupby(list(table.keys), as_index=False, sort=True, dropna=False).first()


def observed(rows: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """The rows, known from `moment` on."""
    return rows.assign(**{LATER: pd.Series(moment, rows.index, dtype="datetime64[us, UTC]")})


def _only(frame: pd.DataFrame, event: list[str], value: str) -> pd.DataFrame:
    if value not in frame:
        return frame[[*event, LATER]].iloc[:0].assign(**{value: pd.Series(dtype=float)})
    return frame.loc[frame[value].notna(), [*event, LATER, value]]


def _compare(fetched: pd.DataFrame, known: pd.DataFrame, event: list[str], values: list[str]) -> News:
    latest = known.sort_values(LATER, kind="stable").drop_duplicates(event, keep="last")
    beside = fetched[event].merge(latest[[*event, *values]], on=event, how="left", indicator="_seen")
    seen = (beside["_seen"] == "both").to_numpy()
    same = pd.Series(True, index=fetched.index)
    for value in values:
        was = beside[value].set_axis(fetched.index)
        same &= fetched[value].isna() | (fetched[value] == was)
    return News(fetched[~seen], fetched[seen & ~same], int((seen & same).sum()))
