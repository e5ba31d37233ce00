"""A shell without settings, whose lake is empty unless a test fills it."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SOURCE", "FIRST_DAY", "END_DAY"):
        monkeypatch.delenv(f"ALPHA_PIPELINE_{name}", raising=False)
    monkeypatch.setenv("ALPHA_PIPELINE_LAKE", str(tmp_path / "lake"))
    return tmp_path / "lake"
