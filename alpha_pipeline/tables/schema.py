"""
Definition of a stored table: columns with type, unit and meaning, keys, and the check of an asset's output.

The tables are in the files beside this one, one per part of the graph.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from alpha_pipeline.errors import DataError

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
FLOAT = pa.float64()
INT = pa.int64()
FLAG = pa.bool_()
GAPS = (TEXT, INT, FLAG)
BLANK = {TEXT: "", INT: 0, FLAG: False, FLOAT: float("nan")}
MOMENT = "datetime64[us, UTC]"  # TIME, as pandas spells it


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, its unit ("" for none) and one line of meaning."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """
    One stored table.

    Args:
        name: the asset that stores it.
        columns: the fixed columns, in order.
        keys: rows are unique by these and stored sorted by them.
        open_ended: further float64 columns (fields, factors) may follow the fixed ones.
        time: the column of the day a row belongs to.
        append_only: stored rows never change; only rows of new keys are added.
        several_vendors: each vendor fills its own columns of a row, so revisions are compared column by column.
    """

    name: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    open_ended: bool = False
    time: str = "timestamp"
    append_only: bool = False
    several_vendors: bool = False

    def schema(self, extra: Iterable[str] = ()) -> pa.Schema:
        """Arrow schema of the fixed columns, then one float64 column per extra name."""
        fixed = [pa.field(c.name, c.type) for c in self.columns]
        return pa.schema(fixed + [pa.field(name, FLOAT) for name in extra])

    def empty(self) -> pd.DataFrame:
        """No rows, all columns, the right types."""
        empty: pd.DataFrame = self.schema().empty_table().to_pandas()
        return empty

    def blank(self, column: Column, rows: int) -> pa.Array:
        """Values of a column in rows stored before it existed: "", 0, false, NaN or NaT."""
        return pa.array([BLANK.get(column.type)] * rows, column.type)

    def complete(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The fixed columns of rows stored before some of them existed; absent and null values are blank."""
        table = frame.reindex(columns=[column.name for column in self.columns])
        table = table.astype({c.name: MOMENT for c in self.columns if c.type is TIME and c.name not in frame})
        gaps = {c.name: BLANK[c.type] for c in self.columns if c.type in GAPS and table[c.name].isna().any()}
        return table.astype(dict.fromkeys(gaps, object)).fillna(gaps).infer_objects() if gaps else table

    def conform(self, frame: pd.DataFrame) -> pa.Table:
        """
        Check and order the output of an asset.

        Returns:
            An Arrow table with exactly this table's columns (and extras, sorted by name), sorted by its keys.

        Raises:
            DataError: a column is missing, unknown, of a type that does not convert, or keys repeat.
        """
        fixed = [c.name for c in self.columns]
        missing = [name for name in fixed if name not in frame.columns]
        extra = sorted(name for name in frame.columns if name not in fixed)
        if missing or (extra and not self.open_ended):
            raise DataError(
                f"table {self.name!r} expects the columns {fixed}"
                + (" and float fields" if self.open_ended else "")
                + f"; missing {missing}, unexpected {[] if self.open_ended else extra}"
            )
        ordered = frame.sort_values(list(self.keys), kind="stable", ignore_index=True)
        is_repeated = ordered.duplicated(list(self.keys))
        if is_repeated.any():
            first = ordered.loc[is_repeated, list(self.keys)].iloc[0].to_dict()
            raise DataError(
                f"table {self.name!r}: {int(is_repeated.sum())} rows repeat the keys {self.keys}; first {first}"
            )
        try:
            return pa.Table.from_pandas(
                ordered, schema=self.schema(extra), preserve_index=False
            ).replace_schema_metadata()
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError) as error:
            raise DataError(f"table {self.name!r}: a column has the wrong type: {error}") from error


def column(name: str, type: pa.DataType, unit: str, meaning: str) -> Column:
    return Column(name, type, unit, meaning)


CLOSE_TIME = column("timestamp", TIME, "UTC", "close of the bar")
EVENT_TIME = column("timestamp", TIME, "UTC", "of the event")
SYMBOL = column("symbol", TEXT, "", "traded instrument")
AVAILABLE_AT = column("available_at", TIME, "UTC", "when this row could first have been known")
RUN_DATE = column("run_date", TIME, "UTC", "start of the day the run is for")
FACTOR_ID = column("factor_id", TEXT, "", "slug of the name and eight digits of the canonical identity")
