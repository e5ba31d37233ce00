"""The arithmetic of the benchmark of sentiment, on sets one can check by eye."""

from pathlib import Path

import numpy as np
import pytest

from alpha_pipeline.errors import DataError
from benchmarks.sentiment import accuracy, keywords, macro_f1, read


def test_measures() -> None:
    """Accuracy counts texts, macro F1 classes: F1 of 1/2, 4/5 and 0 have the mean 13/30."""
    labels, found = np.array([1, 1, 0, 0, -1]), np.array([1, 0, 0, 0, 1])
    assert accuracy(labels, found) == 3 / 5
    assert macro_f1(labels, found) == pytest.approx((2 * 1 / 4 + 2 * 2 / 5 + 0) / 3)


def test_ten_keywords_are_searched_as_their_author_did() -> None:
    """Anywhere in a word: that is what is wrong with them."""
    assert list(keywords(["Airdrop", "Rally after crash", "Surge", "nothing"])) == [-1, 0, 1, 0]


def test_a_set_is_read_once_a_text(tmp_path: Path) -> None:
    """Labels in words or numbers; rows without a known one are left out, bytes that are no UTF-8 replaced."""
    file = tmp_path / "set.csv"
    file.write_bytes(b"label,text\nPositive,a\n-1,b\nneutral,\xff\nmixed,c\npositive,a\nneutral,\n")
    texts, labels = read(file)
    assert texts == ["a", "b", "\ufffd"] and list(labels) == [1, -1, 0]


@pytest.mark.parametrize(
    ("content", "told"), [("a,b\n1,2\n", "lacks label, text; found a, b"), ("text,label\na,?\n", "no text")]
)
def test_another_file_is_refused(tmp_path: Path, content: str, told: str) -> None:
    """With what was found."""
    (tmp_path / "set.csv").write_text(content)
    with pytest.raises(DataError, match=told):
        read(tmp_path / "set.csv")
