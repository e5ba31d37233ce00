"""Every example of the help is run as it stands; those that start the graph are run with the real processes."""

import argparse
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.cli import main, parser
from tests.helpers.openai_server import OpenAIServer, serving

SLOW = {"run", "mine", "report", "submit"}
ANSWER = (
    '{"factors": [{"name": "one", "expression": "ts_zscore(close, 20)"}, {"name": "two", "expression": "rsi(14)"}, '
)
ANSWER += '{"name": "three", "expression": "ts_rank(volume, 30)"}]}'


def examples() -> dict[str, list[str]]:
    """Command to the lines of its help that show how it is called, without the program's name."""
    added = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    start = "  alpha-pipeline "
    return {
        name: [line.removeprefix(start) for line in command.format_help().splitlines() if line.startswith(start)]
        for name, command in added.choices.items()
    }


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A model on loopback with three factors, or code where code is asked for."""

    def answer(question: dict[str, object]) -> str:
        if "calculate_factor" in str(question):
            return '```python\ndef calculate_factor(df):\n    return df["close"].pct_change(5)\n```'
        return ANSWER

    with serving(OpenAIServer(answer)) as found:
        monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", found.url)
        monkeypatch.setenv("ALPHA_PIPELINE_MODEL", "stand-in")
        yield


FAST = [line for name, lines in examples().items() if name not in SLOW for line in lines]


@pytest.mark.parametrize("line", FAST)
def test_an_example_works(
    line: str, model: None, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0, something on standard output and nothing beside it; with --json one strict document."""
    monkeypatch.setenv("ALPHA_PIPELINE_LAKE", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    _write_files(tmp_path)
    assert main(shlex.split(line)) == 0
    captured = capsys.readouterr()
    assert captured.out and captured.err == ""
    if "--json" in line:
        json.loads(captured.out, parse_constant=lambda name: 1 / 0)


def _write_files(folder: Path) -> None:
    """The files that the examples name: days of stocks, hours of currencies."""
    days = pd.date_range("2024-01-02", "2024-03-28", freq="B").difference(pd.to_datetime(["2024-01-15", "2024-02-19"]))
    hours = pd.date_range("2024-01-02 01:00", "2024-01-05", freq="h", tz="UTC")
    for name, stamps, symbols in (("stocks.csv", days, ("AAA", "BBB")), ("bars/x.parquet", hours, ("EURUSD",))):
        prices = np.linspace(10.0, 20.0, len(stamps))
        rows = [pd.DataFrame({"timestamp": stamps, "symbol": s, "close": prices, "volume": 1.0}) for s in symbols]
        (folder / name).parent.mkdir(exist_ok=True)
        table = pd.concat(rows)
        table.to_csv(folder / name, index=False) if name.endswith("csv") else table.to_parquet(folder / name)


def test_all_commands_have_examples() -> None:
    """Two or more each, begun with the command's own name."""
    for name, lines in examples().items():
        assert len(lines) >= 2 and all(line.split()[0] == name for line in lines)
