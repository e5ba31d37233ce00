"""
What is asked next: the way, the family, the window, the factor to improve.

Everything follows from the seed, the run date and what was tried before.
"""

import hashlib
from collections.abc import Collection

from alpha_pipeline.market.markets import Market
from alpha_pipeline.mining.factor_types import FACTOR_TYPES, available, choose
from alpha_pipeline.mining.knowledge import Knowledge
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.task import WINDOWS, PromptMode, Task


def next_task(
    market: Market,
    fields: Collection[str],
    label: str,
    prompt_mode: PromptMode,
    tried: TrialHistory,
    knowledge: Knowledge,
    *,
    count: int = 1,
    factor_types: Collection[str] = (),
    context: str = "",
) -> Task:
    """
    One assignment.

    Args:
        market: where the factor will be traded.
        fields: names it may use.
        label: of the question, from seed, run date and place in it; decides what chance decides.
        way: how to ask. Without a strong factor to improve, or without fields beyond prices, the plain way is taken.
        tried: what came before.
        knowledge: what the notes are made of.
        count: factors wanted in one answer.
        factor types: choose among these; all the fields allow when empty.
        context: what the user wants considered besides.
    """
    seed = int(hashlib.sha256(label.encode()).hexdigest()[:7], 16)
    allowed = [name for name in available(fields) if not factor_types or name in factor_types]
    beyond = [name for name in allowed if FACTOR_TYPES[name].beyond_prices]
    parent = tried.parent(seed) if prompt_mode == "optimize" else None
    if (prompt_mode == "optimize" and parent is None) or (prompt_mode == "multimodal" and not beyond):
        prompt_mode = "generate"
    factor_type = choose(tried.tallies, beyond if prompt_mode == "multimodal" else allowed, seed)
    return Task(
        market,
        tuple(sorted(fields)),
        factor_type,
        WINDOWS[seed % len(WINDOWS)],
        seed,
        prompt_mode,
        count,
        parent,
        context,
        knowledge.notes(factor_type, parent.expression if parent else ""),
    )
