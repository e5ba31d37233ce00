"""What tonight may know, read from small ledgers."""

import numpy as np
import pandas as pd

from alpha_pipeline.mining.knowledge import knowledge
from alpha_pipeline.tables import TRIALS


def ledger(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows of the trial ledger; what is not said is empty."""
    blank = {c.name: "" if str(c.type) == "string" else np.nan for c in TRIALS.columns}
    return pd.DataFrame([blank | {"verdict": "refused"} | row for row in rows], columns=list(blank))


def measured(canonical: str, t: float, **more: object) -> dict[str, object]:
    """A measured trial of that train t; its validation says the contrary."""
    numbers = {"train_t_stat": t, "train_rank_ic": t / 100, "train_sharpe": 0.1, "valid_t_stat": 9 - t}
    return {
        "canonical": canonical,
        "identity": canonical,
        "valid_sharpe": 7.77,
        "valid_rank_ic": 0.777,
        **numbers,
        **more,
    }


def test_an_empty_ledger_teaches_nothing() -> None:
    """The first night begins with a clean sheet."""
    found = knowledge(TRIALS.empty(), "momentum")
    assert (found.taken, found.notes, found.measured_sharpe) == (frozenset(), (), ())


def test_the_best_come_first() -> None:
    """Three at most, by the size of t on train, either sign."""
    found = knowledge(ledger(measured("a", 1), measured("b", -4), measured("c", 3), measured("d", 2)))
    assert [note.split(" ->")[0] for note in found.notes] == ["b", "c", "d"]


def test_the_theme_comes_before_the_strong() -> None:
    """A weaker factor of the theme asked for is shown first."""
    found = knowledge(ledger(measured("a", 5, theme="volume"), measured("b", 1, theme="momentum")), "momentum")
    assert [note.split(" ->")[0] for note in found.notes] == ["b", "a"]


def test_ties_do_not_depend_on_the_order_of_rows() -> None:
    """Equal factors are shown in the order of their identity."""
    rows = [measured(name, 2) for name in "dcba"]
    assert knowledge(ledger(*rows)).notes == knowledge(ledger(*rows[::-1])).notes


def test_notes_hold_train_numbers_only() -> None:
    """Validation belongs to the judge, the sealed segment to nobody."""
    note = knowledge(ledger(measured("a", 2))).notes[0]
    assert note == "a -> rank IC +0.020, net Sharpe +0.10"


def test_only_the_rows_given_are_known() -> None:
    """Taken and measured are counts of the ledger, refused texts that never parsed left out."""
    found = knowledge(ledger(measured("a", 2), {"identity": "b", "reason": "tried before"}, {"reason": "syntax: x"}))
    assert found.taken == {"a", "b"}
    assert found.measured_sharpe == (7.77,)


def test_the_most_frequent_refusals_are_told() -> None:
    """Two at most, the commonest first; admission is no refusal."""
    rows = [{"reason": r} for r in ["x", "y", "y", "y", "z", "x"]] + [{"verdict": "accepted", "reason": ""}] * 5
    assert knowledge(ledger(*rows)).notes == ("often refused: y", "often refused: x")


def test_a_long_formula_is_cut() -> None:
    """No note is longer than a prompt line should be."""
    assert len(knowledge(ledger(measured("x" * 5_000, 2))).notes[0]) < 200
