"""Conformance of frames to their tables."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.tables import MARKET_PANEL, RAW_FUNDING, TABLES, TRIALS

ROW = pd.DataFrame(
    {
        "timestamp": pd.to_datetime(["2019-01-01 08:00"], utc=True),
        "symbol": ["A"],
        "available_at": pd.to_datetime(["2019-01-01 08:00"], utc=True),
        "funding": [0.0001],
    }
)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_an_empty_table_conforms_to_itself(name: str) -> None:
    """Every table has an empty form with all columns and types."""
    table = TABLES[name]
    assert table.conform(table.empty()).schema == table.schema()


def test_rows_are_sorted_by_key_and_columns_ordered() -> None:
    """The same rows in any order are the same table."""
    two = pd.concat([ROW.assign(symbol="B"), ROW], ignore_index=True)[
        ["funding", "available_at", "symbol", "timestamp"]
    ]
    stored = RAW_FUNDING.conform(two)
    assert stored.schema == RAW_FUNDING.schema()
    assert stored.column("symbol").to_pylist() == ["A", "B"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (ROW.drop(columns="funding"), r"missing \['funding'\]"),
        (ROW.assign(extra=1.0), r"unexpected \['extra'\]"),
        (pd.concat([ROW, ROW]), "1 rows repeat the keys"),
        (ROW.assign(funding="much"), "wrong type"),
    ],
)
def test_errors_name_the_column_or_key(frame: pd.DataFrame, message: str) -> None:
    """Missing, unknown, repeated and mistyped."""
    with pytest.raises(DataError, match=message):
        RAW_FUNDING.conform(frame)


def test_open_ended_tables_take_float_fields_sorted_by_name() -> None:
    """Fields and factors follow the fixed columns."""
    panel = ROW.drop(columns="available_at").assign(close=1.0, alpha=2)
    stored = MARKET_PANEL.conform(panel)
    assert stored.schema.names == ["timestamp", "symbol", "alpha", "close", "funding"]
    assert stored.schema.field("alpha").type == pa.float64()


def test_rows_stored_before_a_column_existed_are_completed() -> None:
    """New columns are blank: an empty text, 0 or NaN; stored values stay."""
    rows = TRIALS.empty().reindex([0])
    rows["run_date"] = pd.Timestamp("2019-01-01", tz="UTC")
    rows["trial"], rows["name"], rows["train_t_stat"] = 3, "old", 1.5
    completed = TRIALS.complete(rows[["run_date", "trial", "name", "train_t_stat"]])
    assert list(completed.columns) == [column.name for column in TRIALS.columns]
    assert completed.loc[0, ["name", "trial", "critique", "calls", "train_t_stat"]].tolist() == ["old", 3, "", 0, 1.5]
    assert np.isnan(completed.loc[0, "usd"])
    pd.testing.assert_frame_equal(TRIALS.complete(completed), completed)
    pd.testing.assert_frame_equal(TRIALS.complete(TRIALS.empty()), TRIALS.empty())
