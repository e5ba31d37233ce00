"""
From a model's reply to proposals: JSON where it is JSON, titled sections or a plausible line where it is not.

The reply is untrusted text: it is only ever searched, never evaluated.
"""

import json
import re
from collections.abc import Iterator, Mapping

from alpha_pipeline.factors.definition import Dialect
from alpha_pipeline.llm.chat import ChatReply
from alpha_pipeline.mining.task import Proposal, Task

MAXIMUM_TEXT = 2_000
MAXIMUM_REPLY = 100_000
# Braces tried as the start of an object; each may cost a read to the end.
MAXIMUM_OBJECTS = 100
EXPRESSION = ("expression", "formula", "factor", "alpha", "mathematical_expression")
CODE = ("code", "python_code", "python", "function")
TITLES = {
    "name": r"factor[_ ]?name|name|factor[ _#]+\d+",
    "expression": "mathematical[_ ]?expression|expression|formula",
    "code": "python[_ ]?code|code",
    "rationale": "rationale|explanation",
    "risks": "risk[_ ]?factors|risks?",
    "expected_performance": "expected[_ ]?performance|performance",
}
_TITLE = re.compile(
    r"^[\s#*>\d.)-]*(?:" + "|".join(f"(?P<{key}>{words})" for key, words in TITLES.items()) + r")[\s*]*[:=](?!=)[\s*]*",
    re.IGNORECASE,
)
_CODE_SIGNS = re.compile(r"\bdef\s+\w+\s*\(|\bdf\b|^[ \t]*return\b|\.rolling\(|^[ \t]*import\b", re.MULTILINE)
_MATH_SIGNS = re.compile("[\u2212\u00d7·÷√∑∏σμΔ₀-₉²³⁴]")  # minus and times as typeset


def read_reply(reply: ChatReply, task: Task) -> tuple[Proposal, ...]:
    """
    The proposals in a reply.

    Args:
        reply: as stored.
        task: says how many are wanted, whether code or formulas, and gives names where the reply has none.

    Returns:
        At least one and at most `task.count` proposals. One whose `source` is empty when no
        factor was found; long texts are cut.
    """
    text = _storable(reply.text)
    found = list(_objects(text, task))[: task.count] or list(_sections(text, task))[: task.count]
    if not any(_source(one, task) for one in found):
        found = [{**(found[0] if found else {}), "expression": _bare_line(text)}]
    proposals = []
    for number, one in enumerate(found):
        source = _source(one, task)
        proposals.append(
            Proposal(
                name=_text(one, "name") or f"{task.factor_type}_{task.window}" + f"_{number + 1}" * (number > 0),
                source=source,
                dialect=dialect_of(source),
                rationale=_text(one, "rationale"),
                risks=_text(one, "risks"),
                expected_performance=_text(one, "expected_performance"),
                parent=task.parent.factor_id if task.parent else "",
                request_hash=reply.request_hash,
            )
        )
    return tuple(proposals)


def read_critique(reply: ChatReply) -> str:
    """The advice in a critic's reply, one line of at most 400 characters; empty when it said nothing."""
    text = _storable(reply.text)
    start = text.find("{")
    try:
        found = json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 else {}
    except (ValueError, RecursionError):
        found = {}
    parts = [_text(found, key) for key in ("critique", "next_direction")]
    return " ".join((" ".join(parts) if any(parts) else text).split())[:400]


def dialect_of(source: str) -> Dialect:
    """Which front end can read a text, by what only one of them writes."""
    if _CODE_SIGNS.search(source):
        return "pandas"
    return "math" if _MATH_SIGNS.search(source) else "dsl"


def _objects(text: str, task: Task) -> Iterator[dict[str, object]]:
    """
    The JSON objects that hold a factor, in order; else the first object at all.

    Code fences and prose around them are ignored; objects inside others are looked at too.
    """
    keys = (*EXPRESSION, *CODE)
    decoder, start, first, hits = json.JSONDecoder(), text.find("{"), None, 0
    for _ in range(MAXIMUM_OBJECTS):
        if start < 0 or hits == task.count:
            break
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            found, end = {}, start + 1
        if any(isinstance(found.get(key), str) and found[key] for key in keys):
            hits += 1
            yield found
        else:
            first, end = first or found, start + 1
        start = text.find("{", end)
    if not hits and first:
        yield first


def _sections(text: str, task: Task) -> Iterator[dict[str, object]]:
    """Factors written as titled sections (`FACTOR_NAME: ...`); a repeated name begins the next one."""
    current: dict[str, list[str]] = {}
    key = ""
    for line in text.splitlines():
        title = _TITLE.match(line)
        if title:
            key = str(title.lastgroup)
            if _has_source(current) and (key == "name" or key in current):
                yield _joined(current)
                current = {}
            current[key] = [line[title.end() :]]
        elif key and not line.strip().startswith("```"):
            current[key].append(line)
    if _has_source(current):
        yield _joined(current)
    elif task.prompt_mode == "code" and (block := re.search(r"```[a-z]*\n(.*?)```", text, re.DOTALL)):
        yield {"code": block[1]}


def _has_source(sections: Mapping[str, list[str]]) -> bool:
    return "expression" in sections or "code" in sections


def _joined(sections: Mapping[str, list[str]]) -> dict[str, object]:
    """Code keeps its lines; a formula ends with its paragraph; prose becomes one line."""
    out: dict[str, object] = {}
    for key, lines in sections.items():
        body = "\n".join(lines).strip("\n")
        if key == "expression":
            body = body.strip().split("\n\n")[0]
        out[key] = body if key in ("code", "expression") else " ".join(body.split())
    return out


def _source(found: Mapping[str, object], task: Task) -> str:
    keys = (*CODE, *EXPRESSION) if task.prompt_mode == "code" else (*EXPRESSION, *CODE)
    texts = (_storable(str(found[key])) for key in keys if isinstance(found.get(key), str))
    source = next((text for text in texts if text.strip()), "")[:20_000]
    return source.strip("\n") if dialect_of(source) == "pandas" else source.strip("` \n\t")


def _bare_line(text: str) -> str:
    """The first line that looks like a formula: a call or an operator, and little prose."""
    for line in text.splitlines():
        # A dash is a bullet only before a space; before a word it is the sign of the factor.
        plain = re.sub(r"^(?:[\s`*>]|[-+] )*(?:\w+[*\s]*[:=](?!=)[*\s`]*)?", "", line).strip("` ")
        if re.search(r"\w\(|[-+*/]", plain) and len(plain.split()) < 30 and not plain.endswith((".", ":")):
            return plain
    return ""


def _text(found: Mapping[str, object], key: str) -> str:
    value = found.get(key, "")
    return _storable(value if isinstance(value, str) else json.dumps(value))[:MAXIMUM_TEXT]


def _storable(text: str) -> str:
    """The text cut to a bounded length; halves of surrogate pairs, which no file can hold, become question marks."""
    return text[:MAXIMUM_REPLY].encode("utf-8", "replace").decode("utf-8")
