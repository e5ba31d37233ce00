"""
New, revised and repeated rows in a vendor's answer.

A revision is a new row, available from the time it was observed; stored rows never change.
"""

from dataclasses import dataclass

import pandas as pd

from alpha_pipeline.tables import Table

LATER = "available_at"


@dataclass(frozen=True)
class RowChanges:
    """
    A vendor's answer compared with the stored rows.

    Args:
        unseen: rows of new events, with the vendor's timestamps.
        revised: rows of stored events with other values, with the vendor's timestamps.
        repeated: number of rows equal to the stored ones.
    """

    unseen: pd.DataFrame
    revised: pd.DataFrame
    repeated: int


def compare(fetched: pd.DataFrame, stored: pd.DataFrame, table: Table) -> RowChanges:
    """
    Compare fetched rows with the stored versions.

    Args:
        fetched: columns of `table`; a missing value is no revision.
        stored: the same, all versions.
        table: rows with equal keys except `available_at` are versions of one event. In a table of several vendors each
            value column is compared separately.

    Returns:
        Rows in the order of `fetched`; of a table of several vendors with the changed columns only, the others missing.
    """
    event = [key for key in table.keys if key != LATER]
    values = [name for name in fetched.columns if name not in table.keys]
    if not table.several_vendors:
        return _compare(fetched, stored, event, values)
    parts = [
        _compare(_only(fetched, event, value), _only(stored, event, value), event, [value])
        for value in values
        if fetched[value].notna().any()
    ]
    if not parts:
        return RowChanges(fetched.iloc[:0], fetched.iloc[:0], 0)
    return RowChanges(
        unite([part.unseen for part in parts], table),
        unite([part.revised for part in parts], table),
        sum(part.repeated for part in parts),
    )


def unite(parts: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    """Rows of several vendors as one table, one row per key."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return parts[0] if parts else table.empty()
    rows = pd.concat(filled, ignore_index=True)
    if not table.several_vendors:
        return rows.drop_duplicates(list(table.keys), ignore_index=True)
    return rows.groupby(list(table.keys), as_index=False, sort=True, dropna=False).first()


def observed(rows: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """The rows, available from `moment` on."""
    return rows.assign(**{LATER: pd.Series(moment, rows.index, dtype="datetime64[us, UTC]")})


def _only(frame: pd.DataFrame, event: list[str], value: str) -> pd.DataFrame:
    if value not in frame:
        return frame[[*event, LATER]].iloc[:0].assign(**{value: pd.Series(dtype=float)})
    return frame.loc[frame[value].notna(), [*event, LATER, value]]


def _compare(fetched: pd.DataFrame, stored: pd.DataFrame, event: list[str], values: list[str]) -> RowChanges:
    latest = stored.sort_values(LATER, kind="stable").drop_duplicates(event, keep="last")
    merged = fetched[event].merge(latest[[*event, *values]], on=event, how="left", indicator="_merge")
    is_stored = (merged["_merge"] == "both").to_numpy()
    same = pd.Series(True, index=fetched.index)
    for value in values:
        previous = merged[value].set_axis(fetched.index)
        same &= fetched[value].isna() | (fetched[value] == previous)
    return RowChanges(fetched[~is_stored], fetched[is_stored & ~same], int((is_stored & same).sum()))
