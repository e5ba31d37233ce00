"""From text to proposal: whatever a model writes is read, cut and never run."""

import json
import time
from dataclasses import replace

import pytest

from alpha_pipeline.llm.chat import ChatReply
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.mining.reply import dialect_of, read_critique, read_reply
from alpha_pipeline.mining.task import Proposal, Task

TASK = Task(EQUITIES, ("close", "volume"), "momentum", 20, 1)


def read(text: str) -> Proposal:
    (proposal,) = read_all(text)
    return proposal


def read_all(text: str, **task: object) -> tuple[Proposal, ...]:
    return read_reply(ChatReply(text, "m", "hash", 11, 7, "stop"), replace(TASK, **task))  # type: ignore[arg-type]


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
    """In JSON, fenced or not, amid prose, or bare; the sign is kept; nothing is an empty proposal."""
    assert read(text).source == source


def test_the_request_comes_along() -> None:
    """Every proposal knows which question it answers."""
    found = read('{"expression": "close", "rationale": "why", "name": "n", "expected_performance": {"sharpe": 9}}')
    assert found.request_hash == "hash"
    assert (found.name, found.rationale, found.expected_performance) == ("n", "why", '{"sharpe": 9}')


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
    """No text makes the reader slow, and no field of a proposal is unbounded."""
    start = time.process_time()
    found = read(text)
    assert time.process_time() - start < 1.0
    assert len(found.source) <= 20_000
    assert max(len(found.name), len(found.rationale), len(found.expected_performance)) <= 2_000


def test_every_text_can_be_stored() -> None:
    """Halves of surrogate pairs become question marks, raw or escaped."""
    for text in ('{"expression": "\\ud800", "name": "\\udfff", "rationale": "\\ud83d"}', "rank(\ud800)"):
        found = read(text)
        (found.source + found.name + found.rationale).encode("utf-8")
        assert "?" in found.source


def test_whole_pairs_survive() -> None:
    """Only broken characters are replaced."""
    assert read(json.dumps({"expression": "close", "rationale": "up \U0001f680"})).rationale == "up \U0001f680"


BATCH = [
    {"name": "a", "expression": "rank(volume)", "rationale": "r", "risks": ["x"], "expected_performance": "IC 0.05"},
    {"name": "b", "expression": "ts_zscore(close, 20)"},
    {"expression": "ts_rank(close, 9)"},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"factors": BATCH}),
        json.dumps(BATCH),
        "Three factors:\n```json\n" + json.dumps({"factors": BATCH}, indent=2) + "\n```\nGood luck!",
        "\n".join(json.dumps(one) for one in BATCH),
        json.dumps({"result": {"alphas": BATCH}}),
    ],
    ids=["object", "list", "fenced", "lines", "nested"],
)
def test_a_batch_is_read_in_order(text: str) -> None:
    """Whatever holds them together; what has no name is numbered."""
    found = read_all(text, count=3)
    assert [proposal.source for proposal in found] == [one["expression"] for one in BATCH]
    assert [proposal.name for proposal in found] == ["a", "b", "momentum_20_3"]
    assert (found[0].risks, found[0].expected_performance) == ('["x"]', "IC 0.05")
    assert {proposal.request_hash for proposal in found} == {"hash"}


def test_no_more_than_were_asked_for() -> None:
    """A chatty model does not get more trials than its turn allows."""
    assert len(read_all(json.dumps({"factors": BATCH}), count=2)) == 2


def test_a_batch_cut_short_keeps_what_is_whole() -> None:
    """An answer that ended at its limit loses its last factor alone."""
    text = json.dumps({"factors": BATCH})
    assert [proposal.name for proposal in read_all(text[: text.index("ts_rank") + 3], count=3)] == ["a", "b"]


SECTIONS = """FACTOR_NAME: Volume momentum

MATHEMATICAL_EXPRESSION: ts_return(close, 5) * log(volume / ts_mean(volume, 20) + 1)

PYTHON_CODE:
```python
def calculate_factor(df):
    return df["close"].pct_change(5)
```

**RATIONALE:** Moves that
trade are real.

RISK_FACTORS: Thin markets.
EXPECTED_PERFORMANCE: IC 0.02 to 0.05
"""


def test_titled_sections_are_read() -> None:
    """The form the field's first prompts ask for: one title a line, what belongs to it behind or below."""
    found = read(SECTIONS)
    assert (found.name, found.source) == (
        "Volume momentum", "ts_return(close, 5) * log(volume / ts_mean(volume, 20) + 1)"
    )  # fmt: skip
    assert (found.rationale, found.risks) == ("Moves that trade are real.", "Thin markets.")
    assert (found.expected_performance, found.dialect) == ("IC 0.02 to 0.05", "dsl")


def test_code_is_what_counts_when_code_was_asked_for() -> None:
    """With its indentation, from the same sections, from JSON or from a bare fence."""
    code = 'def calculate_factor(df):\n    return df["close"].pct_change(5)'
    for text in (
        SECTIONS,
        json.dumps({"factors": [{"expression": "close", "code": code}]}),
        f"Here:\n```py\n{code}\n```",
    ):
        (found,) = read_all(text, prompt_mode="code")
        assert (found.source, found.dialect) == (code, "pandas")


def test_two_sections_are_two_factors() -> None:
    """A name begins the next factor."""
    found = read_all(SECTIONS + "\nFactor name: other\nFormula: rank(volume)\n", count=5)
    assert [proposal.name for proposal in found] == ["Volume momentum", "other"]
    assert found[1].source == "rank(volume)"


@pytest.mark.parametrize(
    ("source", "dialect"),
    [
        ("zscore(close, 20) * rank(volume)", "dsl"),
        ("(close \u2212 SMA(close, 20)) / STD(close, 20)", "math"),
        ("close \u00b7 volume", "math"),
        ('df["close"].rolling(5).mean()', "pandas"),
        ("return close", "pandas"),
    ],
)
def test_the_dialect_is_seen_from_the_text(source: str, dialect: str) -> None:
    """By what only one of them writes."""
    assert dialect_of(source) == dialect


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"critique": "All alike.", "next_direction": "Try volume."}', "All alike. Try volume."),
        ('```json\n{"critique": "All alike."}\n```', "All alike."),
        ("Just prose.\nTwo lines.", "Just prose. Two lines."),
        ("", ""),
        ("{broken", "{broken"),
        ("x" * 9_000, "x" * 400),
    ],
)
def test_advice_is_one_bounded_line(text: str, said: str) -> None:
    """However it comes."""
    assert read_critique(ChatReply(text, "m", "hash", 1, 1, "stop")) == said


def test_blank_lines_cost_no_time() -> None:
    """Ten thousand of them between two words."""
    started = time.process_time()
    assert dialect_of("x" + "\n" * 19_998 + "y") == "dsl"
    assert time.process_time() - started < 0.1


def test_a_repeated_title_begins_another_factor() -> None:
    """No factor bears the formula of the next."""
    text = "**Name**: A\n**Expression**: close / delay(close, 1)\n**Expression**: -volume\n"
    text += "**Name**: B\n**Expression**: volume"
    found = [(proposal.name, proposal.source) for proposal in read_all(text, count=5)]
    assert found[0] == ("A", "close / delay(close, 1)") and found[-1] == ("B", "volume")
    assert ("A", "-volume") not in found and len(found) == 3


def test_an_empty_formula_outside_does_not_hide_those_inside() -> None:
    """What holds a batch need not be a factor."""
    text = json.dumps({"name": "outer", "expression": "", "factors": BATCH})
    assert [proposal.source for proposal in read_all(text, count=3)] == [one["expression"] for one in BATCH]


def test_numbered_headings_are_names() -> None:
    """As chat models write lists of factors."""
    text = "### Factor 1: Calm\nExpression: ts_rank(close, 5)\n\n### Factor 2: Wild\nExpression: ts_rank(volume, 6)\n"
    proposals = read_all(text, count=3)
    assert [(proposal.name, proposal.source) for proposal in proposals] == [
        ("Calm", "ts_rank(close, 5)"),
        ("Wild", "ts_rank(volume, 6)"),
    ]
