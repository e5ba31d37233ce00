"""The lake with damaged files, full disks and killed writers."""

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from alpha_pipeline.errors import CorruptFileError, LakeError
from alpha_pipeline.resources.lake.checked_files import CheckedFiles
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.stores import LocalFolder, ObjectStore, open_store, temp_name

KEY = "crypto/market_panel"
DAY = "2019-07-01"
ROOT = Path(__file__).parents[3]
COMMAND = f"dagster asset materialize -m alpha_pipeline.definitions --select {KEY} --partition {DAY}"


def panel(close: float, rows: int = 24) -> pd.DataFrame:
    """One day of hourly closes of one symbol."""
    closes = pd.date_range(DAY, periods=rows + 1, freq="h", tz="UTC")[1:]
    return pd.DataFrame({"timestamp": closes, "symbol": "BTC", "close": close + closes.hour / 100})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A folder with one stored day."""
    lake = Lake(str(tmp_path))
    lake.write_range(KEY, panel(1.0), DAY, DAY)
    return lake


@pytest.fixture
def part(lake: Lake) -> Path:
    """The file of that day."""
    return Path(lake.url(f"{KEY}/day={DAY}/part-0.parquet"))


def temporary(tmp_path: Path) -> list[Path]:
    return list(tmp_path.rglob(".tmp-*"))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, truncate, empty])
def test_a_damaged_file_is_an_error_with_digests_and_remedy(lake: Lake, part: Path, damage: Any) -> None:
    """One flipped bit is enough; the error has path, digests and the command that repairs the file."""
    (stored,) = lake.write_range(KEY, panel(1.0), DAY, DAY)
    damage(part)
    with pytest.raises(CorruptFileError) as caught:
        lake.read(KEY)
    message = str(caught.value)
    assert str(part) in message
    assert stored.sha256 in message
    assert message.endswith(COMMAND)
    lake.write_range(KEY, panel(1.0), DAY, DAY)
    assert len(lake.read(KEY)) == 24


def test_a_file_without_a_checksum_is_refused(lake: Lake, tmp_path: Path) -> None:
    """It is not read."""
    (tmp_path / f"_sha256/{KEY}/day={DAY}.sha256").unlink()
    with pytest.raises(CorruptFileError, match="there is no checksum in _sha256/crypto"):
        lake.read(KEY)


def test_a_damaged_report_is_refused(lake: Lake) -> None:
    """Files that are no tables are verified, too."""
    lake.atomic_write("reports/a.html", b"<p>")
    flip(Path(lake.url("reports/a.html")))
    with pytest.raises(CorruptFileError, match=r"Delete it and run again: .*reports/a\.html"):
        lake.read_bytes("reports/a.html")


def test_a_corrupt_file_stays_invalid_when_its_replacement_fails(
    lake: Lake, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed repair must not list the digest of the damaged file."""
    flip(part)
    monkeypatch.setattr(LocalFolder, "write", _failing_after(LocalFolder.write, 1))
    with pytest.raises(LakeError):
        lake.write_range(KEY, panel(2.0), DAY, DAY)
    monkeypatch.undo()
    with pytest.raises(CorruptFileError):
        lake.read(KEY)


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_between_any_two_writes_old_or_new_is_readable(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The day is readable after any of the three writes: both digests, data, new digest."""
    monkeypatch.setattr(LocalFolder, "write", _failing_after(LocalFolder.write, writes))
    if writes < 3:
        with pytest.raises(LakeError):
            lake.write_range(KEY, panel(2.0), DAY, DAY)
    else:
        lake.write_range(KEY, panel(2.0), DAY, DAY)
    monkeypatch.undo()
    assert lake.read(KEY)["close"].iloc[0] == (1.01 if writes < 2 else 2.01)
    lake.write_range(KEY, panel(3.0), DAY, DAY)
    assert lake.read(KEY)["close"].iloc[0] == 3.01


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_the_first_write_of_a_day_leaves_nothing_or_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """A checksum without data is a day that was never materialized."""
    lake = Lake(str(tmp_path))
    monkeypatch.setattr(LocalFolder, "write", _failing_after(LocalFolder.write, writes))
    if writes < 2:
        with pytest.raises(LakeError):
            lake.write_range(KEY, panel(2.0), DAY, DAY)
    else:
        lake.write_range(KEY, panel(2.0), DAY, DAY)
    assert lake.days(KEY) == ([DAY] if writes == 2 else [])


def _failing_after(write: Any, allowed: int) -> Any:
    left = [allowed]

    def limited(store: LocalFolder, path: str, data: bytes) -> None:
        if not left[0]:
            raise LakeError("the process was stopped here")
        left[0] -= 1
        write(store, path, data)

    return limited


def test_identical_content_is_not_written_again(lake: Lake, part: Path) -> None:
    """A repeated run touches no file."""
    before = part.stat().st_ino
    lake.write_range(KEY, panel(1.0), DAY, DAY)
    assert part.stat().st_ino == before


def test_a_full_disk_is_a_typed_error_and_leaves_no_trace(
    lake: Lake, part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the path, the old day is intact, no temporary file remains, and the same call succeeds later."""

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LakeError, match=r"could not write .*No space left on device.*unchanged"):
        lake.write_range(KEY, panel(2.0), DAY, DAY)
    assert temporary(tmp_path) == []
    assert lake.read(KEY)["close"].iloc[0] == 1.01
    monkeypatch.undo()
    lake.write_range(KEY, panel(2.0), DAY, DAY)
    assert lake.read(KEY)["close"].iloc[0] == 2.01


def test_a_file_size_limit_in_a_real_process_leaves_the_old_day(lake: Lake, tmp_path: Path) -> None:
    """The kernel fails a write within a file, as a full disk does."""
    child = f"""
import resource, sys
import numpy as np, pandas as pd
from alpha_pipeline.errors import LakeError
from alpha_pipeline.resources.lake.lake import Lake
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
symbols = [f"S{{i}}" for i in range(5000)]
frame = pd.DataFrame({{"timestamp": pd.Timestamp("{DAY} 12:00", tz="UTC"), "symbol": symbols}})
frame["close"] = np.random.default_rng(0).normal(size=5000)
try:
    Lake({str(tmp_path)!r}).write_range("{KEY}", frame, "{DAY}", "{DAY}")
except LakeError as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", child], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"could not write {tmp_path}/{KEY}/day={DAY}/part-0.parquet" in done.stderr
    assert "File too large" in done.stderr
    assert temporary(tmp_path) == []
    assert len(lake.read(KEY)) == 24


def test_a_writer_killed_at_any_moment_leaves_a_readable_day(lake: Lake, part: Path, tmp_path: Path) -> None:
    """Ten writers that rewrite the day in a loop are killed; one further write removes their temporary files."""
    files = CheckedFiles(open_store(str(tmp_path)))
    versions = {1.01: part.read_bytes()}
    other = Lake(str(tmp_path / "other"))
    other.write_range(KEY, panel(2.0), DAY, DAY)
    versions[2.01] = Path(other.url(f"{KEY}/day={DAY}/part-0.parquet")).read_bytes()
    child = f"""
import sys
from alpha_pipeline.resources.lake.checked_files import CheckedFiles
from alpha_pipeline.resources.lake.stores import open_store
files = CheckedFiles(open_store({str(tmp_path)!r}))
versions = [bytes.fromhex(text) for text in sys.argv[1:]]
print("ready", flush=True)
while True:
    for data in versions:
        files.publish("{KEY}/day={DAY}/part-0.parquet", data)
"""
    moments = random.Random(7)
    for _ in range(10):
        command = [sys.executable, "-c", child, *(data.hex() for data in versions.values())]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(moments.uniform(0.002, 0.03))
            writer.send_signal(signal.SIGKILL)
        assert lake.read(KEY)["close"].iloc[0] in versions
    lake.write_range(KEY, panel(3.0), DAY, DAY)
    assert temporary(tmp_path / "crypto") + temporary(tmp_path / "_sha256") == []
    assert files.load(f"{KEY}/day={DAY}/part-0.parquet", "") == part.read_bytes()


def test_two_writers_and_a_reader_on_one_day_never_see_a_mixture(lake: Lake) -> None:
    """The folder's lock keeps data and checksum consistent; a read in between is repeated under the lock."""
    failures: list[BaseException] = []

    def rewrite(close: float) -> None:
        try:
            for _ in range(20):
                lake.write_range(KEY, panel(close), DAY, DAY)
                close += 1.0
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=rewrite, args=(start,)) for start in (10.0, 1000.0)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        closes = lake.read(KEY)["close"]
        assert closes.max() - closes.min() == pytest.approx(0.23)
    for writer in writers:
        writer.join()
    assert failures == []
    assert lake.read(KEY)["close"].iloc[0] in (29.01, 1019.01)


def test_stale_temporary_files_are_removed_and_live_ones_are_not(lake: Lake, part: Path) -> None:
    """Files of dead owners or older than an hour are removed at the next write; those of running owners stay."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own, old, elsewhere = (part.parent / temp_name() for _ in range(3))
    dead = part.parent / temp_name().replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    elsewhere = part.parent / ".tmp-1-another.machine-0"
    for path in (own, old, dead, elsewhere):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3700, time.time() - 3700))
    lake.write_range(KEY, panel(1.0).iloc[:0], "2019-07-02", "2019-07-02")
    assert sorted(temporary(part.parent)) == sorted([own, elsewhere])


def test_a_folder_that_cannot_be_made_is_a_typed_error(tmp_path: Path) -> None:
    """A file has the path of the lake."""
    (tmp_path / "lake").write_text("not a folder")
    with pytest.raises(LakeError, match="could not open the folder"):
        Lake(str(tmp_path / "lake")).write_range(KEY, panel(1.0), DAY, DAY)


def test_a_url_whose_server_has_real_folders_gets_them_made(tmp_path: Path) -> None:
    """Servers such as sftp fail a put into an absent folder; the store creates the folder and repeats the put."""
    store = ObjectStore("sftp://host/lake", LocalFileSystem(), str(tmp_path))
    files = CheckedFiles(store)
    files.publish("a/day=1/part-0.parquet", b"x")
    assert files.load("a/day=1/part-0.parquet", "") == b"x"
    assert store.below("a", "part-0.parquet") == ["day=1"]


def test_an_unreachable_object_store_is_a_typed_error() -> None:
    """Every error of a cloud library is raised as LakeError with URL and cause."""

    class Unreachable(MemoryFileSystem):
        cachable = False

        def cat_file(self, *args: Any, **kwargs: Any) -> bytes:
            raise RuntimeError("endpoint did not answer")

        pipe_file = cat_file

    store = ObjectStore("s3://bucket/lake", Unreachable(), "/bucket/lake")
    for call in (lambda: store.read("a/b"), lambda: store.write("a/b", b"")):
        with pytest.raises(LakeError, match=r"s3://bucket/lake/a/b: RuntimeError: endpoint did not answer"):
            call()
