"""The sentiment of texts by their words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_pipeline.text.lexicon import LexiconScorer, finance_words, lexicon_scores
from alpha_pipeline.text.untrusted import LONGEST_TEXT, normalize


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Operating profit rose to a record high", 1),
        ("Net loss widened as sales fell", -1),
        ("Sales did not fall", 1),
        ("Sales didn\u2019t fall", 1),
        ("Strong growth \u2014 best quarter", 1),
        ("The company is based in Helsinki", 0),
    ],
)
def test_direction(text: str, sign: int) -> None:
    """Good words are above zero, bad ones below, a negation turns them, typeset quotes and dashes are read as typed."""
    assert np.sign(lexicon_scores([text])[0]) == sign


def test_words_are_whole() -> None:
    """An airdrop is no drop, however often; a drop is one with any mark beside it."""
    assert lexicon_scores(["Airdrop, airdrops and backdrop"])[0] == 0
    assert (lexicon_scores(["drop", "(drop)", "Drop!", "a drop—again"]) < 0).all()


def test_a_word_list_cannot_know_what_a_drop_is_good_for() -> None:
    """Cheaper gas reads as bad news: a known limit, kept in sight."""
    assert lexicon_scores(["gas fees drop 40 %"])[0] == pytest.approx(-0.3612)


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u200e", "\ud800", "\x00", None, float("nan")])
def test_nothing_to_read_is_nan(text: object) -> None:
    """Empty, blank, unprintable and absent texts have no sentiment, which is not a neutral one."""
    assert np.isnan(lexicon_scores([text])).all()  # type: ignore[list-item]  # tables hold such things


def test_no_text_no_scores() -> None:
    """An empty question has an empty answer of the right type."""
    assert lexicon_scores([]).shape == (0,) and lexicon_scores([]).dtype == float


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_text_has_a_bounded_mood(text: str) -> None:
    """Whatever Unicode holds, lone surrogates included: a number in [-1, 1], or NaN where nothing prints."""
    score = lexicon_scores([text])[0]
    assert -1 <= score <= 1 or (np.isnan(score) and not normalize(text))


def test_a_flood_of_text_is_cut() -> None:
    """Only the beginning counts, also where one character composes to many."""
    assert len(normalize("\ufdfa" * 10_000)) <= LONGEST_TEXT
    assert lexicon_scores(["quiet " * 200 + "crisis " * 10**5])[0] == lexicon_scores(["quiet " * 200])[0]


def test_a_ticker_is_no_word() -> None:
    """A coin that calls itself safe or best is not good news for that."""
    assert lexicon_scores(["$SAFE and $BEST.X are listed"])[0] == 0


def test_a_neutral_word_in_capitals_stays_neutral() -> None:
    """Words of the lists with weight 0 carry no emphasis."""
    assert finance_words()["eu"] == 0
    assert lexicon_scores(["EU and BANK are words"])[0] == 0


def test_a_text_is_scored_by_itself() -> None:
    """Neighbours, order and repetition change nothing."""
    texts = ["profit rose", "profit fell", "profit rose"]
    alone = [lexicon_scores([text])[0] for text in texts]
    assert list(lexicon_scores(texts)) == alone == list(lexicon_scores(texts[::-1]))[::-1]


def test_the_lists_are_whole() -> None:
    """All words of both lists on the scale of the general one; the later list wins where both have a word."""
    words = finance_words()
    assert len(words) == 7_295 + 189 - 79
    assert max(abs(weight) for weight in words.values()) == 1.5
    assert (words["drop"], words["abandon"]) == (-1.5, pytest.approx(-0.05))


def test_the_scorer_is_the_function() -> None:
    """As a scorer it has a name and nothing to note."""
    scorer = LexiconScorer()
    assert list(scorer.score(["profit rose"])) == list(lexicon_scores(["profit rose"]))
    assert scorer.name and not scorer.notes
