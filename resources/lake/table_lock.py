"""
Table locks: one writing process per table.

The operating system locks a file and releases it when its process ends, so there is nothing to clean up. For a local
lake the file is in the lake and holds for all machines that share the folder; object stores have no locks, so there the
file is temporary and holds for the processes of one machine.
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
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.stores import LocalFolder

FOLDER = "locks"
SHARED_FOLDER = "alpha_pipeline_locks"
POLL_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 6 * 3600.0  # longer than any nightly run; after that something is stuck


@contextmanager
def lock_table(
    lake: Lake,
    key: str,
    owner: str,
    log: Callable[[str], None] = lambda line: None,
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
) -> Iterator[bool]:
    """
    Lock a table for the length of the block, waiting for the current owner.

    Args:
        lake: where the table is stored.
        key: of the table.
        owner: this process, in one line that waiting processes show.
        log: called once, when the lock is held by another process.
        longest_wait_seconds: limit of the wait.

    Yields:
        Whether the lock was waited for: inputs read before may have changed.

    Raises:
        LakeError: another process still holds the lock after the longest wait, or the file cannot be created.
    """
    path = lock_file(lake, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise LakeError(f"could not create the lock {path}: {error.strerror or error}; nothing was written") from error
    with file:
        waited, deadline = False, time.monotonic() + longest_wait_seconds
        while not _locked(file.fileno()):
            current_owner = path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
            if time.monotonic() >= deadline:
                raise LakeError(
                    f"{key} is being written by {current_owner}, after {longest_wait_seconds:g} s still; nothing was "
                    "written. End that process, or run again when it is done"
                )
            if not waited:
                log(f"{key} is being written by {current_owner}; waiting")
            waited = True
            time.sleep(POLL_SECONDS)
        _write_owner(file.fileno(), owner)
        yield waited


def lock_file(lake: Lake, key: str) -> Path:
    """The lock file of a table; it is never deleted and means nothing while it is not locked."""
    name = key.replace("/", ".") + ".lock"
    store = lake.files.store
    if isinstance(store, LocalFolder):
        return store.root / FOLDER / name
    digest = hashlib.sha256(store.url("").encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / SHARED_FOLDER / digest / name


def this_process(run_id: str) -> str:
    """A run as lock owner, for messages."""
    return f"run {run_id[:8]} (process {os.getpid()} of {platform.node()})"


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks: nothing can be enforced
        return True
    return True


def _write_owner(handle: int, owner: str) -> None:
    try:
        os.ftruncate(handle, 0)
        os.write(handle, owner.encode("utf-8", "replace")[:200])
    except OSError:
        return  # a full disk: the lock holds anyway
