"""One writing process per table; the lock of a dead process is free."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alpha_pipeline.errors import LakeError
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.table_lock import lock_file, lock_table

KEY = "crypto/raw_ohlcv"
HOLD = """
import sys, time
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.table_lock import lock_table
with lock_table(Lake(sys.argv[1]), sys.argv[2], "the other"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(root: str, key: str = KEY) -> subprocess.Popen[str]:
    """A process that holds the lock until it is killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, root, key], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("root", ["folder", "memory://table-lock"])
def test_a_waiting_process_names_the_owner_and_times_out(tmp_path: Path, root: str) -> None:
    """On a folder and on an object store; other tables are not locked."""
    root = str(tmp_path) if root == "folder" else root
    other, lines = holder(root), []
    try:
        with lock_table(Lake(root), "crypto/raw_news", "me") as waited:
            assert not waited
        with (
            pytest.raises(LakeError, match="being written by the other, after 0.1 s still; nothing was written"),
            lock_table(Lake(root), KEY, "me", lines.append, longest_wait_seconds=0.1),
        ):
            raise AssertionError("locked twice")
        assert lines == [f"{KEY} is being written by the other; waiting"]
    finally:
        other.kill()
        other.wait()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """SIGKILL releases it at once, and the file names the next owner."""
    other = holder(str(tmp_path))
    os.kill(other.pid, signal.SIGKILL)
    began = time.monotonic()
    with lock_table(Lake(str(tmp_path)), KEY, "me"):
        assert time.monotonic() - began < 5
        assert lock_file(Lake(str(tmp_path)), KEY).read_text() == "me"
    other.wait()


def test_the_block_gets_whether_the_lock_was_waited_for(tmp_path: Path) -> None:
    """So that inputs can be read again."""
    other = holder(str(tmp_path))
    with lock_table(Lake(str(tmp_path)), KEY, "me", lambda line: other.kill()) as waited:
        assert waited
    other.wait()
    with lock_table(Lake(str(tmp_path)), KEY, "me") as waited:
        assert not waited


def test_an_impossible_lock_file_is_an_error(tmp_path: Path) -> None:
    """A file has the name of the lock folder."""
    (tmp_path / "locks").write_text("")
    with pytest.raises(LakeError, match="could not create the lock"), lock_table(Lake(str(tmp_path)), KEY, "me"):
        raise AssertionError("entered without a lock")
