"""
Rate limits of the vendors, shared by all processes of this machine.

`pyrate-limiter` counts in a file that the processes share; the limit of each vendor stands beside its source.
"""

import os
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alpha_pipeline.errors import SettingError

FOLDER = "alpha_pipeline_rate_limits"


@dataclass(frozen=True)
class RateLimit:
    """
    The most requests a vendor gets within a window of time.

    Args:
        vendor: name of the count; letters, digits and `_`.
        calls: requests that may begin within `seconds`; at least one.
        seconds: length of the window.
        folder: where the count is stored; empty for a folder of temporary files, shared by all runs of this machine.
        disabled: no waiting and no counting; for stand-in servers.
    """

    vendor: str
    calls: int
    seconds: float
    folder: str = ""
    disabled: bool = False

    def __post_init__(self) -> None:
        if self.calls < 1 or not 0.001 <= self.seconds < float("inf") or not self.vendor.isidentifier():
            raise SettingError(f"a rate limit needs a name, calls >= 1 and seconds >= 0.001; found {self}")

    def wait(self) -> None:
        """
        Wait until one more request may begin, and count it.

        Raises:
            SettingError: the count cannot be stored in the folder.
        """
        if self.disabled:
            return
        folder = self.folder or str(Path(tempfile.gettempdir()) / FOLDER)
        try:
            while not _count(_bucket(self.vendor, self.calls, round(self.seconds * 1000), folder, os.getpid())):
                time.sleep(min(max(self.seconds / 50, 0.005), 0.25))
        except (OSError, sqlite3.Error) as error:
            raise SettingError(
                f"the requests to {self.vendor} cannot be counted in {folder}: {error}; expected a writable folder"
            ) from error


def _count(bucket: Any) -> bool:
    """
    Count one more request if it may begin now; return whether it may.

    The moment counted is the one at which the request begins, under the lock of all processes. The library's own
    limiter counts the moment at which it planned to wake up: on a busy machine requests begin later than counted, and
    two bursts meet in one window.
    """
    from pyrate_limiter import RateItem

    with bucket.lock:
        now = bucket.now()
        bucket.leak(now)
        return bool(bucket.put(RateItem("request", now)))


@lru_cache(maxsize=64)
def _bucket(vendor: str, calls: int, milliseconds: int, folder: str, process: int) -> Any:
    """Bucket of one process (connections do not survive a fork) and one limit (each table drops its own old rows)."""
    from pyrate_limiter import Rate, SQLiteBucket  # imported by live runs only

    Path(folder).mkdir(parents=True, exist_ok=True)
    return SQLiteBucket.init_from_file(
        [Rate(calls, milliseconds)],
        table=f"{vendor}_{calls}_{milliseconds}",
        db_path=str(Path(folder) / f"{vendor}.sqlite"),
        use_file_lock=True,
    )
