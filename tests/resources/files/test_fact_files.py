"""Facts of users' files: known when the file says, never before."""

from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.files import FileFormat, read_facts

TEXT = """\
report_date,ticker,filing_date,EPS,Net Income
2023-09-30,AAPL,2023-11-03,1.46,22956
2023-12-31,AAPL,2024-02-02,2.18,33916
2023-12-31,KO,2024-02-20,0.46,1973
2023-12-31,KO,2023-12-01,0.46,1973
2023-12-31,KO,2024-02-20,0.46,1973
2023-12-31,,2024-02-20,0.46,1973
"""


def _file(folder: Path, text: str = TEXT) -> str:
    (folder / "eps.csv").write_text(text)
    return str(folder / "eps.csv")


def test_facts(tmp_path: Path) -> None:
    """A date is the end of its day at the exchange; rows that cannot be true are set aside."""
    units = {"eps": "USD per share"}
    reading = read_facts(FileFormat(_file(tmp_path), kind="fundamentals", units=units), EQUITIES)
    first = reading.table.iloc[0]
    assert first["available_at"] == pd.Timestamp("2023-11-04 04:00", tz="UTC")
    assert (first["symbol"], first["eps"], first["net_income"]) == ("AAPL", 1.46, 22956)
    assert len(reading.table) == 3
    assert reading.counts() == {"available before the event": 1, "no symbol": 1, "repeated exactly, merged": 1}


def test_a_lag_stands_for_the_time_of_publication(tmp_path: Path) -> None:
    """Without a column of it; without either the file is refused."""
    text = "timestamp,symbol,supply\n2024-01-01 00:00:00+00:00,BTC,19.5\n2024-01-01 12:00:00+00:00,BTC,19.6\n"
    format = FileFormat(_file(tmp_path, text), kind="supply")
    with pytest.raises(DataError, match="does not say when its supply were known"):
        read_facts(format, CRYPTO)
    table = read_facts(format, CRYPTO, pd.Timedelta(days=2)).table
    assert (table["available_at"] - table["timestamp"] == pd.Timedelta(days=2)).all()


def test_units_of_absent_columns_are_refused(tmp_path: Path) -> None:
    """A typo in the settings."""
    with pytest.raises(SettingError, match="no numeric column ebs; it has eps, net_income"):
        read_facts(FileFormat(_file(tmp_path), kind="fundamentals", units={"ebs": "USD"}), EQUITIES)
