"""`backtest`: sample periods, symbols, accounts in money; the holdout is read only on request."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.backtesting import BacktestConfig, Bars, backtest, metrics
from alpha_pipeline.cli import main
from alpha_pipeline.cli.data import bars_of
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.resources.lake.holdout_access import holdout_accesses
from alpha_pipeline.resources.lake.lake import Lake

Captured = pytest.CaptureFixture[str]
REVERSAL = "-zscore(close, 5d)"


def _json(capsys: Captured, *arguments: str) -> dict[str, Any]:
    assert main(["backtest", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    found: dict[str, Any] = json.loads(captured.out, parse_constant=lambda name: 1 / 0)
    return found


def _said(capsys: Captured, *arguments: str) -> str:
    assert main(["backtest", *arguments]) == 0
    return capsys.readouterr().out


def _refused(capsys: Captured, *arguments: str) -> str:
    assert main(["backtest", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three symbols, 200 hours; A rises by a percent an hour, B falls by one, C stands still."""
    hours = pd.date_range("2024-01-01 01:00", periods=200, freq="h", tz="UTC")
    moves = {"A": 1.01, "B": 0.99, "C": 1.0}
    rows = [(t, s, 100 * m**k, 100 * m**k) for k, t in enumerate(hours) for s, m in moves.items()]
    file = tmp_path / "bars.csv"
    pd.DataFrame(rows, columns=["timestamp", "symbol", "open", "close"]).to_csv(file, index=False)
    return file


def test_one_symbol_in_money(capsys: Captured) -> None:
    """The full report of one factor, with the confidence interval of the Sharpe ratio."""
    told = _said(capsys, REVERSAL, "--symbol", "BTC/USDT", "--days", "30", "--capital", "50000", "--orders", "2")
    for line in (
        "embedded prices, crypto: BTCUSD (BTC/USDT resolved to BTCUSD)", "720 from 2019-", "the end of train",
        "time_series, rebalanced every 24 bars, filled at the next open, at most 50% per symbol",
        "10 bps fee, 5 bps slippage", "no funding rates in these data",
        "factor    -ts_zscore(close, 120)", "equity    50,000.00 -> ", "fees and slippage",
        "total,",
        "a year (arithmetic mean)", "buy and hold of the symbol",
        "max drawdown -", "Sharpe ", " +- ", "Sortino ", "turnover ", "bars invested",
        "(time-series correlation with forward returns)", "time (UTC)", "BTCUSD  BUY", "more orders",
        "95 % confidence interval [",
    ):  # fmt: skip
        assert line in told, line


def test_where_trades_are_filled(capsys: Captured, tmp_path: Path, data: Path) -> None:
    """At the next open; at the next close where there is none, be the column absent or empty, and that is said."""
    prices, file = pd.read_csv(data), tmp_path / "closes.csv"
    for bars in (prices, prices.drop(columns="open"), prices.assign(open=np.nan)):
        bars.to_csv(file, index=False)
        told = _said(capsys, "close / delay(close, 1)", "--data", str(file), "--market", "crypto")
        known = bars.get("open", pd.Series(dtype=float)).notna().any()
        assert ("filled at the next open, " if known else "filled at the next close (no opens in these data), ") in told


def test_no_newer_bar_than_train_is_read(capsys: Captured, lake: Path) -> None:
    """The window ends where validation begins, and nothing is opened."""
    found = _json(capsys, REVERSAL, "--symbol", "BTCUSDT")
    panel = bars_of("crypto").panel
    end = panel.timestamps[len(panel.timestamps) - 10_000 + 7_000 - 25 - 1]
    assert (
        found["to"] == f"{end.astype('datetime64[m]')}Z"
        and found["sample_period"] == "train"
        and found["holdout_access"] is None
    )
    assert not (lake / "holdout_access").exists()


def test_sealed_bars_are_opened_by_name_and_counted(capsys: Captured, lake: Path) -> None:
    """Each look, before it is taken, with what was looked at."""
    for number in (1, 2):
        found = _json(capsys, REVERSAL, "--symbol", "BTCUSDT", "--sealed", "--days", "2")
        assert found["holdout_access"] == number and found["to"] == "2019-10-01T00:00Z"
    assert holdout_accesses(Lake(str(lake)), CRYPTO) == 2
    noted = json.loads((lake / "holdout_access" / "crypto.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert noted == {"command": "backtest", "expressions": [REVERSAL], "symbols": ["BTCUSD"], "days": 2.0}
    told = _said(capsys, REVERSAL, "--symbol", "BTCUSDT", "--sample-period", "sealed", "--days", "2")
    assert "SEALED holdout, accessed 3 times so far" in told


def test_what_is_refused_opens_nothing(capsys: Captured, lake: Path) -> None:
    """A misspelt factor wears no bar out."""
    assert "unknown field" in _refused(capsys, "zscore(clsoe, 5)", "--sealed")
    assert not (lake / "holdout_access").exists()


def test_the_numbers_are_the_engines(capsys: Captured, data: Path) -> None:
    """On a file: the same returns as the engine's backtest of the whole market, as no bar comes before the window."""
    arguments = (
        "close / delay(close, 1)",
        "--data",
        str(data),
        "--market",
        "crypto",
        "--days",
        "30",
        "--fee-bps",
        "20",
        "--rebalance-bars",
        "4",
    )
    found = _json(capsys, *arguments, "--max-weight", "0.25")
    panel = bars_from(data)
    values = np.vstack([np.full((1, 3), np.nan), panel["close"][1:] / panel["close"][:-1]])
    config = BacktestConfig(20.0, 5.0, 0.0, 4, max_weight=0.25)
    expected = backtest(values, Bars.of(panel, CRYPTO, config))
    m = found["factors"][0]["measures"]
    assert found["mode"] == "quantile" and found["sample_period"] == "own"
    assert m["total_return"] == pytest.approx(metrics.total_return(expected.net))
    assert m["sharpe"] == pytest.approx(metrics.sharpe(expected.net, CRYPTO.periods_per_year))
    assert m["final_equity"] == pytest.approx(100_000 * (1 + m["total_return"]))
    assert m["ic"] == 1.0 and m["total_return"] > 0
    assert found["factors"][0]["equity"][-1]["equity"] == m["final_equity"]


def bars_from(data: Path):  # type: ignore[no-untyped-def]  # a panel
    """The file as the program reads it."""
    from alpha_pipeline.resources.files import FileFormat, panel_of_reading, read_bars

    return panel_of_reading(read_bars(FileFormat(str(data)), CRYPTO, pd.Timestamp.now(tz="UTC")), CRYPTO)


def test_several_factors_are_compared(capsys: Captured) -> None:
    """A row each in the order given; one that cannot be read has its reason, and dashes."""
    told = _said(capsys, "momentum_volume", REVERSAL, "rank(clsoe)", "--symbol", "ETHUSDT", "--days", "10").splitlines()
    rows = [line.split() for line in told if line.startswith(("momentum_volume", "-zscore", "rank(clsoe)"))]
    assert [row[-1] for row in rows[:2]] == ["traded", "traded"]
    assert rows[2][1:10] == ["\N{EN DASH}"] * 9 and "unknown field 'clsoe'" in " ".join(rows[2])
    assert "the best of 3 is biased upwards" in told[-1]


def test_without_a_factor_the_references_are_taken(capsys: Captured) -> None:
    """Those whose fields are there."""
    found = _json(capsys, "--days", "10")
    names = [one["factor"] for one in found["factors"]]
    assert names[:2] == ["momentum_volume", "mean_reversion_volatility"] and len(names) == 8
    assert found["symbols"] == ["BTCUSD", "EOSUSD", "ETHUSD", "LTCUSD", "XRPUSD"] and found["mode"] == "quantile"


def test_ranks_see_all_of_the_market(capsys: Captured) -> None:
    """A symbol alone is ranked among the others, though it is traded alone."""
    found = _json(capsys, "rank(volume)", "--symbol", "XRPUSDT", "--days", "20")
    assert found["factors"][0]["measures"]["orders"] > 0


def test_the_market_follows_from_the_symbol(capsys: Captured) -> None:
    """A stock is looked for where stocks are; its costs are those of its market."""
    told = _said(capsys, "-ts_return(close, 5)", "--symbol", "aapl", "--days", "60")
    assert "equities: AAPL" in told and "1 bps fee, 5 bps slippage" in told and "60 from 201" in told


def test_orders_are_written(capsys: Captured, tmp_path: Path) -> None:
    """All of them, of every factor."""
    for name in ("orders.csv", "orders.parquet"):
        out = tmp_path / name
        _said(capsys, REVERSAL, "momentum_volume", "--symbol", "BTC", "--days", "5", "--out", str(out))
        written = pd.read_csv(out) if out.suffix == ".csv" else pd.read_parquet(out)
        assert set(written["factor"]) == {REVERSAL, "momentum_volume"} and (written["cost"] >= 0).all()


def test_a_factor_of_the_library_by_name(capsys: Captured, lake: Path) -> None:
    """Of the last stored run date."""
    from alpha_pipeline.tables import LIBRARY

    when = pd.Timestamp("2019-09-30", tz="UTC")
    kinds = LIBRARY.empty().dtypes
    names = {kind: kinds.index[[kind in str(k).lower() for k in kinds]] for kind in ("datetime", "int", "float")}
    known = dict.fromkeys(names["datetime"], when) | dict.fromkeys([*names["int"], *names["float"]], 0)
    blank = {name: known.get(name, "") for name in kinds.index}
    row = {**blank, "factor_id": "mine_1a2b", "name": "mine", "expression": "ts_zscore(close, 48)"}
    frame = pd.DataFrame([row]).astype(kinds.to_dict())
    Lake(str(lake)).write_range("crypto/factor_library", frame, "2019-09-30", "2019-09-30")
    found = _json(capsys, "mine_1a2b", "--symbol", "BTC", "--days", "5")
    assert found["factors"][0]["expression"] == "ts_zscore(close, 48)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--symbol", "DOGEUSDT"), "SettingError: unknown symbol 'DOGEUSDT'"),
        (("--symbol", "BTCUSD", "--market", "equities"), "SettingError: unknown symbol 'BTCUSD'"),
        (("--days", "0"), "SettingError: --days and --capital must be above 0"),
        (("--capital", "-5"), "SettingError: --days and --capital must be above 0"),
        (("--max-weight", "2"), "SettingError: quantile in (0, 0.5]"),
        (("--days", "inf"), "SettingError: --days and --capital must be above 0"),
        (("--days", "1e308"), "SettingError: --days and --capital must be above 0"),
        (("--fee-bps", "-1"), "SettingError: costs must be finite and not negative"),
        (("--fee-bps", "nan"), "SettingError: costs must be finite and not negative"),
        (("--slippage-bps", "inf"), "SettingError: costs must be finite and not negative"),
        (("--rebalance-bars", "9" * 400), "SettingError: at most 1,000,000,000 bars expected"),
        (("--window-bars", "9" * 400), "SettingError: at most 1,000,000,000 bars expected"),
        (("close +", "--symbol", "BTC"), "ExpressionError:"),
        (("--run-date", "2035-01-01"), "SettingError: run date 2035-01-01 is after"),
        (("--out", "orders.txt"), "SettingError: orders.txt must end in .parquet or .csv"),
        (("--data", "nowhere.csv"), "SettingError: no such file: nowhere.csv"),
    ],
)
def test_refusals(capsys: Captured, arguments: tuple[str, ...], said: str) -> None:
    """Typed, on standard error, exit code 1."""
    told = _refused(capsys, *arguments)
    assert told.startswith(said) and "Traceback" not in told


CASES = Path(__file__).parents[1] / "resources" / "files" / "cases"


@pytest.mark.parametrize(
    ("arguments", "bars", "measures"),
    [
        (("-ts_return(close,5)", "split_column/as_traded_with_split.parquet", "400"), (252, 400),
         {"sharpe": (-1.0992, 5e-5), "hold_return": (0.094, 5e-5)}),
        (("-ts_return(close,5)", "split_column/adjusted.parquet", "400"), (252, 400),
         {"sharpe": (-1.0992, 5e-5), "hold_return": (0.094, 5e-5)}),
        (("-ts_return(close,5)", "one_text_cell/open_text.csv", "60"), (252, 60), {"profit": (-1680.70, 0.005)}),
        (("-ts_return(close,7)", "stock_hours/hourly_sessions.parquet", "60"), (1764, 420), {"bars": (419, 0)}),
        # The account of the report, 1,440 bars, once with the year of 24 hours: -3.64 a year was -1.97.
        (("-ts_return(close,7)", "stock_hours/hourly_sessions.parquet", "205.7"), (1764, 1440),
         {"sharpe": (-1.97, 0.01), "turnover": (0.75, 0.01)}),
    ],
)  # fmt: skip
def test_files_of_bug_reports(
    capsys: Captured, arguments: tuple[str, str, str], bars: tuple[int, int], measures: dict[str, tuple[float, float]]
) -> None:
    """Splits, a text among the opens and hours of stocks give their right measures."""
    factor, name, days = arguments
    found = _json(capsys, factor, "--data", str(CASES / name), "--market", "equities", "--days", days)
    own = found["factors"][0]["measures"]
    assert found["periods_per_year"] == bars[0] and found["set_aside"] == {}
    assert {k: own[k] for k in measures} == {k: pytest.approx(v, abs=d) for k, (v, d) in measures.items()}
    assert own["bars"] <= bars[1]


def test_all_of_a_file_is_measured(capsys: Captured) -> None:
    """Without `--days`; rows set aside are counted, and what was understood is said."""
    file = str(CASES / "duplicates" / "two_closes.csv")
    shown = _said(capsys, "close / delay(close, 1)", "--data", file, "--market", "crypto")
    assert "crypto: BTCUSDT, ETHUSDT, SOLUSDT; 2 rows set aside: 2 conflicting rows of one bar" in shown
    assert "96 from 2024-12-30T01:00Z to 2025-01-03T00:00Z" in shown
    assert "times with their offset, closes of bars" in shown
    found = _json(capsys, "close / delay(close, 1)", "--data", file, "--market", "crypto")
    assert found["set_aside"] == {"conflicting rows of one bar": 2} and len(found["remarks"]) == 4


def test_the_symbol_names_rows_without_one(capsys: Captured) -> None:
    """`--symbol` selects among the symbols of a file, and is the name where it has none."""
    file = str(CASES / "vendor_layouts" / "yahoo_AAPL.csv")
    found = _json(capsys, "-ts_return(close, 5)", "--data", file, "--market", "equities", "--symbol", "AAPL")
    assert found["symbols"] == ["AAPL"]


def test_the_market_of_a_vendor_of_coins(capsys: Captured) -> None:
    """Klines of an exchange of coins say their market, if the project has one such market."""
    file = str(CASES / "vendor_layouts" / "binance_spot_BTCUSDT-1h.csv")
    assert _json(capsys, "-ts_return(close, 5)", "--data", file)["market"] == "crypto"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "FILE"), "--data needs --market, whose calendar and costs apply to it: one of crypto, equities"),
        (("--data", "FILE", "--market", "crypto", "--sealed"), "--sample-period (--sealed) does not apply to --data"),
        (("--data", "FILE", "--market", "crypto", "--sample-period", "valid"), "does not apply to --data"),
        (("--data", "FILE", "--market", "crypto", "--run-date", "2020-12-31"), "--run-date does not apply to --data"),
        (("--preset", "yahoo"), "--preset says how to read --data, which is not given"),
        (("--data", "FILE", "--market", "crypto", "--column", "close"), "--column 'close' is no pair"),
    ],
)
def test_wrong_usage_of_files(capsys: Captured, data: Path, arguments: tuple[str, ...], message: str) -> None:
    """Options that do not apply are refused, exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(["backtest", "close", *[str(data) if a == "FILE" else a for a in arguments]])
    assert ended.value.code == 2 and message in capsys.readouterr().err
