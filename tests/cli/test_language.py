"""The commands of the language: text on standard output, refusals on standard error, exit codes."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.cli import main
from alpha_pipeline.operators import operators

Captured = pytest.CaptureFixture[str]


def _table() -> pd.DataFrame:
    """Three symbols, six hourly bars; closes rise by 1, 2 and 3 a bar."""
    hours = pd.date_range("2024-01-01 01:00", periods=6, freq="h", tz="UTC")
    rows = [(t, s, 10.0 + step * k, 100.0 * step) for k, t in enumerate(hours) for step, s in enumerate("ABC", 1)]
    return pd.DataFrame(rows, columns=["timestamp", "symbol", "close", "volume"])


@pytest.fixture(params=["bars.parquet", "bars.csv"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    file = tmp_path / request.param
    if file.suffix == ".csv":
        _table().to_csv(file, index=False)
    else:
        _table().to_parquet(file, index=False)
    return str(file)


def _file(data: str) -> tuple[str, ...]:
    return "--data", data, "--market", "crypto"


def _said(capsys: Captured, *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def _refused(capsys: Captured, *arguments: str) -> str:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_explain_tells_everything(capsys: Captured) -> None:
    """Canonical form, unit, fields, look-back in bars and time, tree, words, dialects."""
    told = _said(capsys, "explain", "-zscore(close, 5d) * rank(volume)")
    for line in (
        "canonical   -ts_zscore(close, 120) * cs_rank(volume)",
        "unit        ratio",
        "fields      close (price), volume (volume)",
        "look-back   119 bars of 1h (4 d 23 h), exact: older bars have no influence",
        "complexity  6 nodes, 4 levels, 1 windows",
        "      ts_zscore window=120  ratio         119",
        "        close               price           0",
        "  cs_rank(x)            Rank among the symbols of the bar, in (0, 1]; ties get average ranks.",
        "  -ZSCORE(close, 120) * RANK(volume)",
        '      return ((-ts_zscore(df["close"], 120)) * df["volume"].rank(axis=1, pct=True))',
    ):
        assert line in told.splitlines(), line


def test_explain_names_recursive_operators(capsys: Captured) -> None:
    """With the warm-up and its precision; a repeated part is shown once."""
    told = _said(capsys, "explain", "rsi(14)")
    assert "warm-up of 405 bars of 1h (16 d 21 h): wilder is recursive" in told
    assert "wilder window=14 (as above)" in told


@pytest.mark.parametrize("text", ["5", "close", "ewm_mean(close, 0.1) / ema(close, 5)", "-rank(volume)"])
def test_explain_any_factor(capsys: Captured, text: str) -> None:
    """A number, a field, several recursive operators, and what begins with a minus."""
    assert "canonical" in _said(capsys, "explain", text)


def test_explain_resolves_durations_by_the_bar(capsys: Captured) -> None:
    """Five days are five daily bars."""
    assert "ts_mean(close, 5)" in _said(capsys, "explain", "ts_mean(close, '5d')", "--bar", "1D")


def test_code_is_read_from_standard_input(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads a factor of several lines."""
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("def f(df):\n    x = df['close'].diff()\n    return x / df['close']\n")
    )
    assert "canonical   delta(close, 1) / close" in _said(capsys, "explain", "-", "--dialect", "pandas")


def test_evaluate_shows_last_bars_and_a_summary(capsys: Captured, data: str) -> None:
    """Values one can check by eye: closes move 1, 2, 3 a bar."""
    said = _said(capsys, "evaluate", "delta(close, 2h)", *_file(data), "--last", "2").splitlines()
    assert said[0] == "factor  delta(close, 2)"
    assert said[1].endswith(": 6 bars of 1h, 3 symbols")
    assert said[2].strip() == "layout long: timestamp, symbol, close, volume"
    shown = said[said.index("") + 1 :]
    assert shown[0].split() == ["close", "(UTC)", "A", "B", "C"]
    assert shown[2].split() == ["2024-01-01", "06:00", "2", "4", "6"]
    assert shown[4].split() == ["symbol", "coverage", "mean", "std", "min", "max"]
    assert shown[5].split() == ["A", "66.7%", "2", "0", "2", "2"]
    assert shown[8].split() == ["all", "66.7%", "4", "1.706", "2", "6"]


def test_evaluate_ranks_among_all_and_shows_some(capsys: Captured, data: str) -> None:
    """`--symbols` chooses what is shown, in that order; the rank still counts the others."""
    said = _said(capsys, "evaluate", "rank(volume)", *_file(data), "--symbols", "C,A", "--last", "1").splitlines()
    shown = said[said.index("") + 1 :]
    assert shown[0].split()[2:] == ["C", "A"] and shown[1].split()[2:] == ["1", "0.3333"]


@pytest.mark.parametrize("name", ["values.parquet", "values.csv"])
def test_evaluate_writes_all_values(capsys: Captured, data: str, tmp_path: Path, name: str) -> None:
    """A long table without the missing values."""
    out = tmp_path / name
    said = _said(capsys, "evaluate", "delta(close, 2)", *_file(data), "--out", str(out))
    written = pd.read_csv(out) if name.endswith("csv") else pd.read_parquet(out)
    assert list(written.columns) == ["timestamp", "symbol", "value"] and len(written) == 12
    assert "wrote 12 values" in said
    np.testing.assert_array_equal(written["value"][:3], [2.0, 4.0, 6.0])


@pytest.mark.parametrize(("market", "symbol"), [("crypto", "BTCUSD"), ("equities", "AAPL")])
def test_evaluate_on_embedded_prices(capsys: Captured, market: str, symbol: str) -> None:
    """Without a file the embedded prices of a market are taken."""
    said = _said(capsys, "evaluate", "-zscore(close, 20d)", "--market", market, "--symbols", symbol)
    assert f"embedded {market}" in said and symbol in said


REFUSED = [
    (("explain", "rank(clsoe)"), "unknown field 'clsoe'", "         ^"),
    (("check", "close + volume"), "units differ", "          ^"),
    (("evaluate", "rank(close)"), "cs_rank compares symbols", "         ^"),
    (("evaluate", "delay(close, -1)", "--market", "equities"), "negative lag", "                 ^"),
    (("evaluate", "delta(close, 1)", "--symbols", "DOGE"), "unknown symbol 'DOGE'", "BTCUSD"),
    (("evaluate", "close/open", "--last", "-1"), "--last is -1", ""),
    (("evaluate", "close/open", "--data", "nowhere.csv"), "no such file: nowhere.csv", ""),
    (("evaluate", "close/open", "--out", "values.txt"), "must end in .parquet or .csv", ""),
    (("explain", "close", "--bar", "soon"), "the bar 'soon' is no length of time", ""),
    (("explain", "close", "--bar", "0h"), "must be longer than 0", ""),
    (("operators", "zscoer"), "near are zscore", ""),
]


@pytest.mark.parametrize(("arguments", "reason", "line"), REFUSED, ids=[" ".join(a) for a, _, _ in REFUSED])
def test_refusals_are_short_and_exact(capsys: Captured, arguments: tuple[str, ...], reason: str, line: str) -> None:
    """Exit code 1, the reason and the caret on standard error, no traceback."""
    told = _refused(capsys, *arguments)
    assert reason in told and line in told and "Traceback" not in told


BROKEN = {
    "no key": ("a,b\n1,2\n", "has no column of times; it has a, b"),
    "no rows": ("timestamp,symbol,close\n", "has no rows below its header"),
    "bad time": ("timestamp,symbol,close\nyesterday,A,1\n", "'yesterday' is no date or time"),
    "twice": ("timestamp,symbol,close\n2024-01-01,A,1\n2024-01-01,A,2\n", "2 x conflicting rows of one bar"),
    "no symbol": ("timestamp,symbol,close\n2024-01-01,,1\n", "no row with a time, a symbol and a value"),
    "nothing": ("", "bars.csv is empty"),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_table_is_named(capsys: Captured, tmp_path: Path, text: str, reason: str) -> None:
    """What is wrong with a file of one's own is said."""
    file = tmp_path / "bars.csv"
    file.write_text(text, encoding="utf-8")
    assert reason in _refused(capsys, "evaluate", "close / close", "--data", str(file), "--market", "crypto")


def test_operators_are_listed_under_headings(capsys: Captured) -> None:
    """All of them, each with an example and its sentence."""
    listed = _said(capsys, "operators")
    assert "TIME SERIES\n" in listed and "CROSS SECTION\n" in listed
    assert all(o.example in listed and o.doc in listed for o in operators().values())


def test_operators_are_found_by_name_alias_and_description(capsys: Captured) -> None:
    """`willr` is an alias, `Wilder` a word of descriptions; aliases are shown with what was found."""
    assert "williams_r" in _said(capsys, "operators", "willr")
    assert "atr(high, low, close, 14)" in _said(capsys, "operators", "wilder")
    assert "also: rank, rank_cs" in _said(capsys, "operators", "rank")


def test_operators_as_json(capsys: Captured) -> None:
    """Strict JSON with parameters, limits and aliases."""
    found = json.loads(_said(capsys, "operators", "ts_zscore", "--json"), parse_constant=lambda name: 1 / 0)
    assert [o["name"] for o in found] == ["ts_zscore"]
    assert found[0]["parameters"][1] == {
        "name": "window", "kind": "window", "accepts": "any", "default": None, "minimum": 2, "maximum": None,
    }  # fmt: skip
    assert len(json.loads(_said(capsys, "operators", "--json"))) == len(operators())


def test_the_same_as_json(capsys: Captured, data: str) -> None:
    """What is shown, by name; a value that is not there is null."""
    checked = json.loads(_said(capsys, "check", "ts_mean(close, 3) / close", "--json"))
    assert checked["canonical"] == "ts_mean(close, 3) / close" and checked["lookback_bars"] == 2
    told = json.loads(_said(capsys, "explain", "rank(volume)", "--json"))
    assert told["fields"] == ["volume"] and "in words" in told["text"]
    found = json.loads(_said(capsys, "evaluate", "delta(close, 6)", *_file(data), "--last", "1", "--json"))
    assert found["bars"] == 6 and found["symbols"] == ["A", "B", "C"]
    assert found["last"][0] == {"timestamp": "2024-01-01T06:00:00+00:00", "symbol": "A", "value": None}
    assert found["summary"]["all"] == {"coverage": 0.0, "mean": None, "std": None, "min": None, "max": None}


def test_symbols_are_forgiven_their_spelling(capsys: Captured) -> None:
    """What venues call differently is one symbol here."""
    said = _said(capsys, "evaluate", "close / open", "--symbols", "btc/usdt,ETH-USD", "--last", "1")
    assert said.splitlines()[3].split()[2:] == ["BTCUSD", "ETHUSD"]
