"""
How fast a vendor may be asked, by all processes of this machine together.

`pyrate-limiter` counts in a file that processes share; which pace a vendor asks for is written beside its door.
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

FOLDER = "alpha_pipeline_pace"


@dataclass(frozen=True)
class RateLimit:
    """
    The most a vendor is asked.

    Args:
        vendor: whose limit it is; letters, digits and `_`.
        calls: requests that may begin within `seconds`; at least one.
        seconds: length of the window.
        folder: where the count is kept; empty for a folder of temporary files, shared by all runs of this machine.
        lifted: nobody waits and nothing is counted; for a stand-in, which has no limit to keep.
    """

    vendor: str
    calls: int
    seconds: float
    folder: str = ""
    lifted: bool = False

    def __post_init__(self) -> None:
        if self.calls < 1 or not 0.001 <= self.seconds < float("inf") or not self.vendor.isidentifier():
            raise SettingError(f"a pace needs a name, calls >= 1 and seconds >= 0.001; found {self}")

    def wait(self) -> None:
        """
        Return when one more request may begin, counting it.

        Raises:
            SettingError: the count cannot be kept in the folder.
        """
        if self.lifted:
            return
        folder = self.folder or str(Path(tempfile.gettempdir()) / FOLDER)
        try:
            while not _count(_bucket(self.vendor, self.calls, round(self.seconds * 1000), folder, os.getpid())):
                time.sleep(min(max(self.seconds / 50, 0.005), 0.25))
        except (OSError, sqlite3.Error) as error:
            raise SettingError(
                f"the pace of {self.vendor} cannot be counted in {folder}: {error}; expected a folder one can write to"
            ) from error


def _count(bucket: Any) -> bool:
    """
    Whether one more request may begin now; it is counted then.

    Counted at the moment it begins, under the lock of all processes. The library's own limiter counts the moment it
    meant to wake from its wait: on a busy machine it begins later than counted, and two bursts meet in one window.
    """
    from pyrate_limiter import RateItem

    with bucket.lock:
        now = bucket.now()
        bucket.leak(now)
        return bool(bucket.put(RateItem("request", now)))


@lru_cache(maxsize=64)
def _bucket(vendor: str, calls: int, milliseconds: int, folder: str, process: int) -> Any:
    """One per process, as no connection survives a fork; a table per pace, as each forgets what is old to itself."""
    from pyrate_limiter import Rate, SQLiteBucket  # paid by live runs only

    Path(folder).mkdir(parents=True, exist_ok=True)
    return SQLiteBucket.init_from_file(
        [Rate(calls, milliseconds)],
        table=f"{vendor}_{calls}_{milliseconds}",
        db_path=str(Path(folder) / f"{vendor}.sqlite"),
        use_file_lock=True,
    )
