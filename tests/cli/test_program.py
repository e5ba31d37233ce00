"""The program as a whole: help, versions, what was misspelt, exit codes."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.cli import main, parser
from alpha_pipeline.cli.data import priced_days
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import NIGHTLY_REPORT

Captured = pytest.CaptureFixture[str]
COMMANDS = (
    "run", "report", "init", "import", "fuse", "backtest", "generate", "optimize", "mine", "submit", "operators",
    "check", "explain", "evaluate", "settings", "completion",
)  # fmt: skip
SHOWN_AS_DATA = set(COMMANDS) - {"completion"}
ROOT = Path(__file__).parents[2]


def _left(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    captured = capsys.readouterr()
    return int(str(stopped.value.code)), captured.out, captured.err


def test_help_lists_every_command(capsys: Captured) -> None:
    """With first steps and the meaning of exit codes."""
    code, told, _ = _left(capsys, "--help")
    assert code == 0 and all(f"\n    {command}" in told for command in COMMANDS)
    assert "first steps:" in told and "exit codes: 0 success, 1 error" in told and "130 interrupted" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(capsys: Captured, command: str) -> None:
    """What it is, two examples or more, exit codes, and `--json` with its fields where there are data."""
    code, told, _ = _left(capsys, command, "--help")
    assert code == 0 and told.count(f"\n  alpha-pipeline {command}") >= 2 and "exit codes:" in told
    assert ("--json prints one document" in told) == (command in SHOWN_AS_DATA)
    assert max(map(len, told.splitlines())) <= 140


def test_the_version(capsys: Captured) -> None:
    """Of the installed package."""
    assert _left(capsys, "--version") == (0, f"alpha-pipeline {version('alpha-pipeline')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("backtst",), "COMMAND 'backtst' is unknown; did you mean backtest?"),
        (("backtest", "--symbl", "BTC"), "backtest: unknown option '--symbl'; did you mean --symbol"),
        (("evaluate", "close", "--market", "cypto"), "--market: 'cypto' is unknown; did you mean crypto?"),
        (("backtest", "--days", "soon"), "argument --days: invalid float value: 'soon'"),
        (("--frobnicate",), "the following arguments are required: COMMAND"),
        ((), "the following arguments are required: COMMAND"),
        (("check",), "expression"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told_in_two_lines(capsys: Captured, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, what was perhaps meant, where help is; nothing on standard output."""
    code, out, told = _left(capsys, *arguments)
    assert code == 2 and out == "" and said in told
    assert told.count("\n") == 2 and "see `alpha-pipeline" in told


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """`| head` closes the pipe."""
    program = [sys.executable, "-c", "import sys; from alpha_pipeline.cli import main; sys.exit(main())", "operators"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_night_that_nobody_reads_is_ended_and_not_done(lake: Path) -> None:
    """`run | head` leaves no process behind, and says that the run date was cut short."""
    program = [sys.executable, "-c", "import sys; from alpha_pipeline.cli import main; sys.exit(main())", "run"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    lake.mkdir()
    with subprocess.Popen(
        program, cwd=lake, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert (
        said.startswith("AlphaError: run of 2019-09-30 was stopped because its output pipe was closed")
        and said.count("\n") == 1
    )


def test_help_waits_for_no_library() -> None:
    """Neither numbers, nor tables, nor the graph are imported before a command needs them."""
    heavy = "{'numpy', 'pandas', 'pyarrow', 'dagster', 'rich', 'shtab', 'numba', 'sklearn'}"
    code = f"import sys; from alpha_pipeline.cli import parser; parser(); print(sorted({heavy} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() == "[]"


def test_every_command_is_declared_once() -> None:
    """The list above is the program's."""
    added = next(action for action in parser()._actions if action.dest == "==SUPPRESS==" and action.choices)
    assert tuple(added.choices or ()) == COMMANDS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--run-date", "2035-01-01"), "SettingError: run date 2035-01-01 is after the last day of the graph"),
        (("run", "--run-date", "yesterday"), "SettingError: run date 'yesterday' is not a day; expected YYYY-MM-DD"),
        (("mine", "--run-date", "2019-06-30"), "SettingError: run date 2019-06-30 lies before the first day"),
        (("fuse", "--run-date", "2020-01-01"), "SettingError: run date 2020-01-01 is after the last day"),
        (("report",), "AlphaError: no report under"),
        (("report", "--run-date", "1999-01-01"), "AlphaError: no report of 1999-01-01 under"),
        (("report", "--run-date", "../../etc/passwd"), "AlphaError: no report of"),
    ],
)
def test_refused_before_any_process_starts(capsys: Captured, arguments: tuple[str, ...], said: str) -> None:
    """One readable line, exit code 1."""
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(said) and captured.err.count("\n") == 1 and captured.out == ""


@pytest.mark.parametrize("command", ["run", "mine"])
def test_a_lake_that_cannot_be_written_to(
    command: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before anything is computed."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ALPHA_PIPELINE_LAKE", str(tmp_path / "file" / "lake"))
    assert main([command]) == 1
    assert "is not writable: Not a directory; set ALPHA_PIPELINE_LAKE" in capsys.readouterr().err


@pytest.mark.parametrize("written", ["{}", "file://{}"])
def test_a_lake_is_found_however_it_is_written(
    written: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder or its URL: the last run date that has a report is told."""
    lake = Lake(str(tmp_path / "lake"))
    for run_date in ("2019-09-29", "2019-09-30"):
        values = {column.name: 0 if column.type == "int64" else "" for column in NIGHTLY_REPORT.columns}
        row = pd.DataFrame([{**values, "run_date": pd.Timestamp(run_date, tz="UTC")}])
        lake.write_range("nightly_report", row, run_date, run_date)
        lake.atomic_write(f"reports/{run_date}.txt", f"The run date of {run_date}\n".encode())
    monkeypatch.setenv("ALPHA_PIPELINE_LAKE", written.format(tmp_path / "lake"))
    assert main(["report"]) == 0
    assert capsys.readouterr().out == "The run date of 2019-09-30\n"
    (tmp_path / "lake/reports/2019-09-30.txt").write_bytes(b"\xff")
    assert main(["report"]) == 1
    assert capsys.readouterr().err.startswith("CorruptFileError: ")


def test_a_lake_in_memory_is_refused_for_a_night(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process would have its own; and nothing is made of the URL as if it were a folder."""
    monkeypatch.setenv("ALPHA_PIPELINE_LAKE", "memory://lake")
    assert main(["run"]) == 1
    assert "a lake in memory ends with its process" in capsys.readouterr().err
    assert priced_days() == set()
