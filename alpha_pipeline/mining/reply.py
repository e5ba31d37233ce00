"""
From a model's reply to a draft: JSON where it is JSON, the first plausible line where it is not.

The reply is untrusted text: it is only ever searched, never evaluated.
"""

import json
import re

from alpha_pipeline.mining.chat import ChatReply
from alpha_pipeline.mining.task import Draft, Task

MAXIMUM_TEXT = 2_000
MAXIMUM_REPLY = 100_000
# Braces tried as the start of an object; each may cost a read to the end.
MAXIMUM_OBJECTS = 100
KEYS = ("expression", "formula", "factor", "alpha")


def read_reply(reply: ChatReply, task: Task) -> Draft:
    """
    The draft in a reply.

    Args:
        reply: as stored.
        task: gives the name where the reply has none.

    Returns:
        A draft whose `source` is empty when no expression was found; long texts are cut.
    """
    text = _storable(reply.text)
    found = _json_object(text)
    source = next((_storable(str(found[key])) for key in KEYS if isinstance(found.get(key), str)), "")
    return Draft(
        name=_text(found, "name") or f"{task.theme}_{task.window}",
        source=(source or _bare_line(text)).strip()[:20_000],
        rationale=_text(found, "rationale"),
        claims=_text(found, "expected_performance"),
        request_hash=reply.request_hash,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
    )


def _json_object(text: str) -> dict[str, object]:
    """
    The first JSON object in the text that holds an expression, else the first at all; empty when there is none.

    Code fences and prose around it are ignored; objects inside others are looked at too.
    """
    first: dict[str, object] = {}
    start = text.find("{")
    for _ in range(MAXIMUM_OBJECTS):
        if start < 0:
            break
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            found = {}
        if any(isinstance(found.get(key), str) for key in KEYS):
            return found
        first = first or found
        start = text.find("{", start + 1)
    return first


def _bare_line(text: str) -> str:
    """The first line that looks like a formula: a call or an operator, and little prose."""
    for line in text.splitlines():
        # A dash is a bullet only before a space; before a word it is the sign of the factor.
        plain = re.sub(r"^(?:[\s`*>]|[-+] )*(?:\w+[*\s]*[:=](?!=)[*\s`]*)?", "", line).strip("` ")
        if re.search(r"\w\(|[-+*/]", plain) and len(plain.split()) < 30 and not plain.endswith((".", ":")):
            return plain
    return ""


def _text(found: dict[str, object], key: str) -> str:
    value = found.get(key, "")
    return _storable(value if isinstance(value, str) else json.dumps(value))[:MAXIMUM_TEXT]


def _storable(text: str) -> str:
    """The text cut to a bounded length; halves of surrogate pairs, which no file can hold, become question marks."""
    return text[:MAXIMUM_REPLY].encode("utf-8", "replace").decode("utf-8")
