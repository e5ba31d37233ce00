"""The floor as real processes: two runs on one table, a killed holder, a killed run that is swept, a daemon."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from .conftest import FIRST_DAY, ROOT, RUN_DATE, settings
from .webserver import webserver

pytestmark = pytest.mark.slow

DAYS = f"{FIRST_DAY}...{RUN_DATE}"
# Holds a table as a run does, and waits to be told what to do.
HOLD = """
import sys, time
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.table_lock import lock_table
with lock_table(Lake(sys.argv[1]), "crypto/market_panel", "the holder"):
    print("held", flush=True)
    time.sleep(300)
"""


def begin(folder: Path, select: str, when: str, **extra: str) -> subprocess.Popen[str]:
    """`dagster asset materialize` of a range, going on beside the test."""
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "asset",
        "materialize",
        "-m",
        "alpha_pipeline.definitions",
    ]
    return subprocess.Popen(
        [*command, "--select", select, "--partition-range", when],
        cwd=folder,
        env=settings(folder, **extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def holder(folder: Path) -> subprocess.Popen[str]:
    """A process that holds `crypto/market_panel` until it is killed."""
    environment = {**settings(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLD, str(folder / "data")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def until(true: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)


def started(folder: Path) -> list[str]:
    """Runs that stand as started."""
    with sqlite3.connect(folder / ".dagster" / "history" / "runs.db") as db:
        return [row[0] for row in db.execute("select run_id from runs where status = 'STARTED'")]


def panel(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "data" / "crypto" / "market_panel").drop(columns="day")


def test_two_runs_on_one_table_come_one_after_the_other(workplace: Path) -> None:
    """Both wait for who holds it, each begins again with inputs read anew, both end well, the table is whole."""
    before = panel(workplace)
    other = holder(workplace)
    both = [begin(workplace, "crypto/market_panel", DAYS) for _ in range(2)]
    until(lambda: len(started(workplace)) == 2)
    time.sleep(3)
    assert all(run.poll() is None for run in both), "nobody wrote what another holds"
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    said = [run.communicate(timeout=180)[0] for run in both]
    assert [run.returncode for run in both] == [0, 0], said
    assert all("crypto/market_panel is being written by the holder; waiting" in text for text in said)
    pd.testing.assert_frame_equal(panel(workplace), before)


def test_a_killed_run_frees_its_table_and_is_swept(workplace: Path) -> None:
    """SIGKILL amid a step: the next run is not kept waiting, the dead one is ended, a live one is left alone."""
    other = holder(workplace)
    dead, live = (begin(workplace, "crypto/market_panel", DAYS) for _ in range(2))
    until(lambda: len(started(workplace)) == 2)
    time.sleep(5)  # both wait in their step
    os.kill(dead.pid, signal.SIGKILL)
    dead.wait()
    sweep = (
        "import dagster as dg; from alpha_pipeline.assets.automation.orphaned_run_monitor import end_orphaned_runs\n"
        "with dg.DagsterInstance.from_config('.') as instance: print(len(end_orphaned_runs(instance)), 'swept')"
    )
    command = [sys.executable, "-c", sweep]
    done = subprocess.run(command, cwd=workplace, env=settings(workplace), capture_output=True, text=True, check=True)
    assert "1 swept" in done.stdout, done.stdout + done.stderr
    assert len(started(workplace)) == 1 and live.poll() is None
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    said = live.communicate(timeout=180)[0]
    assert live.returncode == 0, said[-3000:]
    assert started(workplace) == []


def test_the_daemon_sweeps_and_tells(workplace: Path) -> None:
    """A real `dagster dev`: a run that died before it came is ended, and one that fails in the shell is told."""
    other = holder(workplace)
    dead = begin(workplace, "crypto/market_panel", DAYS)
    until(lambda: started(workplace))
    time.sleep(5)
    for process in (dead, other):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with webserver(workplace):
        until(lambda: not started(workplace), 180)
        failing = begin(workplace, "crypto/factor_library", DAYS)
        said = failing.communicate(timeout=180)[0]
        assert failing.returncode == 1 and "never materialized" in said
        until(lambda: "failed run" in "".join(p.read_text() for p in workplace.glob("data/alerts/*/*.json")), 180)
    log = (workplace / "dagster-dev.log").read_text()
    assert "ended run" in log and not re.search(r"(?i)unknown|unexpected|invalid.*config", log), log[-3000:]
