"""`alpha-pipeline generate` and `optimize` against a real server that speaks the OpenAI protocol."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alpha_pipeline.cli import main
from tests.helpers.openai_server import OpenAIServer, Question, completion, serving

Captured = pytest.CaptureFixture[str]


def answer(question: Question) -> str:
    """Two factors, a clumsy one among them; code where code was asked for; an improvement where one was."""
    text = question["messages"][1]["content"]
    if len(question["messages"]) > 2:
        return '{"factors": [{"name": "mended", "expression": "ts_zscore(close, 30)"}]}'
    if "Improve this factor" in text:
        return '{"factors": [{"name": "better", "expression": "ts_rank(volume, 20) * ts_zscore(close, 48)"}]}'
    if "calculate_factor" in question["messages"][0]["content"]:
        return '```python\ndef calculate_factor(df):\n    return df["close"].pct_change(5)\n```'
    first = {"name": "\x1b[31mred", "expression": "ts_zscore(close, 20)", "rationale": "why", "risks": "when",
             "expected_performance": "Sharpe 9"}  # fmt: skip
    return json.dumps({"factors": [first, {"name": "typo", "expression": "ts_zscore(clsoe, 20)"}]})


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with serving(OpenAIServer(answer)) as found:
        monkeypatch.setenv("ALPHA_PIPELINE_MODEL_URL", found.url)
        monkeypatch.setenv("ALPHA_PIPELINE_MODEL", "stand-in")
        monkeypatch.setenv("ALPHA_PIPELINE_LAKE", str(tmp_path / "lake"))
        yield found


def test_generate_shows_what_was_proposed_and_what_it_is_worth(server: OpenAIServer, capsys: Captured) -> None:
    """Name, formula, words, claims marked as such, measures on train; a typo was mended on the way."""
    assert main(["generate", "--factor-type", "volume", "--lookback", "48", "--count", "2", "--context", "gaps"]) == 0
    told = capsys.readouterr().out
    for line in (
        "volume, window 48: stand-in, 2 requests, 32 tokens", "1. [31mred", "   expression  ts_zscore(close, 20)",
        "   rationale   why", "   risks       when", "   expected    Sharpe 9 (claimed by the model, not measured)",
        "2. mended", "   measured    rank IC ", "on train", "Measured on train only",
    ):  # fmt: skip
        assert line in told, line
    assert "\x1b" not in told
    asked = server.requests[0]["messages"][1]["content"]
    assert "2 different factors, each a volume factor" in asked and "Consider: gaps" in asked


def test_the_same_question_is_answered_from_the_lake(server: OpenAIServer, capsys: Captured) -> None:
    """Asked anew only with --fresh."""
    arguments = ["generate", "--count", "2", "--json"]
    assert main(arguments) == main(arguments) == 0
    assert len(server.requests) == 2
    first, again = map(json.loads, capsys.readouterr().out.replace("}\n{", "}\x00{").split("\x00"))
    assert first["factors"] == again["factors"] and first["requests"] == 2 and again["model"] == "stand-in"
    found = first["factors"][0]
    assert found["canonical"] == "ts_zscore(close, 20)"
    assert set(found["measures"]) == {"rank_ic", "t_stat", "sharpe", "turnover"}
    assert main([*arguments, "--fresh"]) == 0
    assert len(server.requests) == 4


def test_code_is_asked_for_and_translated(server: OpenAIServer, capsys: Captured) -> None:
    """Pandas in, the same canonical form out."""
    assert main(["generate", "--code", "--asset-type", "stock"]) == 0
    told = capsys.readouterr().out
    assert '     return df["close"].pct_change(5)' in told and "expression  ts_return(close, 5)" in told


def test_fields_one_names_are_read_but_not_measured(server: OpenAIServer, capsys: Captured) -> None:
    """Other data than the embedded: what is beyond prices is asked for by name."""
    assert main(["generate", "--factor-type", "carry", "--fields", "close,funding", "--count", "2"]) == 0
    asked = server.requests[0]["messages"]
    assert "funding: funding" in asked[1]["content"] and "rank IC" not in capsys.readouterr().out
    assert main(["generate", "--asset-type", "forex"]) == 0
    assert "for forex on 1h bars" in server.requests[-1]["messages"][1]["content"]
    assert "not measured: the project has no market of type forex; give its bars with --data" in capsys.readouterr().out


def test_optimize_shows_every_step_and_the_best(server: OpenAIServer, capsys: Captured) -> None:
    """The factor given is step 0; each question tells what the last step earned on train."""
    assert main(["optimize", "-ts_return(close, 5d)", "--steps", "2"]) == 0
    told = capsys.readouterr().out
    assert "step 0  -ts_return(close, 120)" in told and "step 2  " in told and "best on train: step" in told
    questions = [asked["messages"][1]["content"] for asked in server.requests]
    assert "| -ts_return(close, 120)\n| rank IC " in questions[0] and "on train" in questions[0]
    assert "ts_rank(volume, 20)" in questions[1] and "| better" not in questions[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["generate", "--factor-type", "luck"],
            "SettingError: factor type 'luck' is unknown; expected one of momentum",
        ),
        (["generate", "--factor-type", "carry"], "SettingError: factor type 'carry' needs the field funding or open_"),
        (["generate", "--count", "0"], "SettingError: --count and --lookback must be at least 1"),
        (["generate", "--lookback", "-3"], "SettingError: --count and --lookback must be at least 1"),
        (["generate", "--fields", "close,no name"], "SettingError: --fields must be names"),
        (["mine", "--factor-types", "luck"], "SettingError: factor_types among"),
        (["mine", "--batch", "0"], "SettingError: batch is 0; expected"),
        (["optimize", "ts_zscore(clsoe, 20)"], "ExpressionError: unknown field 'clsoe'"),
        (["optimize", "ts_zscore(close, 20)", "--steps", "-1"], "SettingError"),
    ],
)
def test_what_cannot_be_is_refused_before_a_call(
    server: OpenAIServer, capsys: Captured, arguments: list[str], said: str
) -> None:
    """One line, exit code 1."""
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(said) and captured.out == "" and not server.requests


def test_refusals_alone_are_a_failure(server: OpenAIServer, capsys: Captured) -> None:
    """Exit code 1 for whoever runs it from a script."""
    server.queue = [(200, completion('{"expression": "close + volume"}'))] * 2
    assert main(["generate"]) == 1
    assert "refused" in capsys.readouterr().out


def test_words_from_a_broken_shell_are_asked_with(server: OpenAIServer) -> None:
    """Bytes that are no text become question marks."""
    assert main(["generate", "--context", "caf\udcff"]) == 0
    assert "caf?" in str(server.requests[0])


def test_a_model_that_does_not_answer_is_named(server: OpenAIServer, capsys: Captured) -> None:
    """And asked again by the same command: at a desk, a stored failure is of no use."""
    server.queue = [(404, b'{"error": {"message": "gone"}}')]
    assert main(["generate"]) == 1
    assert "ModelError: model 'stand-in' at http://127.0.0.1" in capsys.readouterr().err
    assert main(["generate"]) == 0
