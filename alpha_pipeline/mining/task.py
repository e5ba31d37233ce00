"""
One assignment to a proposer, and what comes back.
"""

from dataclasses import dataclass
from typing import Protocol

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.factor import Dialect
from alpha_pipeline.market import Market
from alpha_pipeline.mining.budget import Meter

WINDOWS = (5, 10, 20, 60)


@dataclass(frozen=True)
class Task:
    """
    What is asked for.

    Args:
        market: where the factor will be traded.
        fields: names it may use, sorted.
        theme: family of the idea, of `families.FAMILIES`.
        window: look-back to build around, in bars.
        seed: makes the proposal repeatable.
        notes: what the knowledge base says, one line each; untrusted text is already quoted.
    """

    market: Market
    fields: tuple[str, ...]
    theme: str
    window: int
    seed: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """
    What came back, and its bill.

    Args:
        name: for display.
        source: the expression as written; empty when the reply held none.
        dialect: the front end that reads it.
        rationale: the proposer's words.
        claims: expected performance as claimed; never a measurement.
        request_hash: of the stored model request; empty when no model was asked.
        prompt_tokens: read by the model.
        completion_tokens: written by the model.
    """

    name: str
    source: str
    dialect: Dialect = "dsl"
    rationale: str = ""
    claims: str = ""
    request_hash: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Proposer(Protocol):
    """Who proposes factors: a language model, or the random grammar that controls for it."""

    def within(self, meter: Meter) -> "Proposer":
        """The same proposer, its calls counted and limited by a night's meter."""
        ...

    @property
    def name(self) -> str:
        """`model` or `random_grammar`; stored with every trial and shown everywhere."""
        ...

    @property
    def model(self) -> str:
        """Name of the language model; empty for the control."""
        ...

    def propose(self, task: Task) -> Draft:
        """One draft; raises `ModelError` when the model cannot answer, `BudgetError` when it may not be asked."""
        ...

    def repair(self, task: Task, draft: Draft, error: ExpressionError) -> Draft | None:
        """A second try at a refused draft, told why; None when there is no use in asking."""
        ...
