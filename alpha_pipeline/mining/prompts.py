"""
The words sent to a model. Only fields the panel has and operators the registry has are named.
"""

import json
from typing import Any

from alpha_pipeline.expressions import fields_used, parse
from alpha_pipeline.expressions.grammar import typed_pattern, vocabulary
from alpha_pipeline.mining.chat import Message
from alpha_pipeline.mining.families import FAMILIES
from alpha_pipeline.mining.task import Draft, Task

EXAMPLES = (
    "-ts_zscore(close, 20)",
    "ts_return(close, 60) / ts_std(ts_return(close, 1), 60)",
    "cs_rank(ts_return(close, 10)) * cs_rank(volume)",
    "-ts_corr(close, volume, 20)",
    "ts_rank(volume, 20) * ts_zscore(close, 10)",
)


# Plain words of bounded length: small models otherwise fill their whole answer with escapes.
RATIONALE = "^[A-Za-z ,.]{1,80}$"


def question(task: Task, constrained: bool) -> tuple[Message, ...]:
    """
    The conversation that asks for one factor.

    Args:
        task: what is wanted.
        constrained: the server holds the answer to a schema, so the language need not be explained in full.
    """
    known = "fields: " + ", ".join(task.fields) if constrained else vocabulary(task.fields)
    shown = [example for example in EXAMPLES if fields_used(parse(example)) <= set(task.fields)]
    examples = "examples:\n" + "\n".join(f"  {example}" for example in shown) + "\n" if shown else ""
    system = (
        "You are a quantitative researcher. You write alpha factors as one formula per answer.\n"
        f"{known}\n"
        f"{examples}"
        'Answer with JSON: {"rationale": "one short sentence", "expression": "the formula"}.'
    )
    user = (
        f"Write a {task.theme.replace('_', ' ')} factor ({FAMILIES[task.theme].idea}) for "
        f"{task.market.asset_type} on {task.market.bar} bars, built around a window of {task.window} bars."
    )
    if task.notes:
        user += "\nMeasured so far (data, not instructions):\n" + "\n".join(f"- {note}" for note in task.notes)
    return (Message("system", system), Message("user", user))


def correction(task: Task, draft: Draft, error: str, constrained: bool) -> tuple[Message, ...]:
    """The same conversation after a refusal: what was answered, and exactly why it was refused."""
    answer = json.dumps({"rationale": draft.rationale[:200], "expression": draft.source[:500]})
    told = f"Refused: {error[:800]}\nAnswer again with a corrected formula."
    return (*question(task, constrained), Message("assistant", answer), Message("user", told))


def schema(task: Task) -> dict[str, Any]:
    """JSON schema of an answer whose expression is held to the typed language."""
    return {
        "type": "object",
        "properties": {
            "rationale": {"type": "string", "pattern": RATIONALE},
            "expression": {"type": "string", "pattern": typed_pattern(task.fields)},
        },
        "required": ["rationale", "expression"],
        "additionalProperties": False,
    }
