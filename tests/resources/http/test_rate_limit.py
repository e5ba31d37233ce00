"""One rate limit for all calls, threads and processes."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.resources.http.rate_limit import RateLimit

ROOT = Path(__file__).parents[3]
CALLS, SECONDS = 4, 0.4
CLIENT = f"""
import sys, time
from alpha_pipeline.resources.http.rate_limit import RateLimit
limit = RateLimit("vendor", {CALLS}, {SECONDS}, sys.argv[1])
for _ in range(8):
    limit.wait()
    print(time.time())
"""


def closest(moments: list[float], calls: int) -> float:
    """The shortest time in which `calls` + 1 requests began."""
    ordered = sorted(moments)
    return min(later - earlier for earlier, later in zip(ordered, ordered[calls:], strict=False))


def test_processes_share_a_limit(tmp_path: Path) -> None:
    """Sixteen requests of two processes: at most four in a window, and none is lost."""
    command = [sys.executable, "-c", CLIENT, str(tmp_path)]
    began = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    moments = [float(line) for process in began for line in process.communicate(timeout=20)[0].split()]
    assert [process.returncode for process in began] == [0, 0] and len(moments) == 16
    assert closest(moments, CALLS) > SECONDS - 0.02  # time between counting and printing
    assert max(moments) - min(moments) > 3 * SECONDS - 0.02  # sixteen need four windows


def test_threads_share_a_limit(tmp_path: Path) -> None:
    """Two threads of one process."""
    limit = RateLimit("vendor", 3, 0.2, str(tmp_path))

    def request(_: int) -> float:
        limit.wait()
        return time.time()

    with ThreadPoolExecutor(2) as pool:
        moments = list(pool.map(request, range(8)))
    assert closest(moments, 3) > 0.18


def test_the_first_calls_do_not_wait(tmp_path: Path) -> None:
    """The allowed number begins at once."""
    limit = RateLimit("vendor", 5, 60.0, str(tmp_path))
    limit.wait()  # opens the database
    began = time.monotonic()
    for _ in range(4):
        limit.wait()
    assert time.monotonic() - began < 1.0


def test_vendors_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A vendor at its limit does not delay requests to another."""
    RateLimit("slow", 1, 60.0, str(tmp_path)).wait()
    began = time.monotonic()
    RateLimit("other", 1, 60.0, str(tmp_path)).wait()
    assert time.monotonic() - began < 1.0


def test_two_limits_of_one_vendor_have_separate_counts(tmp_path: Path) -> None:
    """A limit with a short window does not delete the counts of one with a long window."""
    long, short = RateLimit("vendor", 2, 0.6, str(tmp_path)), RateLimit("vendor", 2, 0.05, str(tmp_path))
    began = time.monotonic()
    for _ in range(2):
        long.wait()
    time.sleep(0.1)
    short.wait()
    long.wait()
    assert time.monotonic() - began > 0.58


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_shares_the_limit(tmp_path: Path) -> None:
    """A child does not use the parent's connection, and the requests of both are counted."""
    limit = RateLimit("vendor", 2, 0.4, str(tmp_path))
    began = time.monotonic()
    limit.wait()
    child = os.fork()
    if not child:
        try:
            limit.wait()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    limit.wait()
    assert time.monotonic() - began > 0.38


@pytest.mark.parametrize(
    ("vendor", "calls", "seconds"), [("", 1, 1.0), ("a b", 1, 1.0), ("x';--", 1, 1.0), ("v", 0, 1.0), ("v", 1, 0.0)]
)
def test_an_impossible_limit_is_refused(vendor: str, calls: int, seconds: float) -> None:
    """No valid name, no calls, or no window."""
    with pytest.raises(SettingError, match="a rate limit needs a name, calls >= 1"):
        RateLimit(vendor, calls, seconds)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_window_is_finite_and_positive(seconds: float) -> None:
    """NaN, infinity and negative numbers are refused."""
    with pytest.raises(SettingError, match="a rate limit needs"):
        RateLimit("vendor", 1, seconds)


def test_an_unwritable_folder_is_an_error(tmp_path: Path) -> None:
    """The error names the vendor, the folder and what is expected."""
    file = tmp_path / "file"
    file.write_text("a file, no folder")
    with pytest.raises(SettingError, match=rf"requests to vendor cannot be counted in {file}.*writable folder"):
        RateLimit("vendor", 1, 1.0, str(file)).wait()


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    """A file of another program raises a SettingError, not an error of the library."""
    (tmp_path / "vendor.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(SettingError, match="requests to vendor cannot be counted"):
        RateLimit("vendor", 1, 1.0, str(tmp_path)).wait()


def test_a_disabled_limit_neither_waits_nor_counts(tmp_path: Path) -> None:
    """A stand-in gets requests without waits; no file is written."""
    limit = RateLimit("vendor", 1, 60.0, str(tmp_path / "counts"), disabled=True)
    began = time.monotonic()
    for _ in range(100):
        limit.wait()
    assert time.monotonic() - began < 1.0 and not (tmp_path / "counts").exists()
