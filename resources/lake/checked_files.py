"""
Files with checksums: a kill at any moment leaves the old or the new version, and every load is verified.

Content is left to `parquet`, storage to `stores`.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from alpha_pipeline.errors import CorruptFileError, LakeError
from alpha_pipeline.resources.lake.stores import Store

PART = "part-0.parquet"
SIDECARS = "_sha256"
_SEGMENT = re.compile(r"[A-Za-z0-9_=%.+-]+")


@dataclass(frozen=True)
class CheckedFiles:
    """
    A store whose files are verified by SHA-256.

    Sidecars are under `_sha256/` of the root, because polars refuses a folder with files other than Parquet, in the
    format of `sha256sum`: `cat _sha256/crypto/market_panel/* | sha256sum -c` at the root verifies them by hand.
    A file is replaced in three writes: the sidecar with the old and the new digest, the data, the sidecar with the new
    digest alone. A load accepts any listed digest, so the file is readable at every moment.
    """

    store: Store

    def publish(self, path: str, data: bytes) -> str:
        """
        Store `data` at `path`; identical content is not written again.

        Returns:
            SHA-256 of `data`, hexadecimal.

        Raises:
            LakeError: the store failed; the old file is still readable.
        """
        with self.store.lock(parent(path)):
            return self._replace(path, data)

    def revise(self, path: str, change: Callable[[bytes | None], bytes], remedy: str) -> bytes:
        """
        Replace the stored bytes (None when there are none) by `change` of them, locked against other writers.

        Returns:
            The new bytes.

        Raises:
            CorruptFileError: the stored file does not match its checksum; it was not changed.
            LakeError: the store failed; the old file is still readable.
        """
        with self.store.lock(parent(path)):
            try:
                old = self.store.read(path)
            except FileNotFoundError:
                old = None
            if old is not None:
                self._verify(path, old, remedy)
            data = change(old)
            self._replace(path, data)
        return data

    def load(self, path: str, remedy: str) -> bytes:
        """
        The stored bytes, verified.

        Args:
            path: relative to the store.
            remedy: imperative sentence at the end of an error message.

        Raises:
            FileNotFoundError: there is no such file.
            CorruptFileError: the file does not match its checksum, or has none.
        """
        data = self.store.read(path)
        if hashlib.sha256(data).hexdigest() in self._listed(path):
            return data
        # A writer may have published between the two reads; with the folder locked both belong together.
        with self.store.lock(parent(path), shared=True):
            data = self.store.read(path)
            self._verify(path, data, remedy)
        return data

    def sweep(self, path: str, nested: bool = False) -> None:
        """Remove temporary files of killed writers beside `path` and its sidecar; if `nested`, of all days."""
        self.store.sweep(parent(parent(path)) if nested else parent(path), nested)
        self.store.sweep(parent(sidecar_of(path)), nested=False)

    def _replace(self, path: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        listed, present = self._listed(path), self._present(path)
        if present != digest:
            # A corrupt file must not get a valid digest before it is replaced.
            listed = [present, digest] if present in listed else [digest]
            self._list(path, listed)
            self.store.write(path, data)
        if listed != [digest]:
            self._list(path, [digest])
        return digest

    def _verify(self, path: str, data: bytes, remedy: str) -> None:
        digest, expected = hashlib.sha256(data).hexdigest(), self._listed(path)
        if digest in expected:
            return
        expectation = f"expected {' or '.join(expected)}" if expected else f"there is no checksum in {sidecar_of(path)}"
        raise CorruptFileError(
            f"{self.store.url(path)} ({len(data):,} bytes) has SHA-256 {digest}, {expectation}; nothing was read "
            f"from it. {remedy}"
        )

    def _present(self, path: str) -> str | None:
        try:
            return hashlib.sha256(self.store.read(path)).hexdigest()
        except FileNotFoundError:
            return None

    def _listed(self, path: str) -> list[str]:
        try:
            text = self.store.read(sidecar_of(path)).decode("ascii", errors="replace")
        except FileNotFoundError:
            return []
        return [line.split()[0] for line in text.splitlines() if re.match(r"[0-9a-f]{64}\s", line)]

    def _list(self, path: str, digests: list[str]) -> None:
        self.store.write(sidecar_of(path), "".join(f"{digest}  {path}\n" for digest in digests).encode())


def sidecar_of(path: str) -> str:
    """`_sha256/<path>.sha256`; for a table by its folder, so that the sidecars of all days are in one folder."""
    return f"{SIDECARS}/{path.removesuffix(f'/{PART}')}.sha256"


def parent(path: str) -> str:
    """The folder of a file; "" for the root."""
    return path.rpartition("/")[0]


def inside(path: str) -> str:
    """
    Return the path if it is below the root.

    Raises:
        LakeError: it is empty, absolute, contains `..`, or has characters a file name should not have.
    """
    parts = path.split("/")
    if any(not _SEGMENT.fullmatch(part) or part.startswith(".") for part in parts):
        raise LakeError(
            f"{path!r} is no path inside the lake; expected parts of letters, digits and _=%.+- joined by /, "
            "none of them empty or beginning with a dot"
        )
    return path
