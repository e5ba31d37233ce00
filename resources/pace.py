"""
How fast a vendor may be asked, by all processes of this machine together.

`pyrate-limiter` counts in a file that processes share; which pace a vendor asks for is written beside its door.
"""

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alpha_pipeline.errors import SettingError

FOLDER = "alpha_pipeline_pace"


@dataclass(frozen=True)
class Pace:
    """
    The most a vendor is asked.

    Args:
        vendor: whose limit it is; letters, digits and `_`.
        calls: requests that may begin within `seconds`; at least one.
        seconds: length of the window.
        folder: where the count is kept; empty for a folder of temporary files, shared by all runs of this machine.
    """

    vendor: str
    calls: int
    seconds: float
    folder: str = ""

    def __post_init__(self) -> None:
        if self.calls < 1 or self.seconds <= 0 or not self.vendor.isidentifier():
            raise SettingError(f"a pace needs a name, calls >= 1 and seconds > 0; found {self}")

    def wait(self) -> None:
        """Return when one more request may begin, counting it."""
        folder = self.folder or str(Path(tempfile.gettempdir()) / FOLDER)
        _limiter(self.vendor, self.calls, self.seconds, folder).try_acquire(self.vendor)


@lru_cache(maxsize=64)
def _limiter(vendor: str, calls: int, seconds: float, folder: str) -> Any:
    from pyrate_limiter import Limiter, Rate, SQLiteBucket  # paid by live runs only

    Path(folder).mkdir(parents=True, exist_ok=True)
    bucket = SQLiteBucket.init_from_file(
        [Rate(calls, round(seconds * 1000))],
        table=f"{vendor}_{calls}",
        db_path=str(Path(folder) / f"{vendor}.sqlite"),
        use_file_lock=True,
    )
    return Limiter(bucket)
