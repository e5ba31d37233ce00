"""Similarity of formulas."""

import math
import time

import numpy as np
import pytest

from alpha_pipeline.mining.formula_search import FormulaIndex, shape

FORMULAS = [
    "ts_zscore(close, 20)",
    "ts_zscore(close, 60)",
    "cs_rank(volume)",
    "cs_rank(volume) * ts_zscore(close, 20)",
    "",
]


def test_a_formula_is_most_like_itself() -> None:
    """Exactly one, and nothing is beyond it; an empty text is like nothing."""
    index = FormulaIndex(FORMULAS)
    for position, formula in enumerate(FORMULAS[:-1]):
        similarities = index.similarity_to(formula)
        assert similarities[position] == pytest.approx(1.0, abs=1e-12)
        assert similarities.argmax() == position and (similarities >= 0).all() and (similarities <= 1).all()
    assert not index.similarity_to("").any() and not index.similarity_to("zzz").any()


def test_similarity_is_symmetric() -> None:
    """The matrix of an index with itself is symmetric."""
    index = FormulaIndex(FORMULAS)
    matrix = np.array([index.similarity_to(formula) for formula in FORMULAS])
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)


def test_other_windows_are_nearer_than_other_formulas() -> None:
    """Numbers are words too, but a few among many."""
    similarities = FormulaIndex(FORMULAS).similarity_to("ts_zscore(close, 40)")
    assert min(similarities[0], similarities[1]) > similarities[2]


def test_the_weights_are_those_of_the_textbook() -> None:
    """Two texts of one word and one pair each, by hand: smoothed inverse document frequency, cosine."""
    index = FormulaIndex(["a b", "a c"])
    common, rare = 1 + math.log(3 / 3), 1 + math.log(3 / 2)
    norm = math.sqrt(common**2 + 2 * rare**2)
    assert index.similarity_to("a b")[1] == pytest.approx(common**2 / norm**2, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "\x00\x00", "\ud800", "🚀" * 9_000, "(" * 1_000_000, "a " * 5_000_000, "ts_zscore((((close,,, 2"]
)
def test_any_text_is_looked_up(text: str) -> None:
    """Refused proposals are no formulas; what is long is cut."""
    index = FormulaIndex([*FORMULAS, text])
    started = time.process_time()
    assert np.isfinite(index.similarity_to(text)).all()
    assert time.process_time() - started < 1.0


def test_an_empty_index_answers_nothing() -> None:
    """The first run date."""
    assert FormulaIndex([]).similarity_to("close").shape == (0,)


@pytest.mark.parametrize(
    ("canonical", "text", "numbers"),
    [
        ("ts_zscore(close, 20)", "ts_zscore(close, #)", (20.0,)),
        ("alpha1 * 2.5 + x_3", "alpha1 * # + x_3", (2.5,)),
        ("-1e-05 * clip(close / open, 0, 1.5)", "-# * clip(close / open, #, #)", (1e-05, 0.0, 1.5)),
        ("close", "close", ()),
    ],
)
def test_a_shape_is_a_formula_without_its_numbers(canonical: str, text: str, numbers: tuple[float, ...]) -> None:
    """Digits within names stay."""
    assert shape(canonical) == (text, numbers)
