"""The signal beside freqtrade's candles: files as they are written, columns as they are read, no look ahead."""

import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from alpha_pipeline.outcomes.freqtrade import feather, file_of, pair_of, pair_tables, pairlist, unpaired

STRATEGY = Path(__file__).parents[2] / "docs" / "freqtrade"
DECIDED = pd.DataFrame(
    {
        "timestamp": pd.to_datetime(["2019-07-02", "2019-07-03", "2019-07-04"], utc=True),
        "symbol": "BTCUSDT",
        "decision": ["LONG", "HOLD", "SHORT"],
        "value": [0.5, 0.1, -0.6],
        "confidence": [0.6, 0.2, 0.7],
    }
)


@pytest.fixture(scope="module")
def signals() -> ModuleType:
    """The file a user copies to freqtrade, loaded as it lies."""
    spec = importlib.util.spec_from_file_location("signals", STRATEGY / "alpha_pipeline_signals.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def candles(hours: int = 24 * 8) -> pd.DataFrame:
    """Hourly, dated by their open, in freqtrade's type."""
    opens = pd.date_range("2019-07-01", periods=hours, freq="h", tz="UTC").astype("datetime64[ms, UTC]")
    return pd.DataFrame({"date": opens, "close": range(hours)})


@pytest.mark.parametrize(
    ("symbol", "pair", "file"),
    [
        ("BTCUSDT", "BTC/USDT:USDT", "BTC_USDT_USDT"),
        ("1000PEPEUSDT", "1000PEPE/USDT:USDT", "1000PEPE_USDT_USDT"),
        ("ETHUSDC", "ETH/USDC:USDC", "ETH_USDC_USDC"),
        ("SOLPERP", "SOL/USDC:USDC", "SOL_USDC_USDC"),
        ("BTCUSD", "BTC/USD", "BTC_USD"),
    ],
)
def test_symbols_as_pairs(symbol: str, pair: str, file: str) -> None:
    """Perpetuals are settled in their quote."""
    assert (pair_of(symbol), file_of(pair)) == (pair, file)


@pytest.mark.parametrize("symbol", ["", "USDT", "USD", "BTC", "btcusdt", ".*USDT", "A/BUSDT", "../USDT", "BTCUSDT\n"])
def test_what_is_no_pair_is_left_out_and_named(symbol: str) -> None:
    """Pairs are patterns to freqtrade and names of files to us."""
    assert pair_of(symbol) is None
    assert unpaired([symbol, "BTCUSDT"]) == [symbol]
    assert pair_tables(DECIDED.assign(symbol=symbol)) == {}


def test_two_symbols_of_one_pair_are_one_row_a_candle() -> None:
    """A merge by date would double the candles: the first by name speaks, in the table and in the list."""
    twins = pd.concat([DECIDED.assign(symbol="BTCUSDC", decision="SHORT"), DECIDED.assign(symbol="BTCPERP")])
    (table,) = pair_tables(twins).values()
    assert table["date"].is_unique and len(table) == len(DECIDED)
    assert table["enter_long"].tolist() == (DECIDED["decision"] == "LONG").astype(int).tolist()
    assert json.loads(pairlist(twins))["pairs"] == ["BTC/USDC:USDC"]


def test_the_pair_list_is_sorted_by_conviction() -> None:
    """HOLD is in it: what left the list could not be sold."""
    signal = pd.DataFrame(
        {"symbol": ["AUSDT", "BUSDT", "CUSDT", "odd"], "value": [0.1, -0.9, None, 1], "confidence": [0.5, 0.5, 0.9, 1]}
    )
    told = json.loads(pairlist(signal))
    assert told == {"pairs": ["B/USDT:USDT", "A/USDT:USDT", "C/USDT:USDT"], "refresh_period": 1800}


def test_a_signal_holds_at_candles_that_open_at_its_decision_or_later(signals: ModuleType, tmp_path: Path) -> None:
    """The candle that closes at the decision has the one before; the last one ends after two days."""
    (table,) = pair_tables(DECIDED).values()
    (tmp_path / "BTC_USDT_USDT.feather").write_bytes(feather(table))
    found = signals.merge_signals(candles(), signals.read_signals(tmp_path, "BTC/USDT:USDT")).set_index("date")
    columns = ["enter_long", "enter_short", "exit_long", "exit_short"]
    for hour, expected in {
        "2019-07-01 23:00": [0, 0, 0, 0],
        "2019-07-02 00:00": [1, 0, 0, 1],
        "2019-07-02 23:00": [1, 0, 0, 1],
        "2019-07-03 00:00": [0, 0, 1, 1],
        "2019-07-04 00:00": [0, 1, 1, 0],
        "2019-07-06 00:00": [0, 1, 1, 0],
        "2019-07-06 01:00": [0, 0, 0, 0],
    }.items():
        assert found.loc[pd.Timestamp(hour, tz="UTC"), columns].tolist() == expected, hour
    assert found.loc[pd.Timestamp("2019-07-04", tz="UTC"), "enter_tag"] == "SHORT -0.60 70%"
    assert found["close"].tolist() == list(range(24 * 8))


def test_decisions_to_come_change_no_candle(signals: ModuleType) -> None:
    """Cut after each decision, the candles up to the next are the same."""
    (table,) = pair_tables(DECIDED).values()
    whole = signals.merge_signals(candles(), table)
    for n in range(1, len(table)):
        known = signals.merge_signals(candles(), table.iloc[:n])
        before = whole["date"] < table["date"].iloc[n]
        pd.testing.assert_frame_equal(known[before], whole[before])


def test_a_pair_without_a_file_has_no_signal(
    signals: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All columns are there and zero, and the log names the file that is missing."""
    found = signals.merge_signals(candles(5), signals.read_signals(tmp_path, "XRP/USDT:USDT"))
    assert caplog.messages == [
        f"no signals for XRP/USDT:USDT: file {tmp_path / 'XRP_USDT_USDT.feather'} does not exist"
    ]
    assert found[["enter_long", "enter_short", "exit_long", "exit_short"]].to_numpy().sum() == 0
    assert found["enter_tag"].isna().all()


def test_the_file_is_feather_with_freqtrades_types() -> None:
    """Date in milliseconds, UTC, as its own candles."""
    (table,) = pair_tables(DECIDED).values()
    read = pd.read_feather(io.BytesIO(feather(table)))
    assert str(read["date"].dtype) == "datetime64[ms, UTC]"
    pd.testing.assert_frame_equal(read, table)
