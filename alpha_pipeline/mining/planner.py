"""
What is asked next: the way, the family, the window, the factor to improve.

Everything follows from the seed, the night and what was tried before.
"""

import hashlib
from collections.abc import Collection

from alpha_pipeline.market.markets import Market
from alpha_pipeline.mining.factor_types import FAMILIES, available, choose
from alpha_pipeline.mining.knowledge import Knowledge
from alpha_pipeline.mining.ledger import Tried
from alpha_pipeline.mining.task import WINDOWS, Task, Way


def next_task(
    market: Market,
    fields: Collection[str],
    label: str,
    way: Way,
    tried: Tried,
    knowledge: Knowledge,
    *,
    count: int = 1,
    families: Collection[str] = (),
    context: str = "",
) -> Task:
    """
    One assignment.

    Args:
        market: where the factor will be traded.
        fields: names it may use.
        label: of the question, from seed, night and place in it; decides what chance decides.
        way: how to ask. Without a strong factor to improve, or without fields beyond prices, the plain way is taken.
        tried: what came before.
        knowledge: what the notes are made of.
        count: factors wanted in one answer.
        families: choose among these; all the fields allow when empty.
        context: what the user wants considered besides.
    """
    seed = int(hashlib.sha256(label.encode()).hexdigest()[:7], 16)
    allowed = [name for name in available(fields) if not families or name in families]
    beyond = [name for name in allowed if FAMILIES[name].beyond_prices]
    parent = tried.parent(seed) if way == "optimize" else None
    if (way == "optimize" and parent is None) or (way == "multimodal" and not beyond):
        way = "generate"
    theme = choose(tried.tallies, beyond if way == "multimodal" else allowed, seed)
    return Task(
        market,
        tuple(sorted(fields)),
        theme,
        WINDOWS[seed % len(WINDOWS)],
        seed,
        way,
        count,
        parent,
        context,
        knowledge.notes(theme, parent.expression if parent else ""),
    )
