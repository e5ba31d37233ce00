"""Nobody trains on a label that reaches into what is tested."""

import numpy as np
import pytest

from alpha_pipeline.backtesting import combinatorial, split, walk_forward
from alpha_pipeline.errors import DataError


def test_segments_never_share_a_label() -> None:
    """The last label of a segment ends before the next one begins, and a horizon is left out after the boundary."""
    cut = split(1000, horizon_bars=24)
    assert cut.train[1] - 1 + 1 + 24 < 700 < cut.valid[0] == 724
    assert cut.valid[1] - 1 + 1 + 24 < 850 < cut.open_test()[0] == 874
    assert cut.open_test()[1] == 1000
    with pytest.raises(DataError, match="too few"):
        split(200, 24)


def test_the_test_segment_is_sealed() -> None:
    """It is handed out by one explicit call and shows in no printout."""
    cut = split(1000, 1)
    assert "851" in str(cut.open_test())
    assert "851" not in repr(cut)


def test_walks_move_forward_without_overlap() -> None:
    """Every validation follows its train segment; together they tile the rest."""
    walks = list(walk_forward(1000, 24, train_bars=400, valid_bars=100))
    assert [valid for _, valid in walks] == [(start, start + 100) for start in range(400, 1000, 100)]
    assert all(train[1] - 1 + 25 < valid[0] for train, valid in walks)


def test_combinations_purge_before_and_embargo_after() -> None:
    """45 choices of 2 in 10; no label of the training bars meets a tested block."""
    choices = list(combinatorial(1000, 24, groups=10, tested=2, embargo_bars=30))
    assert len(choices) == 45
    assert np.bincount(np.concatenate([test for _, test in choices]), minlength=1000).tolist() == [9] * 1000
    for train, test in choices:
        tested = np.zeros(1100, dtype=bool)
        tested[test] = True
        assert not any(tested[bar : bar + 26].any() for bar in train)
        assert not any(tested[max(0, bar - 30) : bar + 1].any() for bar in train)
