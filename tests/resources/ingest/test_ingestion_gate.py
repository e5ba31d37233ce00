"""The gate keeps valid rows, quarantines rejected ones, and handles rows that became known late."""

import json
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, expected_closes
from alpha_pipeline.resources.ingest.ingestion_gate import IngestionGate, rejected_by_day
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import RAW_OHLCV

START = pd.Timestamp("2026-11-02", tz="UTC")
DAY = pd.Timedelta(days=1)


def gate(folder: Path, market: Market = CRYPTO) -> IngestionGate:
    return IngestionGate(Lake(str(folder)), f"{market.name}/raw_ohlcv", RAW_OHLCV, market)


def bars(market: Market = CRYPTO, days: int = 1, price: float = 10.0) -> pd.DataFrame:
    """All bars of one symbol after the start."""
    closes = expected_closes(market, START, START + days * DAY).as_unit("us")
    table = pd.DataFrame({"timestamp": closes, "symbol": "A", "available_at": closes, "open": price, "high": price})
    return table.assign(low=price, close=price, volume=1.0)[[column.name for column in RAW_OHLCV.columns]]


def test_a_revision_within_a_batch_is_not_a_second_bar(tmp_path: Path) -> None:
    """Days with a bar and its revision pass as one batch."""
    rows = bars(days=3)
    revised = rows.iloc[[5]].assign(available_at=START + 2 * DAY + pd.Timedelta(hours=1), close=10.0, volume=2.0)
    rows = pd.concat([rows, revised], ignore_index=True)
    assert len(gate(tmp_path).accept(rows, START, START + 3 * DAY)) == len(rows)


def test_a_revision_observed_on_a_weekend_is_accepted(tmp_path: Path) -> None:
    """On a day without a session a revision may still become known."""
    saturday = START + 5 * DAY
    friday = bars(EQUITIES, 5).iloc[[-1]].assign(available_at=saturday + pd.Timedelta(hours=1))
    assert len(gate(tmp_path, EQUITIES).accept(friday, saturday, saturday + DAY)) == 1


def test_quarantined_rows_stay_when_others_are_added(tmp_path: Path) -> None:
    """Rejected rows of several answers about one day are all stored, each once."""
    entrance, rows = gate(tmp_path), bars()
    for bad in (3, 3, 7):
        entrance.judge(rows.assign(close=rows["close"].mask(rows.index == bad)), START, START + DAY)
    stored = json.loads(entrance.lake.read_bytes("quarantine/crypto/raw_ohlcv/2026-11-02.json"))
    assert [row["timestamp"][11:13] for row in stored] == ["04", "08"] and {row["reason"] for row in stored} == {
        "no close"
    }


def test_a_day_of_revisions_alone_is_an_empty_day(tmp_path: Path) -> None:
    """Late rows do not count as the bars that are missing."""
    late = bars().assign(available_at=START + DAY + pd.Timedelta(hours=1))
    with pytest.raises(DataError, match="row_count"):
        gate(tmp_path).accept(late, START + DAY, START + 2 * DAY)


def test_rejected_rows_of_the_look_back_are_dropped_without_a_record(tmp_path: Path) -> None:
    """Their own day recorded them; they neither enter the merge nor count again."""
    entrance, rows = gate(tmp_path), bars(days=2)
    broken = rows.assign(high=rows["high"].mask(rows.index == 3, 1.0))
    valid = entrance.judge(broken, START + DAY, START + 2 * DAY, DAY)
    assert len(valid) == 47 and not entrance.rejected
    assert rejected_by_day(entrance.lake, entrance.key, ["2026-11-02"]) == {"2026-11-02": 0}


def test_rejected_rows_are_counted_by_the_day_they_became_known(tmp_path: Path) -> None:
    """Each day has its own quarantine file."""
    entrance, rows = gate(tmp_path), bars(days=2)
    entrance.judge(rows.assign(close=rows["close"].mask(rows.index > 45)), START, START + 2 * DAY)
    counts = rejected_by_day(entrance.lake, entrance.key, ["2026-11-02", "2026-11-03"])
    assert counts == {"2026-11-02": 0, "2026-11-03": 2} and entrance.rejected == {"no close": 2}


def test_an_answer_with_too_many_rejected_rows_is_refused(tmp_path: Path) -> None:
    """The rows are in quarantine all the same."""
    entrance, rows = gate(tmp_path), bars(days=2)
    with pytest.raises(DataError, match="21 of 48 rows cannot be true \\(21 x no close\\)"):
        entrance.judge(rows.assign(close=rows["close"].mask(rows.index < 21)), START, START + 2 * DAY)
    assert rejected_by_day(entrance.lake, entrance.key, ["2026-11-02"]) == {"2026-11-02": 21}
