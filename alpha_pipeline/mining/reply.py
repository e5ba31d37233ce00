"""
Proposals in a model's reply: JSON objects, titled sections, or the first line that looks like a formula.

The reply is untrusted text: it is searched, never evaluated.
"""

import json
import re
from collections.abc import Iterator, Mapping

from alpha_pipeline.factors.definition import Dialect
from alpha_pipeline.llm.chat import ChatReply
from alpha_pipeline.mining.task import Proposal, Task

MAXIMUM_TEXT = 2_000
MAXIMUM_REPLY = 100_000
# Braces tried as the start of an object; each may need a scan to the end of the reply.
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
_MATH_SIGNS = re.compile("[\u2212\u00d7·÷√∑∏σμΔ₀-₉²³⁴]")  # typeset minus and times


def read_reply(reply: ChatReply, task: Task) -> tuple[Proposal, ...]:
    """
    The proposals in a reply.

    Args:
        reply: as stored.
        task: number of factors, formulas or code; gives default names.

    Returns:
        At least one and at most `task.count` proposals; a single one with an empty `source` if there is no factor. Long
        texts are cut.
    """
    text = _storable(reply.text)
    factors = list(_objects(text, task))[: task.count] or list(_sections(text, task))[: task.count]
    if not any(_source(factor, task) for factor in factors):
        factors = [{**(factors[0] if factors else {}), "expression": _bare_line(text)}]
    proposals = []
    for number, factor in enumerate(factors):
        source = _source(factor, task)
        proposals.append(
            Proposal(
                name=_text(factor, "name") or f"{task.factor_type}_{task.window}" + f"_{number + 1}" * (number > 0),
                source=source,
                dialect=dialect_of(source),
                rationale=_text(factor, "rationale"),
                risks=_text(factor, "risks"),
                expected_performance=_text(factor, "expected_performance"),
                parent=task.parent.factor_id if task.parent else "",
                request_hash=reply.request_hash,
            )
        )
    return tuple(proposals)


def read_critique(reply: ChatReply) -> str:
    """The advice in a critic's reply, one line of at most 400 characters; empty for an empty reply."""
    text = _storable(reply.text)
    start = text.find("{")
    try:
        fields = json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 else {}
    except (ValueError, RecursionError):
        fields = {}
    parts = [_text(fields, key) for key in ("critique", "next_direction")]
    return " ".join((" ".join(parts) if any(parts) else text).split())[:400]


def dialect_of(source: str) -> Dialect:
    """The dialect of a text, by syntax that is unique to it."""
    if _CODE_SIGNS.search(source):
        return "pandas"
    return "math" if _MATH_SIGNS.search(source) else "dsl"


def _objects(text: str, task: Task) -> Iterator[dict[str, object]]:
    """
    The JSON objects that hold a factor, in order; without any, the first object.

    Code fences and prose are ignored; nested objects are searched too.
    """
    keys = (*EXPRESSION, *CODE)
    decoder, start, first, count = json.JSONDecoder(), text.find("{"), None, 0
    for _ in range(MAXIMUM_OBJECTS):
        if start < 0 or count == task.count:
            break
        try:
            fields, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            fields, end = {}, start + 1
        if any(isinstance(fields.get(key), str) and fields[key] for key in keys):
            count += 1
            yield fields
        else:
            first, end = first or fields, start + 1
        start = text.find("{", end)
    if not count and first:
        yield first


def _sections(text: str, task: Task) -> Iterator[dict[str, object]]:
    """Factors in titled sections (`FACTOR_NAME: ...`); a repeated title begins the next factor."""
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
    """Sections as texts: code keeps its lines, a formula ends with its paragraph, prose becomes one line."""
    out: dict[str, object] = {}
    for key, lines in sections.items():
        body = "\n".join(lines).strip("\n")
        if key == "expression":
            body = body.strip().split("\n\n")[0]
        out[key] = body if key in ("code", "expression") else " ".join(body.split())
    return out


def _source(fields: Mapping[str, object], task: Task) -> str:
    keys = (*CODE, *EXPRESSION) if task.prompt_mode == "code" else (*EXPRESSION, *CODE)
    texts = (_storable(str(fields[key])) for key in keys if isinstance(fields.get(key), str))
    source = next((text for text in texts if text.strip()), "")[:20_000]
    return source.strip("\n") if dialect_of(source) == "pandas" else source.strip("` \n\t")


def _bare_line(text: str) -> str:
    """The first line that looks like a formula: a call or an operator, and little prose."""
    for line in text.splitlines():
        # A dash before a space is a bullet; before a word it is the sign of the factor.
        plain = re.sub(r"^(?:[\s`*>]|[-+] )*(?:\w+[*\s]*[:=](?!=)[*\s`]*)?", "", line).strip("` ")
        if re.search(r"\w\(|[-+*/]", plain) and len(plain.split()) < 30 and not plain.endswith((".", ":")):
            return plain
    return ""


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key, "")
    return _storable(value if isinstance(value, str) else json.dumps(value))[:MAXIMUM_TEXT]


def _storable(text: str) -> str:
    """The text cut to a bounded length; lone surrogates, which cannot be encoded, become question marks."""
    return text[:MAXIMUM_REPLY].encode("utf-8", "replace").decode("utf-8")
