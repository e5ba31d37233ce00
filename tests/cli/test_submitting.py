"""`alpha-pipeline submit`: what is answered before any process starts."""

import json
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.cli import main, materialize
from alpha_pipeline.expressions import identity, parse
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import LIBRARY, TRIALS

Captured = pytest.CaptureFixture[str]
DAY = "2019-09-30"


@pytest.fixture
def ledger(lake: Path) -> Path:
    """A lake in which one formula was refused and another admitted on the last run date."""
    start, formulas = pd.Timestamp(DAY, tz="UTC"), {"weak": "ts_std(volume, 9)", "strong": "ts_std(close, 9) / close"}
    rows = pd.DataFrame(
        {
            "run_date": start, "trial": [0, 1], "factor_id": list(formulas), "name": list(formulas),
            "proposer": "user", "canonical": list(formulas.values()), "stage": ["leakage_free", "accepted"],
            "identity": [identity(parse(text)) for text in formulas.values()],
            "verdict": ["refused", "accepted"], "reason": ["train |t| below 3", ""],
            "train_t_stat": [1.25, float("nan")],
        }
    )  # fmt: skip
    library = rows.iloc[1:].assign(expression=rows["canonical"], status="accepted", since=start)
    Lake(str(lake)).write_range("crypto/factor_definitions", TRIALS.complete(rows), DAY, DAY)
    Lake(str(lake)).write_range("crypto/factor_library", LIBRARY.complete(library), DAY, DAY)
    return lake


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing here may start the graph."""

    def started(*_: object) -> float:
        raise AssertionError("the graph was started")

    monkeypatch.setattr(materialize, "run_mining", started)
    monkeypatch.chdir(tmp_path)


def test_a_formula_tried_before_is_answered_from_the_ledger(ledger: Path, capsys: Captured) -> None:
    """With its day, verdict, stage, reason and measures, in any spelling; nothing is counted."""
    assert main(["submit", "std($volume, 9)"]) == 0
    shown = capsys.readouterr().out
    for line in (
        f"already tried on {DAY} by user, and counted then: refused", "leakage_free, the last one passed",
        "train |t| below 3", "(t +1.2",
    ):  # fmt: skip
        assert line in shown, line
    assert main(["submit", "factor('strong')", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["tried_before"] and document["trial"]["verdict"] == "accepted" and document["run_date"] == DAY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ts_zscoer(close, 5)"], "unknown operator 'ts_zscoer'; did you mean ts_zscore?"),
        (["clsoe"], "unknown field 'clsoe'"),
        (["2 + 3"], "uses no field"),
        (["alpha011"], "it needs the field vwap"),
        (["factor('strange')"], "no factor 'strange' in the library; did you mean strong?"),
        (["ts_std(low, 9)", "--name", "a'b"], 'name is "a\'b"; expected letters'),
        (["ts_std(low, 9)", "--run-date", "2019-09-29"], f"is not the last one of crypto, {DAY}"),
        (["ts_std(low, 9)", "--run-date", "2035-01-01"], "after the last day of the graph"),
    ],
)
def test_what_cannot_be_tried_is_refused_at_once(
    ledger: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    """Exit code 1, one error, no trial."""
    assert main(["submit", *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""


@pytest.mark.parametrize("command", [["submit", "ts_std(low, 9)"], ["mine"], ["run"]])
def test_a_mistake_in_the_file_is_found_before_any_process(
    ledger: Path, capsys: Captured, tmp_path: Path, command: list[str]
) -> None:
    """By every command whose run would read it."""
    (tmp_path / "factors.toml").write_text("[[factor]]\nexpresion = 'close'\n")
    assert main(command) == 1
    assert "factors.toml, line 1, factor 1: unknown key 'expresion'" in capsys.readouterr().err


def test_published_sets_are_tried_on_the_last_run_date(ledger: Path, capsys: Captured) -> None:
    """Not on one that later ones were mined without; a set of another name is refused."""
    assert main(["mine", "--candidates", "alpha158", "--run-date", "2019-09-29"]) == 1
    assert "is not the last one of crypto" in capsys.readouterr().err
    assert main(["mine", "--candidates", "alpha191"]) == 1
    assert "alpha101, alpha158" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "explain", "evaluate", "backtest"])
def test_names_and_library_factors_work_everywhere(ledger: Path, capsys: Captured, command: str) -> None:
    """A published formula by its name, an admitted factor as an input."""
    for text in ("alpha158.CORD20", "alpha012", "strong", "ts_zscore(factor('strong'), 40)"):
        assert main([command, text]) == 0, text
    shown = capsys.readouterr().out
    assert "ts_zscore(ts_std(close, 9) / close, 40)" in shown


def test_a_retired_factor_is_found_by_its_name_only(ledger: Path, capsys: Captured) -> None:
    """It can be backtested, and is no input of another."""
    library = Lake(str(ledger)).read("crypto/factor_library", DAY, DAY).assign(status="retired")
    Lake(str(ledger)).write_range("crypto/factor_library", library, DAY, DAY)
    assert main(["check", "strong"]) == 0
    assert main(["check", "factor('strong') + 1"]) == 1
    assert "no factor 'strong' in the library, which is empty" in capsys.readouterr().err
