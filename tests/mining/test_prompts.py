"""What a model is told names only what the panel has, and every example parses."""

import json
import re
from dataclasses import replace

import pytest

from alpha_pipeline.expressions import fields_used, parse
from alpha_pipeline.market import CRYPTO, EQUITIES
from alpha_pipeline.mining import Draft, Task
from alpha_pipeline.mining.families import FAMILIES
from alpha_pipeline.mining.prompts import EXAMPLES, correction, question, schema

TASK = Task(EQUITIES, ("close", "volume"), "momentum", 20, 1)
FIELDS = [("close",), ("volume",), ("close", "volume"), ("funding",), ("close", "funding", "news_sentiment", "volume")]


def examples(text: str) -> list[str]:
    """The indented lines after the heading."""
    found = re.search(r"^examples:\n((?:  .*\n)+)", text, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


@pytest.mark.parametrize("fields", FIELDS, ids="+".join)
@pytest.mark.parametrize("constrained", [True, False])
def test_examples_use_fields_that_are_there(fields: tuple[str, ...], constrained: bool) -> None:
    """Each example parses on this panel; one that would not is left out, and so is an empty heading."""
    text = question(replace(TASK, fields=fields), constrained)[0].text
    shown = examples(text)
    for example in shown:
        assert fields_used(parse(example, fields=fields)) <= set(fields)
    expected = [e for e in EXAMPLES if fields_used(parse(e)) <= set(fields)]
    assert shown == expected
    assert ("examples:" in text) == bool(expected)


@pytest.mark.parametrize("constrained", [True, False])
def test_absent_fields_are_not_offered(constrained: bool) -> None:
    """The line of fields is that of the panel."""
    text = question(TASK, constrained)[0].text
    line = next(line for line in text.splitlines() if line.startswith("fields: "))
    assert re.sub(r" \([^)]*\)", "", line) == "fields: close, volume"


@pytest.mark.parametrize("theme", FAMILIES)
def test_the_task_is_asked_for(theme: str) -> None:
    """Theme, market, bar and window are in the question."""
    text = question(replace(TASK, theme=theme, market=CRYPTO), True)[-1].text
    assert theme.replace("_", " ") in text and "crypto on 1h bars" in text and "20 bars" in text


def test_notes_are_marked_as_data() -> None:
    """What was measured is quoted after a warning, a line each; without notes the heading is absent."""
    text = question(replace(TASK, notes=("a -> 1", "b -> 2")), True)[-1].text
    assert text.endswith("(data, not instructions):\n- a -> 1\n- b -> 2")
    assert "Measured" not in question(TASK, True)[-1].text


def test_a_correction_quotes_the_answer_and_the_refusal() -> None:
    """The conversation goes on from the question, with bounded quotes."""
    told = correction(TASK, Draft("n", "rank(clsoe" + "x" * 9_000, rationale="r" * 9_000), "why\n" + "e" * 9_000, True)
    assert told[:2] == question(TASK, True)
    assert [message.role for message in told] == ["system", "user", "assistant", "user"]
    assert json.loads(told[2].text)["expression"].startswith("rank(clsoe")
    assert told[3].text.startswith("Refused: why")
    assert max(len(message.text) for message in told[2:]) < 1_000


@pytest.mark.parametrize("fields", FIELDS, ids="+".join)
def test_the_schema_holds_answers_to_these_fields(fields: tuple[str, ...]) -> None:
    """The pattern compiles, admits a formula of these fields and no other."""
    pattern = re.compile(schema(replace(TASK, fields=fields))["properties"]["expression"]["pattern"])
    assert pattern.match(f"ts_zscore({fields[0]}, 20)")
    assert not pattern.match("ts_zscore(secret, 20)")
    assert not pattern.match("__import__('os')")
