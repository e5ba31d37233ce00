"""
One writer at a time of a table, over all processes: a lock that dies with whoever holds it.

A file the operating system locks, so that a killed process frees it at once and nothing has to be cleaned up. Beside a
local lake the file lies in the lake, and holds for all who see that folder; object stores have no locks, so there it
lies among the temporary files and holds for the processes of one machine.
"""

import fcntl
import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alpha_pipeline.errors import LakeError
from resources.lake.lake import Lake
from resources.lake.stores import LocalFolder

FOLDER = "locks"
SHARED_FOLDER = "alpha_pipeline_locks"
POLL_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 6 * 3600.0  # longer than any run date; then something is stuck and a person must look


@contextmanager
def lock_table(
    lake: Lake,
    key: str,
    who: str,
    tell: Callable[[str], None] = lambda line: None,
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
) -> Iterator[bool]:
    """
    Hold a table for the length of the block, after everyone who holds it now.

    Args:
        lake: where the table lies.
        key: of the table.
        who: holds it, one line that others are told.
        tell: told once, when somebody else has to be waited for.
        longest_wait_seconds: then it is given up.

    Yields:
        Whether somebody had to be waited for: what was read before may have changed.

    Raises:
        LakeError: somebody else still holds it after the longest wait, or the file cannot be made.
    """
    path = lock_file(lake, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise LakeError(f"could not make the lock {path}: {error.strerror or error}; nothing was written") from error
    with file:
        waited, deadline = False, time.monotonic() + longest_wait_seconds
        while not _taken(file.fileno()):
            holder = path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
            if time.monotonic() >= deadline:
                raise LakeError(
                    f"{key} is being written by {holder}, after {longest_wait_seconds:g} s still; nothing was written. "
                    "End it, or run again when it is done"
                )
            if not waited:
                tell(f"{key} is being written by {holder}; waiting")
            waited = True
            time.sleep(POLL_SECONDS)
        _sign(file.fileno(), who)
        yield waited


def lock_file(lake: Lake, key: str) -> Path:
    """The file that stands for a table; it stays, empty of meaning while nobody locks it."""
    name = key.replace("/", ".") + ".lock"
    store = lake.files.store
    if isinstance(store, LocalFolder):
        return store.root / FOLDER / name
    place = hashlib.sha256(store.url("").encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / SHARED_FOLDER / place / name


def this_process(run_id: str) -> str:
    """How a run is named to others."""
    return f"run {run_id[:8]} (process {os.getpid()} of {platform.node()})"


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks: as before there were any, one writer at a time
        return True
    return True


def _sign(handle: int, who: str) -> None:
    try:
        os.ftruncate(handle, 0)
        os.write(handle, who.encode("utf-8", "replace")[:200])
    except OSError:
        return  # a full disk: the lock holds all the same
