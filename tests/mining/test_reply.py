"""From text to draft: whatever a model writes is read, cut and never run."""

import json
import time

import pytest

from alpha_pipeline.market import EQUITIES
from alpha_pipeline.mining import ChatReply, Draft, Task
from alpha_pipeline.mining.reply import read_reply

TASK = Task(EQUITIES, ("close", "volume"), "momentum", 20, 1)


def read(text: str) -> Draft:
    return read_reply(ChatReply(text, "m", "hash", 11, 7, "stop"), TASK)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ('{"expression": "rank(close)"}', "rank(close)"),
        ('```json\n{"expression": "rank(close)"}\n```', "rank(close)"),
        ('Sure! Here it is:\n{"expression": "rank(close)"} I hope it helps.', "rank(close)"),
        ('{"formula": "rank(close)"}', "rank(close)"),
        ('[{"expression": "rank(close)"}]', "rank(close)"),
        ('I use {curly} words. {"expression": "rank(close)"}', "rank(close)"),
        ('{"thought": {"deep": {}}} {"expression": "rank(close)"}', "rank(close)"),
        ('{"factor": {"name": "x", "expression": "rank(close)"}}', "rank(close)"),
        ('{"expression": "  rank(close)\\n"}', "rank(close)"),
        ("rank(close)", "rank(close)"),
        ("A factor for you:\n\n    -rank(close) * 2\n", "-rank(close) * 2"),
        ("**Formula:** `rank(close)`", "rank(close)"),
        ("expression: rank(close)", "rank(close)"),
        ("**Factor**: -rank(close)", "-rank(close)"),
        ("- rank(close)", "rank(close)"),
        ("alpha = -rank(close)", "-rank(close)"),
        ("close == delay(close, 1)", "close == delay(close, 1)"),
        ("```\nrank(close)\n```", "rank(close)"),
        ("", ""),
        ("I am sorry. I cannot help with that.", ""),
        ('{"expression": 7}', ""),
        ('{"expression": null}', ""),
        ('{"expression": ["rank(close)"]}', '{"expression": ["rank(close)"]}'),
        ('{"expression": ""}', ""),
        ("{}", ""),
        ("null", ""),
    ],
)
def test_where_the_formula_is_found(text: str, source: str) -> None:
    """In JSON, fenced or not, amid prose, or bare; the sign is kept; nothing is an empty draft."""
    assert read(text).source == source


def test_the_bill_and_the_request_come_along() -> None:
    """Every draft knows what it cost and which request it answers."""
    found = read('{"expression": "close", "rationale": "why", "name": "n", "expected_performance": {"sharpe": 9}}')
    assert (found.request_hash, found.prompt_tokens, found.completion_tokens) == ("hash", 11, 7)
    assert (found.name, found.rationale, found.claims) == ("n", "why", '{"sharpe": 9}')


def test_a_nameless_draft_is_named_after_its_task() -> None:
    """Theme and window stand in."""
    assert read("rank(close)").name == "momentum_20"


@pytest.mark.parametrize(
    "text",
    [
        "{" * 300_000,
        '{"a":' * 100_000,
        "a(" * 300_000,
        '{"expression": "' + "x" * 500_000 + '"}',
        "* " * 200_000,
        "\n" * 300_000,
    ],
    ids=["braces", "nested", "calls", "one value", "marks", "lines"],
)
def test_huge_texts_are_read_in_no_time_and_cut(text: str) -> None:
    """No text makes the reader slow, and no field of a draft is unbounded."""
    start = time.process_time()
    found = read(text)
    assert time.process_time() - start < 1.0
    assert len(found.source) <= 20_000
    assert max(len(found.name), len(found.rationale), len(found.claims)) <= 2_000


def test_every_text_can_be_stored() -> None:
    """Halves of surrogate pairs become question marks, raw or escaped."""
    for text in ('{"expression": "\\ud800", "name": "\\udfff", "rationale": "\\ud83d"}', "rank(\ud800)"):
        found = read(text)
        (found.source + found.name + found.rationale).encode("utf-8")
        assert "?" in found.source


def test_whole_pairs_survive() -> None:
    """Only broken characters are replaced."""
    assert read(json.dumps({"expression": "close", "rationale": "up \U0001f680"})).rationale == "up \U0001f680"
