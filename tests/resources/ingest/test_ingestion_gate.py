"""The gate stores what may be true, remembers what may not, and is not confused by what was observed late."""

import json
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market, expected_closes
from alpha_pipeline.tables import RAW_OHLCV
from resources.ingest.ingestion_gate import Gate
from resources.lake.lake import Lake

START = pd.Timestamp("2026-11-02", tz="UTC")
DAY = pd.Timedelta(days=1)


def gate(folder: Path, market: Market = CRYPTO) -> Gate:
    return Gate(Lake(str(folder)), f"{market.name}/raw_ohlcv", RAW_OHLCV, market)


def bars(market: Market = CRYPTO, days: int = 1, price: float = 10.0) -> pd.DataFrame:
    """All bars of one symbol after the start."""
    closes = expected_closes(market, START, START + days * DAY).as_unit("us")
    table = pd.DataFrame({"timestamp": closes, "symbol": "A", "available_at": closes, "open": price, "high": price})
    return table.assign(low=price, close=price, volume=1.0)[[column.name for column in RAW_OHLCV.columns]]


def test_a_revision_within_a_stretch_is_no_bar_twice(tmp_path: Path) -> None:
    """Days that hold a bar and its revision can be read again as one stretch."""
    told = bars(days=3)
    revised = told.iloc[[5]].assign(available_at=START + 2 * DAY + pd.Timedelta(hours=1), close=10.0, volume=2.0)
    rows = pd.concat([told, revised], ignore_index=True)
    assert len(gate(tmp_path).accept(rows, START, START + 3 * DAY)) == len(rows)


def test_a_correction_seen_on_a_weekend_is_kept(tmp_path: Path) -> None:
    """On a day without a session a revision may still become known."""
    saturday = START + 5 * DAY
    friday = bars(EQUITIES, 5).iloc[[-1]].assign(available_at=saturday + pd.Timedelta(hours=1))
    assert len(gate(tmp_path, EQUITIES).accept(friday, saturday, saturday + DAY)) == 1


def test_what_was_set_aside_is_not_replaced_by_what_is_set_aside_later(tmp_path: Path) -> None:
    """Two answers about one day leave both their bad rows, each once."""
    entrance, rows = gate(tmp_path), bars()
    for bad in (3, 3, 7):
        entrance.accept(rows.assign(close=rows["close"].mask(rows.index == bad)), START, START + DAY)
    kept = json.loads(entrance.lake.read_bytes("quarantine/crypto/raw_ohlcv/2026-11-02.json"))
    assert [row["timestamp"][11:13] for row in kept] == ["04", "08"] and {row["why"] for row in kept} == {"no close"}


def test_a_day_of_revisions_alone_is_an_empty_day(tmp_path: Path) -> None:
    """What was observed late does not stand for the bars that are missing."""
    late = bars().assign(available_at=START + DAY + pd.Timedelta(hours=1))
    with pytest.raises(DataError, match="row_count"):
        gate(tmp_path).accept(late, START + DAY, START + 2 * DAY)
