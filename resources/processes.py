"""
Whether a process of this machine is still the one it was.
"""

import os
import time
from pathlib import Path

PROC = Path("/proc")
SLACK_SECONDS = 2.0  # the kernel tells the time of boot in whole seconds


def is_alive(pid: int, since: float) -> bool:
    """
    Whether the process that had this number at a moment still runs; a zombie does not, nor does a later namesake.

    Args:
        pid: its number.
        since: a moment at which it ran, seconds of the epoch.

    Without /proc (macOS) a later namesake counts as the same: rather a dead one kept than a live one lost.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        told = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        booted = time.time() - float((PROC / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return (PROC / str(pid)).exists() or not PROC.is_dir()
    state, began = told[0], booted + int(told[19]) / os.sysconf("SC_CLK_TCK")
    return state not in "ZX" and began <= since + SLACK_SECONDS
