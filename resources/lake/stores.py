"""
Stores of the lake: a local folder or any fsspec URL, with atomic writes.

`CheckedFiles` adds checksums, `Lake` tables and days.
"""

import fcntl
import os
import platform
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alpha_pipeline.errors import LakeError, SettingError

TEMP_PREFIX = ".tmp-"
TEMP_SECONDS = 3600.0


class Store(Protocol):
    """Files by path relative to a root; paths use `/`, and "" is the root."""

    @property
    def threads(self) -> int:
        """Number of files to read or write in parallel."""

    def url(self, path: str) -> str:
        """Full path or URL."""

    def read(self, path: str) -> bytes:
        """Content of a file; FileNotFoundError when absent, LakeError when it cannot be read."""

    def write(self, path: str, data: bytes) -> None:
        """Replace a file atomically and durably; after a LakeError the old one is unchanged."""

    def exists(self, path: str) -> bool:
        """Whether the file exists."""

    def below(self, folder: str, name: str) -> list[str]:
        """Direct subfolders of `folder` that contain a file `name`, sorted; empty when there is no folder."""

    def lock(self, folder: str, shared: bool = False) -> Any:
        """Context manager: an exclusive or shared lock where the store has locks; else nothing."""

    def sweep(self, folder: str, nested: bool) -> None:
        """Remove temporary files of killed writers in `folder`, and one level below when `nested`."""


def open_store(root: str) -> Store:
    """
    Open the store of a root: a folder (`data`, `~/lake`, `file:///lake`) or a URL (`s3://bucket/prefix`, `memory://x`).

    Raises:
        SettingError: the root is empty, or fsspec lacks the protocol or its package.
    """
    if not root.strip():
        raise SettingError("the lake's root is empty; expected a folder or a URL such as s3://bucket/prefix")
    if "://" not in root or root.startswith("file://"):
        return LocalFolder(Path(root.removeprefix("file://")).expanduser().absolute())
    import fsspec  # imported for remote lakes only

    try:
        filesystem, base = fsspec.core.url_to_fs(root)
    except (ImportError, ValueError) as error:
        raise SettingError(f"the lake's root {root!r} cannot be opened: {error}") from error
    return ObjectStore(root.rstrip("/"), filesystem, base.rstrip("/"))


@dataclass(frozen=True)
class LocalFolder:
    """Files under one folder, written by temporary file, fsync, rename, and fsync of the folder."""

    root: Path
    threads: int = 4

    def url(self, path: str) -> str:
        return str(self.root / path)

    def read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(self.url(path)) from error
        except OSError as error:
            raise _store_error(f"read {self.url(path)}", error) from error

    def write(self, path: str, data: bytes) -> None:
        target = self.root / path
        temp = target.parent / temp_name()
        try:
            self._make_folder(target.parent)
            with temp.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temp.replace(target)
            _sync(target.parent)
        except OSError as error:
            raise _store_error(f"write {target} ({len(data):,} bytes)", error) from error
        finally:
            with suppress(OSError):  # absent after the rename; on a broken disk the first error matters
                temp.unlink()

    def exists(self, path: str) -> bool:
        return (self.root / path).is_file()

    def below(self, folder: str, name: str) -> list[str]:
        try:
            children = list((self.root / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _store_error(f"list {self.url(folder)}", error) from error
        return sorted(child.name for child in children if (child / name).is_file())

    @contextmanager
    def lock(self, folder: str, shared: bool = False) -> Iterator[None]:
        """Advisory lock on the folder itself; needs no lock file and ends with its process."""
        try:
            self._make_folder(self.root / folder)
            handle = os.open(self.root / folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _store_error(f"open the folder {self.url(folder)}", error) from error
        try:
            with suppress(OSError):  # network file systems without locks behave as object stores
                fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def sweep(self, folder: str, nested: bool) -> None:
        top = self.root / folder
        with suppress(OSError):  # an absent or unwritable folder; writing reports it
            for entry in list(os.scandir(top)):
                if nested and entry.is_dir(follow_symlinks=False):
                    self.sweep(f"{folder}/{entry.name}", nested=False)
                elif entry.name.startswith(TEMP_PREFIX) and _is_stale(entry.name, entry.stat().st_mtime):
                    Path(entry.path).unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _sync(folder.parent)


@dataclass(frozen=True)
class ObjectStore:
    """
    Objects under a URL; a put is atomic, so there are no temporary files.

    Object stores have no locks: only one run at a time may write a given day.
    """

    address: str
    filesystem: Any
    base: str
    threads: int = 16

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"

    def read(self, path: str) -> bytes:
        with self._errors("read", path):
            data: bytes = self.filesystem.cat_file(self._full(path))
            return data

    def write(self, path: str, data: bytes) -> None:
        with self._errors("write", path):
            try:
                self.filesystem.pipe_file(self._full(path), data)
            except FileNotFoundError:  # real folders behind the URL (such as sftp), or an absent bucket
                self.filesystem.makedirs(self._full(path).rpartition("/")[0], exist_ok=True)
                self.filesystem.pipe_file(self._full(path), data)

    def exists(self, path: str) -> bool:
        with self._errors("look for", path):
            self.filesystem.invalidate_cache()
            return bool(self.filesystem.exists(self._full(path)))

    def below(self, folder: str, name: str) -> list[str]:
        with self._errors("list", folder):
            self.filesystem.invalidate_cache()
            paths = self.filesystem.glob(f"{self._full(folder)}/*/{name}")
            return sorted(path.rsplit("/", 2)[1] for path in paths)

    @contextmanager
    def lock(self, folder: str, shared: bool = False) -> Iterator[None]:
        yield

    def sweep(self, folder: str, nested: bool) -> None:
        """Nothing to remove: an unfinished put leaves no object."""

    def _full(self, path: str) -> str:
        return f"{self.base}/{path}"

    @contextmanager
    def _errors(self, verb: str, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # cloud libraries raise errors of their own, few of them OSError
            raise LakeError(f"could not {verb} {self.url(path)}: {type(error).__name__}: {error}") from error


def _store_error(attempt: str, error: OSError) -> LakeError:
    return LakeError(
        f"could not {attempt}: {error.strerror or error}; the data stored before are unchanged. "
        "Free space or repair the folder, then run the same command again"
    )


def temp_name() -> str:
    """A new temporary name that contains the owner's process id and machine."""
    return f"{TEMP_PREFIX}{os.getpid()}-{platform.node()}-{uuid.uuid4().hex[:12]}"


def _is_stale(name: str, modified: float) -> bool:
    """Whether it is older than an hour, or its owner on this machine is dead."""
    if time.time() - modified > TEMP_SECONDS:
        return True
    pid, _, rest = name.removeprefix(TEMP_PREFIX).partition("-")
    if rest.rpartition("-")[0] != platform.node() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
