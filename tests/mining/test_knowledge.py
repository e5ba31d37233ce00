"""What on the run date may know, read from small ledgers."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.mining.knowledge import Knowledge
from alpha_pipeline.tables import TRIALS


def ledger(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows of the trial ledger; what is not said is empty."""
    blank = {c.name: "" if str(c.type) == "string" else np.nan for c in TRIALS.columns}
    return pd.DataFrame([blank | {"verdict": "refused"} | row for row in rows], columns=list(blank))


def measured(canonical: str, t: float, **more: object) -> dict[str, object]:
    """A measured trial of that train t; its validation says the contrary."""
    numbers = {"train_t_stat": t, "train_rank_ic": t / 100, "train_sharpe": 0.1, "valid_t_stat": 9 - t}
    names = {"canonical": canonical, "identity": canonical, "factor_id": canonical}
    return {**names, "valid_sharpe": 7.77, "valid_rank_ic": 0.777, **numbers, **more}


def shown(knowledge: tuple[str, ...]) -> list[str]:
    """The formulas of the notes that recommend one."""
    return [note.split(" ->")[0] for note in knowledge if "rank IC" in note]


def test_an_empty_ledger_teaches_nothing() -> None:
    """The first run date begins with a clean sheet."""
    knowledge = Knowledge(TRIALS.empty(), "bull calm")
    assert knowledge.notes("momentum") == () and knowledge.similar_formulas("rank(close)") == ()


def test_the_strong_come_first() -> None:
    """Three at most, by the size of t on train, either sign."""
    rows = [measured("open", 1), measured("high", -3.9), measured("low", 3), measured("volume", 2)]
    assert shown(Knowledge(ledger(*rows)).notes("")) == ["high", "low", "volume"]


def test_the_family_comes_before_the_strong() -> None:
    """A weaker factor of the family asked for is shown first."""
    rows = [measured("high", 5, factor_type="volume"), measured("low", 1, factor_type="momentum")]
    assert shown(Knowledge(ledger(*rows)).notes("momentum")) == ["low", "high"]


def test_what_worked_in_such_a_market_comes_before_what_worked_in_another() -> None:
    """The market at hand counts, and is told with what was strong in it."""
    rows = [
        measured("high", 3, factor_type="volume", regime="bear volatile"),
        measured("low", 3, factor_type="momentum", regime="bull calm"),
        measured("open", 0.1, factor_type="momentum", regime="bull calm"),
    ]
    notes = Knowledge(ledger(*rows), "bull calm").notes("breakout")
    assert shown(notes)[0] == "low"
    assert "market now: bull calm; strong factors in such a market: momentum 1 of 2" in notes


def test_the_formula_at_hand_calls_its_kind() -> None:
    """When a factor is to be improved, its relatives are shown first."""
    rows = [measured("ts_zscore(close, 20)", 2), measured("cs_rank(volume) * ts_corr(high, low, 5)", 2.2)]
    knowledge = Knowledge(ledger(*rows))
    assert shown(knowledge.notes(""))[0].startswith("cs_rank")
    assert shown(knowledge.notes("", "ts_zscore(close, 60)"))[0] == "ts_zscore(close, 20)"


def test_variants_of_one_formula_do_not_fill_the_page() -> None:
    """Each note is unlike those before it."""
    variants = [measured(f"ts_zscore(close, {w})", 4 - w / 100) for w in (20, 40, 60, 80)]
    rows = [*variants, measured("cs_rank(ts_corr(high, volume, 5))", 2)]
    assert "cs_rank(ts_corr(high, volume, 5))" in shown(Knowledge(ledger(*rows)).notes(""))[:2]


def test_a_refused_text_calls_valid_formulas_near_to_it() -> None:
    """However broken it is."""
    rows = [measured("ts_zscore(close, 20)", 1), measured("cs_rank(volume)", 3), measured("ts_corr(high, low, 5)", 2)]
    knowledge = Knowledge(ledger(*rows))
    assert knowledge.similar_formulas("zscore((close, 14", 1) == ("ts_zscore(close, 20)",)
    assert knowledge.similar_formulas("cs_rank(volme)", 1) == ("cs_rank(volume)",)
    assert len(knowledge.similar_formulas("\x00\ud800" * 5_000)) == 3


def test_ties_do_not_depend_on_the_order_of_rows() -> None:
    """Equal factors are shown in the order of their identity."""
    rows = [measured(name, 2) for name in ("volume", "open", "low", "high")]
    assert Knowledge(ledger(*rows)).notes("") == Knowledge(ledger(*rows[::-1])).notes("")


def test_notes_hold_train_numbers_only() -> None:
    """Validation belongs to the judge, the sealed segment to nobody."""
    row = measured("close", 2, reason="validation |t| below 3")
    notes = Knowledge(ledger(row)).notes("")
    assert notes == ("close -> rank IC +0.020 (t +2.0), net Sharpe +0.10 on train",)


def test_failures_are_told_with_their_cause() -> None:
    """Weak ones of the family, and the commonest refusals that say nothing of validation."""
    rows = [measured("low", 0.2, factor_type="volume"), measured("open", 0.1, factor_type="momentum")]
    refused = ["unknown: x", "type: y", "type: y", "tried before", "validation |t| below 3", "coverage check"]
    notes = Knowledge(ledger(*rows, *({"reason": reason} for reason in refused))).notes("volume")
    assert notes[2:] == ("low -> no signal on train", "often refused: type: y", "often refused: unknown: x")


def test_what_is_taken_is_told() -> None:
    """Factors active, by name."""
    notes = Knowledge(ledger(measured("high", 3), measured("low", 2)), active_factors=["low"]).notes("")
    assert notes[-1] == "taken, write something else: low"


def test_the_last_advice_is_passed_on() -> None:
    """Of the latest round that had any."""
    rows = [measured("high", 3, critique="first"), measured("low", 3, critique="second"), measured("open", 2)]
    assert "critic: second" in Knowledge(ledger(*rows)).notes("")


def test_unanswered_questions_teach_nothing() -> None:
    """They are no trials."""
    row = {"verdict": "unanswered", "reason": "no answer: syntax"}
    assert Knowledge(ledger(row)).notes("") == ()


@pytest.mark.parametrize("field", ["canonical", "critique"])
def test_no_note_is_longer_than_a_line_should_be(field: str) -> None:
    """Long formulas are cut; advice was cut when it was read."""
    row = measured("x" * 5_000, 2) if field == "canonical" else measured("x", 2, critique="y" * 400)
    assert max(map(len, Knowledge(ledger(row)).notes(""))) < 450
