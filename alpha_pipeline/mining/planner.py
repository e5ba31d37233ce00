"""
Plan of the next task: prompt mode, factor type, look-back window, factor to improve.

Determined by the seed, the run date and earlier trials.
"""

import hashlib
from collections.abc import Collection

from alpha_pipeline.expressions.grammar import market_windows
from alpha_pipeline.market.markets import Market
from alpha_pipeline.mining.factor_types import FACTOR_TYPES, available, choose
from alpha_pipeline.mining.knowledge import Knowledge
from alpha_pipeline.mining.ledger import TrialHistory
from alpha_pipeline.mining.task import PromptMode, Task


def next_task(
    market: Market,
    fields: Collection[str],
    label: str,
    prompt_mode: PromptMode,
    history: TrialHistory,
    knowledge: Knowledge,
    *,
    count: int = 1,
    factor_types: Collection[str] = (),
    context: str = "",
) -> Task:
    """
    The next task.

    Args:
        market: where the factor will be traded.
        fields: names the factor may use.
        label: seed, run date and place of the task; the seed of all random choices.
        prompt_mode: preferred; "generate" replaces "optimize" without a strong factor to improve, and "multimodal"
            without fields beyond prices.
        history: earlier trials.
        knowledge: source of the notes.
        count: factors per reply.
        factor_types: to choose from; all that the fields allow if empty.
        context: further instructions of the user.
    """
    seed = int(hashlib.sha256(label.encode()).hexdigest()[:7], 16)
    allowed = [name for name in available(fields) if not factor_types or name in factor_types]
    beyond = [name for name in allowed if FACTOR_TYPES[name].beyond_prices]
    parent = history.parent(seed) if prompt_mode == "optimize" else None
    if (prompt_mode == "optimize" and parent is None) or (prompt_mode == "multimodal" and not beyond):
        prompt_mode = "generate"
    windows = market_windows(market.clock)
    factor_type = choose(history.tallies, beyond if prompt_mode == "multimodal" else allowed, seed)
    return Task(
        market=market,
        fields=tuple(sorted(fields)),
        factor_type=factor_type,
        window=windows[seed % len(windows)],
        seed=seed,
        prompt_mode=prompt_mode,
        count=count,
        parent=parent,
        context=context,
        notes=knowledge.notes(factor_type, parent.expression if parent else ""),
    )
