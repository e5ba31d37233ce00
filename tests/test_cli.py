"""What a person asks from a shell is answered, or refused with a reason and an exit code."""

import io
import json
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.cli import main
from alpha_pipeline.expressions import parse
from alpha_pipeline.operators import operators

FACTOR = "-zscore(close, 5d) * rank(volume)"


def test_explain_tells_the_whole_story(capsys: pytest.CaptureFixture[str]) -> None:
    """Canonical form, unit, look-back in bars and time, each step in words, and three dialects that read back."""
    assert main(["explain", FACTOR]) == 0
    told = capsys.readouterr().out
    for part in ("ts_zscore(close, 120)", "close (price)", "119 bars of 1h (4 d 23 h), exact", "cs_rank", "tree"):
        assert part in told
    assert operators()["ts_zscore"].doc in told
    code = textwrap.dedent(told.partition("as pandas\n")[2])
    assert parse(code, "pandas") is parse(FACTOR)


def test_explain_says_what_remembers_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """A recursive operator has a warm-up, not an exact look-back."""
    main(["explain", "ema(close, 20) / close"])
    assert "warm-up of 300 bars of 1h" in capsys.readouterr().out


def test_a_factor_may_begin_with_a_minus_or_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-rank(volume)` is no option, and `-` reads the factor."""
    assert main(["check", "-rank(volume)"]) == 0
    written = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("-rank(volume)\n"))
    assert main(["check", "-"]) == 0
    assert capsys.readouterr().out == written


def test_evaluate_on_the_embedded_prices(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The last bars, a summary, and all values in a file; ranks see the symbols that are not shown."""
    file = tmp_path / "values.parquet"
    assert main(["evaluate", "rank(volume)", "--symbols", "BTCUSD", "--last", "2", "--out", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "2019-10-01 00:00" in shown and "ETHUSD" not in shown and "coverage" in shown
    table = pd.read_parquet(file)
    assert list(table.columns) == ["timestamp", "symbol", "value"]
    assert table["value"].iloc[-1] == 0.2


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_evaluate_on_a_file(ending: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Any long table with timestamp and symbol; values are those of pandas, durations follow the bars of the file."""
    times = pd.date_range("2024-01-01", periods=30, freq="4h", tz="UTC")
    table = pd.DataFrame({"timestamp": times, "symbol": "A", "close": np.arange(30.0) ** 2})
    file, out = tmp_path / f"prices.{ending}", tmp_path / "out.csv"
    table.to_csv(file, index=False) if ending == "csv" else table.to_parquet(file)
    assert main(["evaluate", "ts_mean(close, 1d)", "--data", str(file), "--out", str(out)]) == 0
    assert "bars of 4h" in capsys.readouterr().out
    expected = table["close"].rolling(6).mean().dropna()
    np.testing.assert_allclose(pd.read_csv(out)["value"], expected, rtol=1e-12)


def test_operators_are_found_by_name_alias_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them under headings, some of them with their aliases, and as JSON for programs."""
    main(["operators"])
    everything = capsys.readouterr().out
    assert all(operator.example in everything for operator in operators().values())
    main(["operators", "illiquidity"])
    assert "amihud" in capsys.readouterr().out
    main(["operators", "amihud", "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert found["name"] == "amihud" and found["formula"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "rank(clsoe)"], "Write instead: close"),
        (["check", "close + volume"], "cannot add a price and a volume"),
        (["explain", "close", "--bar", "1x"], "no length of time"),
        (["operators", "xyzzy"], "no operator has"),
        (["evaluate", "close", "--symbols", "NOPE"], "unknown symbols"),
        (["evaluate", "close", "--data", "absent.csv"], "no such file"),
        (["evaluate", "close", "--last", "-3"], "--last is -3"),
        (["evaluate", "funding"], "unknown field 'funding'"),
    ],
)
def test_refusals(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the reason on standard error, nothing on standard output."""
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert said in told.err and not told.out
