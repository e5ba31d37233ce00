"""
One assignment to a proposer, and what comes back.
"""

from dataclasses import dataclass
from typing import Protocol

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.factors.definition import Dialect
from alpha_pipeline.llm.budget import SpendMeter
from alpha_pipeline.market.markets import Market
from alpha_pipeline.settings import PromptMode as PromptMode

WINDOWS = (5, 10, 20, 60)
STEPS = 3  # improvements of improvements before a line of factors is left alone


@dataclass(frozen=True)
class Parent:
    """
    The factor an improvement starts from.

    Args:
        factor_id: its name in the ledger; empty for one that is in none.
        expression: canonical DSL.
        measured: what it earned on train, one line.
        step: number of this improvement in its line, from 1 to `STEPS`.
        line: what it was made from, the first first, each with what it earned.
    """

    factor_id: str
    expression: str
    measured: str
    step: int = 1
    line: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """
    What is asked for.

    Args:
        market: where the factor will be traded.
        fields: names it may use, sorted.
        theme: family of the idea, of `factor_types.FACTOR_TYPES`.
        window: look-back to build around, in bars.
        seed: makes the proposal repeatable.
        way: how it is asked for.
        count: factors wanted in one answer.
        parent: the factor to improve; only with way "optimize".
        context: what the user wants considered besides, in their own words.
        notes: what the knowledge base says, one line each; untrusted text.
    """

    market: Market
    fields: tuple[str, ...]
    factor_type: str
    window: int
    seed: int
    prompt_mode: PromptMode = "generate"
    count: int = 1
    parent: Parent | None = None
    context: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """
    One factor as it came back.

    Args:
        name: for display.
        source: the expression as written; empty when the reply held none.
        dialect: the front end that reads it.
        rationale: the proposer's words.
        risks: when it may fail, the proposer's words.
        expected_performance: expected performance as claimed; never a measurement.
        parent: factor_id it improves; empty for a fresh idea.
        request_hash: of the stored model request; empty when no model was asked.
    """

    name: str
    source: str
    dialect: Dialect = "dsl"
    rationale: str = ""
    risks: str = ""
    expected_performance: str = ""
    parent: str = ""
    request_hash: str = ""


class Proposer(Protocol):
    """Who proposes factors: a language model, or one of the controls it has to beat."""

    def within(self, meter: SpendMeter) -> "Proposer":
        """The same proposer, its calls counted and limited by a run date's meter."""
        ...

    @property
    def name(self) -> str:
        """`model`, `random_grammar` or `mutation`; stored with every trial and shown everywhere."""
        ...

    @property
    def model(self) -> str:
        """Name of the language model; empty for a control."""
        ...

    def propose(self, task: Task) -> tuple[Proposal, ...]:
        """
        At least one proposal, at most `task.count`.

        Raises:
            ModelError: the model cannot answer.
            BudgetError: it may not be asked.
        """
        ...

    def repair(self, task: Task, proposal: Proposal, error: ExpressionError, near: tuple[str, ...]) -> Proposal | None:
        """A second try at a refused proposal, told why and shown valid formulas `near` to it; None if it is no use."""
        ...

    def criticize(self, task: Task, measured: tuple[str, ...]) -> str:
        """What to do next, in view of a round's results on train; empty from whoever has no opinion."""
        ...
