"""One writer of a table at a time, over all processes of the machine, dead ones not counted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alpha_pipeline.errors import LakeError
from resources.lake.lake import Lake
from resources.lake.table_lock import lock_file, lock_table

KEY = "crypto/raw_ohlcv"
HOLD = """
import sys, time
from resources.lake.lake import Lake
from resources.lake.table_lock import one_writer
with one_writer(Lake(sys.argv[1]), sys.argv[2], "the other"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(root: str, key: str = KEY) -> subprocess.Popen[str]:
    """A real process that holds the table until it is killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, root, key], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("root", ["folder", "memory://one-writer"])
def test_the_second_is_told_who_holds_it_and_gives_up_in_time(tmp_path: Path, root: str) -> None:
    """On a folder and on an object store alike; another table is free."""
    root = str(tmp_path) if root == "folder" else root
    other, said = holder(root), []
    try:
        with lock_table(Lake(root), "crypto/raw_news", "me") as waited:
            assert not waited
        with (
            pytest.raises(LakeError, match="being written by the other, after 0.1 s still; nothing was written"),
            lock_table(Lake(root), KEY, "me", said.append, longest_wait_seconds=0.1),
        ):
            raise AssertionError("held twice")
        assert said == [f"{KEY} is being written by the other; waiting"]
    finally:
        other.kill()
        other.wait()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    """SIGKILL frees the table at once, and whoever waited knows that it did."""
    other = holder(str(tmp_path))
    os.kill(other.pid, signal.SIGKILL)
    began = time.monotonic()
    with lock_table(Lake(str(tmp_path)), KEY, "me"):
        assert time.monotonic() - began < 5
        assert lock_file(Lake(str(tmp_path)), KEY).read_text() == "me"
    other.wait()


def test_who_waited_knows(tmp_path: Path) -> None:
    """The block is told, so that what was read before can be read again."""
    other = holder(str(tmp_path))
    with lock_table(Lake(str(tmp_path)), KEY, "me", lambda line: other.kill()) as waited:
        assert waited
    other.wait()
    with lock_table(Lake(str(tmp_path)), KEY, "me") as waited:
        assert not waited


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "locks").write_text("")
    with pytest.raises(LakeError, match="could not make the lock"), lock_table(Lake(str(tmp_path)), KEY, "me"):
        raise AssertionError("held without a lock")
