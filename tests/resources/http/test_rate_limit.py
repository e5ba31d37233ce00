"""One pace for all who ask a vendor: calls, threads, and real processes."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alpha_pipeline.errors import SettingError
from resources.http.rate_limit import RateLimit

ROOT = Path(__file__).parents[3]
CALLS, SECONDS = 4, 0.4
ASK = f"""
import sys, time
from resources.http.rate_limit import Pace
pace = Pace("vendor", {CALLS}, {SECONDS}, sys.argv[1])
for _ in range(8):
    pace.wait()
    print(time.time())
"""


def closest(moments: list[float], calls: int) -> float:
    """The shortest time in which one request more than allowed began."""
    ordered = sorted(moments)
    return min(later - earlier for earlier, later in zip(ordered, ordered[calls:], strict=False))


def test_two_processes_share_one_pace(tmp_path: Path) -> None:
    """Sixteen requests of two processes: no window holds more than four, and none is lost."""
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    began = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    moments = [float(line) for process in began for line in process.communicate(timeout=20)[0].split()]
    assert [process.returncode for process in began] == [0, 0] and len(moments) == 16
    assert closest(moments, CALLS) > SECONDS - 0.02  # what passes between counting and printing
    assert max(moments) - min(moments) > 3 * SECONDS - 0.02  # sixteen need four windows


def test_threads_share_one_pace(tmp_path: Path) -> None:
    """The same of two threads of one process."""
    pace = RateLimit("vendor", 3, 0.2, str(tmp_path))

    def ask(_: int) -> float:
        pace.wait()
        return time.time()

    with ThreadPoolExecutor(2) as pool:
        moments = list(pool.map(ask, range(8)))
    assert closest(moments, 3) > 0.18


def test_the_first_calls_do_not_wait(tmp_path: Path) -> None:
    """As many as allowed begin at once."""
    pace = RateLimit("vendor", 5, 60.0, str(tmp_path))
    pace.wait()  # opens the count
    began = time.monotonic()
    for _ in range(4):
        pace.wait()
    assert time.monotonic() - began < 1.0


def test_vendors_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A vendor that is at its limit holds up nobody else's questions."""
    RateLimit("slow", 1, 60.0, str(tmp_path)).wait()
    began = time.monotonic()
    RateLimit("other", 1, 60.0, str(tmp_path)).wait()
    assert time.monotonic() - began < 1.0


def test_two_paces_of_one_vendor_keep_their_own_counts(tmp_path: Path) -> None:
    """A pace with a short memory does not make one with a long memory forget."""
    long, short = RateLimit("vendor", 2, 0.6, str(tmp_path)), RateLimit("vendor", 2, 0.05, str(tmp_path))
    began = time.monotonic()
    for _ in range(2):
        long.wait()
    time.sleep(0.1)
    short.wait()
    long.wait()
    assert time.monotonic() - began > 0.58


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_counts_for_itself(tmp_path: Path) -> None:
    """A child does not use the parent's connection, and both are counted."""
    pace = RateLimit("vendor", 2, 0.4, str(tmp_path))
    began = time.monotonic()
    pace.wait()
    child = os.fork()
    if not child:
        try:
            pace.wait()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    pace.wait()
    assert time.monotonic() - began > 0.38


@pytest.mark.parametrize(
    ("vendor", "calls", "seconds"), [("", 1, 1.0), ("a b", 1, 1.0), ("x';--", 1, 1.0), ("v", 0, 1.0), ("v", 1, 0.0)]
)
def test_an_impossible_pace_is_refused(vendor: str, calls: int, seconds: float) -> None:
    """No name, no calls or no window is a setting that cannot work."""
    with pytest.raises(SettingError, match="a pace needs a name, calls >= 1"):
        RateLimit(vendor, calls, seconds)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_window_is_a_length_of_time(seconds: float) -> None:
    """Not a number, forever, and less than nothing are none."""
    with pytest.raises(SettingError, match="a pace needs"):
        RateLimit("vendor", 1, seconds)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error says whose pace, where, and what is expected."""
    taken = tmp_path / "taken"
    taken.write_text("a file, no folder")
    with pytest.raises(SettingError, match=rf"pace of vendor cannot be counted in {taken}.*one can write to"):
        RateLimit("vendor", 1, 1.0, str(taken)).wait()


def test_a_count_that_is_no_database_is_named(tmp_path: Path) -> None:
    """A file another program left in its place is an error of the setting, not of the library."""
    (tmp_path / "vendor.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(SettingError, match="pace of vendor cannot be counted"):
        RateLimit("vendor", 1, 1.0, str(tmp_path)).wait()


def test_a_lifted_pace_neither_waits_nor_counts(tmp_path: Path) -> None:
    """What stands in for a vendor is asked as fast as it answers; no file is written."""
    pace = RateLimit("vendor", 1, 60.0, str(tmp_path / "counts"), lifted=True)
    began = time.monotonic()
    for _ in range(100):
        pace.wait()
    assert time.monotonic() - began < 1.0 and not (tmp_path / "counts").exists()
