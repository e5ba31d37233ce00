"""
Processes of this machine.
"""

import os
import time
from pathlib import Path

PROC = Path("/proc")
SLACK_SECONDS = 2.0  # the kernel gives the time of boot in whole seconds


def is_alive(pid: int, since: float) -> bool:
    """
    Whether the process that had this id at a given time still runs; zombies and later processes of the id do not count.

    Args:
        pid: process id.
        since: a time at which it ran, seconds of the epoch.

    Without /proc (macOS) a later process of the id counts as the same, so that no running process is taken for dead.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        booted = time.time() - float((PROC / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return (PROC / str(pid)).exists() or not PROC.is_dir()
    state, started = fields[0], booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return state not in "ZX" and started <= since + SLACK_SECONDS
