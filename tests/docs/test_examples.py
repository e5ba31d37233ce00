"""The examples of the documentation run as they are, offline, and print something."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.py"))


def test_there_are_examples() -> None:
    """At least five, each shown on the page of examples."""
    page = (EXAMPLES[0].parent / "index.md").read_text()
    assert len(EXAMPLES) >= 5
    assert [file.name for file in EXAMPLES if f"{{literalinclude}} {file.name}" not in page] == []


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_runs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the first cell to the last."""
    runpy.run_path(str(file), run_name="__main__")
    assert capsys.readouterr().out.strip()
