"""
Files with a checksum beside them: published so that a kill at any moment leaves old or new, and verified on every load.

What is in the files, and where they live, is none of this file's business.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from alpha_pipeline.errors import CorruptFileError, LakeError
from resources.lake.stores import Store

PART = "part-0.parquet"
SIDECARS = "_sha256"
_SEGMENT = re.compile(r"[A-Za-z0-9_=%.+-]+")


@dataclass(frozen=True)
class CheckedFiles:
    """
    Bytes in, the same bytes out, or an error that names the file.

    Sidecars live under `_sha256/` of the root, because polars refuses a folder that holds anything but Parquet, and
    speak the format of `sha256sum`: `cat _sha256/crypto/market_panel/* | sha256sum -c` at the root checks by hand.
    Replacing a file takes two phases: the sidecar lists the old and the new digest, the data are published, the
    sidecar lists the new one alone. A load accepts any listed digest, so no moment of that is unreadable.
    """

    store: Store

    def publish(self, path: str, data: bytes) -> str:
        """
        Store `data` at `path`; identical content is left as it is.

        Returns:
            SHA-256 of `data`, hexadecimal.

        Raises:
            LakeError: the store refused; what was there before is still readable.
        """
        with self.store.lock(parent(path)):
            return self._replace(path, data)

    def revise(self, path: str, change: Callable[[bytes | None], bytes], remedy: str) -> bytes:
        """
        Publish what `change` makes of the stored bytes (None when there are none); no other writer comes in between.

        Returns:
            The bytes that are stored now.

        Raises:
            CorruptFileError: what is stored cannot be relied on; it was left as it is.
            LakeError: the store refused; what was there before is still readable.
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
            remedy: what the reader of an error should do, an imperative sentence.

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
        """Remove what killed writers left beside `path` and its sidecar; beside those of all other days if `nested`."""
        self.store.sweep(parent(parent(path)) if nested else parent(path), nested)
        self.store.sweep(parent(sidecar_of(path)), nested=False)

    def _replace(self, path: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        listed, present = self._listed(path), self._present(path)
        if present != digest:
            # A present file that matches no digest is corrupt and must stay refused until it is replaced.
            listed = [present, digest] if present in listed else [digest]
            self._list(path, listed)
            self.store.write(path, data)
        if listed != [digest]:
            self._list(path, [digest])
        return digest

    def _verify(self, path: str, data: bytes, remedy: str) -> None:
        found, expected = hashlib.sha256(data).hexdigest(), self._listed(path)
        if found in expected:
            return
        wanted = f"expected {' or '.join(expected)}" if expected else f"there is no checksum in {sidecar_of(path)}"
        raise CorruptFileError(
            f"{self.store.url(path)} ({len(data):,} bytes) has SHA-256 {found}, {wanted}; nothing was read from it. "
            f"{remedy}"
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
    """`_sha256/<path>.sha256`; a table's part is named by its folder, so that the sidecars of all days lie together."""
    return f"{SIDECARS}/{path.removesuffix(f'/{PART}')}.sha256"


def parent(path: str) -> str:
    """The folder of a file; "" for the root."""
    return path.rpartition("/")[0]


def inside(path: str) -> str:
    """
    `path` itself, when it stays below the root.

    Raises:
        LakeError: it is empty, absolute, climbs with `..`, or has characters a file name should not have.
    """
    parts = path.split("/")
    if any(not _SEGMENT.fullmatch(part) or part.startswith(".") for part in parts):
        raise LakeError(
            f"{path!r} is no path inside the lake; expected parts of letters, digits and _=%.+- joined by /, "
            "none of them empty or beginning with a dot"
        )
    return path
