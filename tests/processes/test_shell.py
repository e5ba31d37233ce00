"""`alpha-pipeline` as a person has it: real processes, a real terminal, Ctrl-C."""

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from dagster._core.instance.ref import InstanceRef

from alpha_pipeline.assets.automation.alert_sensors import RUNS, failed_runs
from tests.cli.test_examples import SLOW, examples

from .conftest import RUN_DATE, settings

pytestmark = pytest.mark.slow

PROGRAM = str(Path(sys.executable).with_name("alpha-pipeline"))


def _run(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env=settings(folder, **extra), capture_output=True, text=True, check=False
    )


def test_a_night_then_its_report_and_its_decisions(workplace: Path) -> None:
    """The examples of `run`, `report` and `mine`; what `fuse` tells is what the run date stored, fused anew or not."""
    lines = sorted((line for name in SLOW for line in examples()[name]), key=lambda line: line.split()[0] != "run")
    for line in lines:
        done = _run(workplace, *shlex.split(line))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        if "--json" in line:
            found = json.loads(done.stdout)
            assert found["run_date"] == RUN_DATE
    stored = pd.read_parquet(workplace / "data" / "fused_signal" / f"day={RUN_DATE}" / "part-0.parquet")
    expected = stored.set_index(["market", "symbol"]).sort_index()
    for method in ([], ["--method", "weighted"]):
        done = _run(workplace, "fuse", "--json", *method)
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout)["decisions"]
        table = pd.DataFrame(rows).set_index(["market", "symbol"]).sort_index()
        assert table.index.equals(expected.index)
        assert table["decision"].tolist() == expected["decision"].tolist()
        pd.testing.assert_series_equal(table["confidence"], expected["confidence"], check_index=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_night_leaves_no_process(workplace: Path, number: int) -> None:
    """Exit code 130, one line, and what it had started is gone."""
    mark = f"interrupted-{workplace.parent.name}-{number}"
    process = subprocess.Popen(
        [PROGRAM, "run"], cwd=workplace, env=settings(workplace, MARK=mark), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        if line.startswith("$ dagster") and "fused" not in line:
            break
    time.sleep(3)
    assert len(_with_mark(mark)) >= 2
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted; stored results are intact" in told
    assert "Traceback" not in told and _with_mark(mark) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["mine", "submit"])
def test_an_interrupted_run_is_canceled_and_alerts_nobody(workplace: Path, command: str, number: int) -> None:
    """Not a failure: the sensor of failed runs finds none."""
    arguments = {"mine": ["--rounds", "50", "--proposals", "64"], "submit": ["ts_mean(ts_rank(close, 400), 400)"]}
    process = subprocess.Popen(
        [PROGRAM, command, "--market", "crypto", *arguments[command]], cwd=workplace, env=settings(workplace),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout
    _wait_for_run(workplace)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in printed, printed
    with dg.DagsterInstance.from_ref(_instance(workplace)) as instance:
        assert instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.CANCELED
        assert failed_runs(instance, {RUNS: 0})[0] == []


def _wait_for_run(folder: Path) -> None:
    """Until the last run of the folder is under way."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with dg.DagsterInstance.from_ref(_instance(folder)) as instance:
            if instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.STARTED:
                return
        time.sleep(0.2)
    raise AssertionError("no run was started")


def _instance(folder: Path) -> InstanceRef:
    """The run history of a working folder."""
    overrides = {"storage": {"sqlite": {"base_dir": str(folder / ".dagster")}}}
    return InstanceRef.from_dir(str(folder / ".dagster"), overrides=overrides)


def _with_mark(mark: str) -> list[int]:
    """Processes that carry the mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:  # gone meanwhile, or not ours
            continue
    return found


def test_progress_goes_to_the_terminal_alone(tmp_path: Path) -> None:
    """Standard error is a terminal, standard output a pipe: the document stays whole."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "backtest", "--symbol", "BTCUSDT", "--json"],
        cwd=tmp_path, env=settings(tmp_path, TERM="xterm"), stdout=subprocess.PIPE, stderr=theirs, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        out, _ = process.communicate(timeout=120)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.returncode == 0 and json.loads(out)["market"] == "crypto"
    assert b"momentum_volume" in shown or b"backtesting" in shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_will_do(tmp_path: Path, encoding: str) -> None:
    """Charts and dashes in what the terminal can show."""
    done = subprocess.run(
        [PROGRAM, "backtest", "rank(volume)", "rank(clsoe)", "--days", "5"],
        cwd=tmp_path, env=settings(tmp_path, PYTHONIOENCODING=encoding), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == b""
    assert ("\N{EN DASH}" in done.stdout.decode(encoding)) == (encoding == "utf-8")
